#!/usr/bin/env bash
# Runs the functions as `sam local start-api` does, each in AWS's own runtime image, on port 3000, built for Lambda. S3 and
# DynamoDB are the emulator's. Needs Docker.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

docker info >/dev/null 2>&1 || fail "Docker does not answer. \`make dev\` runs the same API without it."
if (exec 3<>/dev/tcp/127.0.0.1/3000) 2>/dev/null; then
  fail "Port 3000 is taken, perhaps by another \`make sam-local\`. Stop that first."
fi
# A container on Linux reaches this machine by the address of docker0 only. No other machine reaches that one, which matters:
# the emulator takes everybody for its administrator. Docker Desktop has no docker0, and hands on to 127.0.0.1.
ALSO_ON=$(ip -4 -o addr show docker0 2>/dev/null | awk '{ sub("/.*", "", $4); print $4 }' || true)
export ALSO_ON
infra/local/emulator.sh start
infra/local/deploy.sh
source "$LOCAL/stack.env"

# A folder of its own, in which the template's relative paths lead to what was built for Lambda.
home=$LOCAL/sam-local
arch=$(uname -m)
say "Building the functions for Lambda"
make --no-print-directory build ARCH="${arch/aarch64/arm64}" PROFILE=local BUILD="$home/build"

# `sam local` hands on only variables that the template declares, so this copy of it declares where the emulator is.
awk '{ print } /^        BUCKET: / { print "        AWS_ENDPOINT_URL: \"\"" }' template.yaml >"$home/template.yaml"
cat >"$home/env.json" <<JSON
{ "Parameters": { "AWS_ENDPOINT_URL": "$AWS_ENDPOINT_URL", "BUCKET": "$BUCKET", "TABLE": "$TABLE",
  "PUBLIC_URL": "http://localhost:3000",
  "URL_SIGNING_SECRET": "$URL_SIGNING_SECRET" } }
JSON

# Signed URLs carry the address they were signed for: `localhost` must mean the same inside a container and out here.
exec "$LOCAL/tools/bin/sam" local start-api --template "$home/template.yaml" \
  --parameter-overrides "file://$LOCAL/parameters.yaml" --env-vars "$home/env.json" \
  --add-host localhost:host-gateway --warm-containers LAZY
