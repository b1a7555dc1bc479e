#!/usr/bin/env bash
# Starts and stops the AWS emulator: `emulator.sh start`, `stop` or `running` (exit status says).
# ALSO_ON=172.17.0.1 has it listen on that address too, besides 127.0.0.1.
source "$(dirname "$0")/env.sh"

pid_file=$LOCAL/emulator.pid
log=$LOCAL/emulator.log
program=$ROOT/infra/local/emulator.py

# The pid alone is not enough: after a reboot it may belong to something else, and a killed process may linger as Z.
running() {
  [ -f "$pid_file" ] && ps -ww -p "$(cat "$pid_file")" -o stat= -o args= 2>/dev/null | grep -v '^Z' | grep -qF "$program"
}

# Another emulator on the port answers too, but with another pid.
answers_on() { [ "$(curl -s "http://$1:$EMULATOR_PORT/_local/pid")" = "$(cat "$pid_file")" ]; }
answers() { answers_on 127.0.0.1 && { [ -z "${ALSO_ON:-}" ] || answers_on "$ALSO_ON"; }; }

# The emulator keeps how far the stream worker has read, but not the stream, which starts anew with the process: the worker
# would wait for it to grow as long as the old one was.
forget_stream_positions() {
  local state=$EMULATOR_DATA/state/lambda.json
  [ ! -f "$state" ] || python3 - "$state" <<'PYTHON'
import json, sys
with open(sys.argv[1]) as file:
    state = json.load(file)
state["payload"].pop("dynamodb_stream_positions", None)
with open(sys.argv[1], "w") as file:
    json.dump(state, file)
PYTHON
}

start() {
  if running; then
    local port
    port=$(cat "$LOCAL/port")
    [ "$port" = "$PORT" ] || fail "The emulator runs on port $port. To move it to port $PORT, \`make stop\` first."
    answers && return
    answers_on 127.0.0.1 || fail "The emulator runs (process $(cat "$pid_file")) but does not answer on port $PORT: \`make stop\` first."
    say "The emulator starts again, to listen on $ALSO_ON too"
    stop
  fi
  rm -f "$pid_file"
  if (exec 3<>"/dev/tcp/127.0.0.1/$EMULATOR_PORT") 2>/dev/null; then
    fail "Port $EMULATOR_PORT is taken by another program. Stop it, or choose another port: make dev PORT=$((PORT + 10))"
  fi

  say "Starting the emulator on port $EMULATOR_PORT (log: .local/emulator.log)"
  mkdir -p "$EMULATOR_DATA" "$LOCAL/tmp"
  forget_stream_positions
  # AUTH enforces IAM, bucket policies and signatures: what is forbidden on AWS is forbidden here.
  AUTH=true BIND_HOSTS="127.0.0.1 ${ALSO_ON:-}" GATEWAY_PORT=$EMULATOR_PORT MINISTACK_REGION=$AWS_REGION \
    PERSIST_STATE=1 STATE_DIR=$EMULATOR_DATA/state S3_PERSIST=1 S3_DATA_DIR=$EMULATOR_DATA/s3 \
    TMPDIR=$LOCAL/tmp LOG_LEVEL=${EMULATOR_LOG_LEVEL:-WARNING} \
    nohup "$LOCAL/emulator/bin/python" "$program" >"$log" 2>&1 </dev/null &
  echo $! >"$pid_file"
  echo "$PORT" >"$LOCAL/port"
  for _ in $(seq 150); do
    answers && return
    running || { tail -n 20 "$log" >&2; rm -f "$pid_file"; fail "The emulator did not start; the end of its log is above."; }
    sleep 0.2
  done
  fail "The emulator is not ready after 30 seconds: see .local/emulator.log"
}

stop() {
  if ! running; then
    rm -f "$pid_file"
    echo "The emulator is not running."
    return
  fi
  local pid
  pid=$(cat "$pid_file")
  # It writes its state to disk as it ends, so it gets the time it needs.
  kill "$pid"
  for _ in $(seq 150); do
    if ! running; then
      rm -rf "$pid_file" "$LOCAL/tmp"
      echo "Stopped. The data stays in ${EMULATOR_DATA#"$ROOT/"}."
      return
    fi
    sleep 0.2
  done
  fail "The emulator (process $pid) is still ending after 30 seconds; see .local/emulator.log"
}

case ${1:-} in
start) start ;;
stop) stop ;;
running) running ;;
*) fail "usage: emulator.sh start|stop|running" ;;
esac
