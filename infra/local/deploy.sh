#!/usr/bin/env bash
# Builds the functions, deploys template.yaml to the emulator when anything changed, and writes .local/stack.env.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

for tool in cargo node; do
  command -v "$tool" >/dev/null || fail "$tool is missing: install Rust (rustup.rs) and Node 20 or newer, then run this again."
done

# What the last deployment was made of; kept with the emulator's data, because it goes when that goes.
deployed=$EMULATOR_DATA/deployed
mkdir -p "$deployed"

build() {
  say "Building the functions"
  # With a test target, like every other use of this profile, so that the AWS SDKs are compiled once.
  cargo build --profile local --workspace --bins --test e2e
  local manifest name
  for manifest in functions/*/Cargo.toml; do
    name=$(basename "$(dirname "$manifest")")
    cmp -s "$CARGO_TARGET_DIR/local/$name" "build/$name/bootstrap" && continue
    mkdir -p "build/$name"
    cp "$CARGO_TARGET_DIR/local/$name" "build/$name/bootstrap"
    rm -f "$deployed"/*
  done
  # What renders previews lies beside each function that answers with one.
  for name in build/preview-*/; do
    cmp -s "$CARGO_TARGET_DIR/local/render" "$name/render" && continue
    cp "$CARGO_TARGET_DIR/local/render" "$name/render"
    rm -f "$deployed"/*
  done
}

up_to_date() {
  cmp -s template.yaml "$deployed/template.yaml" && cmp -s "$LOCAL/parameters.yaml" "$deployed/parameters.yaml"
}

deploy() {
  say "Deploying template.yaml"
  rm -f "$deployed"/*
  # The whole report goes to a log; here, a terminal sees the resource that was done last, and in the end how many.
  COLUMNS=160 "$LOCAL/tools/bin/sam" deploy --config-env local 2>&1 | tee "$LOCAL/deploy.log" |
    awk -v terminal="$([ -t 1 ] && echo yes)" '
      / AWS::.*::/ && /_COMPLETE / { done++; if (terminal) { printf "\r\033[K  %d %s", done, $3; fflush() } }
      END { if (terminal) printf "\r\033[K"; if (done) print "  " done " resources" }' || {
      tail -n 30 "$LOCAL/deploy.log" >&2
      fail "The deployment failed; the end of its report (.local/deploy.log) is above."
    }
  cp template.yaml "$LOCAL/parameters.yaml" "$deployed/"
}

read_stack() { "$LOCAL/emulator/bin/python" infra/local/stack.py "$STACK"; }

build
node infra/local/parameters.mjs >"$LOCAL/parameters.yaml"
if ! up_to_date || ! stack=$(read_stack); then
  deploy
  stack=$(read_stack)
fi

{
  echo "$stack"
  echo "TOKEN=$(ORG=123 USER=someone node infra/local/token.mjs)"
  echo "ADMIN_TOKEN=$(ORG=123 USER=admin ADMIN=true node infra/local/token.mjs)"
  echo "OTHER_TOKEN=$(ORG=456 USER=stranger node infra/local/token.mjs)"
  echo "REGION=$AWS_REGION"
  for name in AWS_ENDPOINT_URL AWS_REGION AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; do echo "$name=${!name}"; done
} >"$LOCAL/stack.env"
