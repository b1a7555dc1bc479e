#!/usr/bin/env bash
# The tests that need a stack. One that runs already keeps running; one that was started for them is stopped again.
source "$(dirname "$0")/env.sh"
cd "$ROOT"

if ! infra/local/emulator.sh running; then
  trap 'infra/local/emulator.sh stop' EXIT
fi
make --no-print-directory e2e model faults client-test fuzz
say "Everything passed."
