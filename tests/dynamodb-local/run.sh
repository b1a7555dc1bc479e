#!/usr/bin/env bash
# Runs the end-to-end tests with DynamoDB Local, AWS's own engine, beside the emulator: each call about items goes to both, and
# their replies must agree. Its stack is made for it and removed again.
source "$(dirname "$0")/../../infra/local/env.sh"
cd "$ROOT"

java -version >/dev/null 2>&1 || fail "Java is missing, in which DynamoDB Local is written: install version 17 or newer, then run this again."
! infra/local/emulator.sh running || fail "The emulator is running: \`make stop\` first. The tests get one of their own."

home=$LOCAL/dynamodb-local
dynamodb_port=$((PORT + 3))
export EMULATOR_PORT=$((PORT + 2)) EMULATOR_DATA=$home/data
rm -rf "$home"
mkdir -p "$home"

dynamodb= router=
clean_up() {
  [ -z "$router" ] || kill "$router" 2>/dev/null || true
  [ -z "$dynamodb" ] || kill "$dynamodb" 2>/dev/null || true
  infra/local/emulator.sh stop
}
trap clean_up EXIT

# Waits until something listens on this port of a process that runs.
wait_for() {
  for _ in $(seq 150); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
    kill -0 "$2" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 20 "$3" >&2
  fail "$3 ends as above: nothing listens on port $1."
}

for port in "$PORT" "$dynamodb_port"; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    fail "Port $port is taken. Choose another, with three free ones after it: make e2e-dynamodb-local PORT=4567"
  fi
done
jar=tests/dynamodb-local/node_modules/amplify-dynamodb-simulator/emulator
java -Djava.library.path=$jar/DynamoDBLocal_lib -jar $jar/DynamoDBLocal.jar -inMemory -sharedDb -disableTelemetry \
  -port $dynamodb_port >"$home/dynamodb.log" 2>&1 </dev/null &
dynamodb=$!
infra/local/emulator.sh start
node tests/dynamodb-local/router.mjs "$PORT" "$EMULATOR_PORT" $dynamodb_port >"$home/router.log" 2>&1 </dev/null &
router=$!
wait_for $dynamodb_port $dynamodb "$home/dynamodb.log"
wait_for "$PORT" $router "$home/router.log"
infra/local/deploy.sh

status=0
(set -a; source "$LOCAL/stack.env"; cargo test --profile local --workspace --test e2e) || status=$?
kill $router
wait $router || status=$?
router=
cat "$home/router.log"
exit $status
