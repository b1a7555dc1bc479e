#!/usr/bin/env bash
# Runs one function under `cargo lambda watch`, against the emulator's S3 and DynamoDB: `watch.sh get-file`.
# `make invoke FUNCTION=get-file` in another terminal sends it its sample event.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

must_be_function "${1:-}"
[ -f "$LOCAL/stack.env" ] || fail "There is no local stack yet: \`make dev\` first."
set -a
source "$LOCAL/stack.env"
parameter() { node -p "JSON.parse(fs.readFileSync('$LOCAL/parameters.yaml'))['$1']"; }
TOKEN_ISSUER=$(parameter TokenIssuer) TOKEN_AUDIENCE=$(parameter TokenAudience) TOKEN_JWKS=$(parameter TokenJwks)
TOKEN_JWKS_URL="" TOKEN_ORG_CLAIM=org_id TOKEN_USER_CLAIM=sub TOKEN_ADMIN_CLAIM=file_admin
MAX_UPLOAD_BYTES=5368709120 MAX_PUBLIC_UPLOAD_BYTES=26214400 PUBLIC_UPLOADS=true MAX_VERSIONS=1000
RETENTION_DAYS=30 SESSION_SAME_SITE=Lax
SOURCE_URL_MAX_BYTES=104857600 SOURCE_URL_TIMEOUT_SECONDS=20 SOURCE_URL_MAX_REDIRECTS=3
SOURCE_URL_EXEMPT=$(parameter SourceUrlExempt)
PREVIEW_MAX_SOURCE_BYTES=52428800 PREVIEW_MAX_PIXELS=100000000 PREVIEW_MAX_PAGES=10000 PREVIEW_MAX_NESTING=64
PREVIEW_MAX_EXPANDED_BYTES=67108864 PREVIEW_MAX_MEMORY_BYTES=268435456 PREVIEW_MAX_TIME_MS=900
PATH=$LOCAL/tools/bin:$PATH
set +a
exec cargo-lambda lambda watch --profile local --package "$1"
