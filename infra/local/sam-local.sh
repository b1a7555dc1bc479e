#!/usr/bin/env bash
# Runs the functions as `sam local start-api` does, each in AWS's own runtime image, on port 3000. S3 and DynamoDB are
# the emulator's, so `make dev` comes first. Needs Docker.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

docker info >/dev/null 2>&1 || fail "Docker does not answer. \`make dev\` runs the same API without it."
infra/local/emulator.sh running && [ -f "$LOCAL/stack.env" ] || fail "The emulator is not running: \`make dev\` first."
source "$LOCAL/stack.env"
if [ "$(uname)" = Linux ] && [ "${BIND:-}" != 0.0.0.0 ]; then
  fail "On Linux, containers reach the emulator only when it listens beyond this machine's loopback:
  make stop && make sam-local BIND=0.0.0.0"
fi

# `sam local` hands on only variables that the template declares, so a copy of it declares where the emulator is. It
# lies beside the template, for the same relative paths.
copy=.sam-local.yaml
trap 'rm -f "$copy"' EXIT
awk '{ print } /^        BUCKET: / { print "        AWS_ENDPOINT_URL: \"\"" }' template.yaml >"$copy"
cat >"$LOCAL/sam-local.json" <<JSON
{ "Parameters": { "AWS_ENDPOINT_URL": "$AWS_ENDPOINT_URL", "BUCKET": "$BUCKET", "TABLE": "$TABLE",
  "PUBLIC_URL": "http://localhost:3000",
  "URL_SIGNING_SECRET": "$URL_SIGNING_SECRET" } }
JSON

# Signed URLs carry the address they were signed for: `localhost` must mean the same inside a container and out here.
"$LOCAL/tools/bin/sam" local start-api --template "$copy" --parameter-overrides "file://$LOCAL/parameters.yaml" \
  --env-vars "$LOCAL/sam-local.json" --add-host localhost:host-gateway --warm-containers LAZY
