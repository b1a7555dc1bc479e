#!/usr/bin/env bash
# Sends a function that `make watch` runs its sample event, with a token: `invoke.sh get-file`.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

must_be_function "${1:-}"
(exec 3<>/dev/tcp/localhost/9000) 2>/dev/null || fail "No function is watched: \`make watch FUNCTION=$1\` in another terminal first."
mkdir -p "$LOCAL"
sed "s|<make token>|$(node infra/local/token.mjs)|" "infra/events/$1.json" >"$LOCAL/event.json"
"$LOCAL/tools/bin/cargo-lambda" lambda invoke "$1" --data-file "$LOCAL/event.json"
