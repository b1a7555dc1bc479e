# Sourced by the scripts beside it: where things are, and how to reach the emulator.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LOCAL=$ROOT/.local
STACK=file-api

# Bold and red, but only on a terminal.
say() { if [ -t 1 ]; then printf '\033[1m%s\033[0m\n' "$*"; else echo "$*"; fi; }
fail() { if [ -t 2 ]; then printf '\033[31m%s\033[0m\n' "$*" >&2; else echo "$*" >&2; fi; exit 1; }

must_be_function() {
  [ -f "$ROOT/functions/$1/Cargo.toml" ] || fail "There is no function \`$1\`: FUNCTION is a folder in functions/, such as get-file."
}

# The port that the emulator was started on last, unless another is asked for. The tests take the next one for themselves.
export PORT=${PORT:-$(cat "$LOCAL/port" 2>/dev/null || echo 4566)}
[[ $PORT =~ ^[1-9][0-9]{0,4}$ ]] && [ "$PORT" -le 65000 ] || fail "PORT is a number from 1 to 65000, not \`$PORT\`: make dev PORT=4567"

# The emulator's administrator. No profile of this machine may leak in.
unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export AWS_REGION=eu-central-1 AWS_DEFAULT_REGION=eu-central-1
export AWS_ENDPOINT_URL=http://localhost:$PORT
# A router may stand between that and the emulator (tests/dynamodb-local).
EMULATOR_PORT=${EMULATOR_PORT:-$PORT}
EMULATOR_DATA=${EMULATOR_DATA:-$LOCAL/data}
export SAM_CLI_TELEMETRY=0
