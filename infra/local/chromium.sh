#!/usr/bin/env bash
# Says where a Chromium is, for the tests that need a browser. On Debian, root gets one installed.
source "$(dirname "$0")/env.sh"

find_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
    [ -n "$name" ] && command -v "$name" && return
  done
  # As it is called on a Mac.
  name="/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
  [ -x "$name" ] && echo "$name"
}

find_chromium && exit
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  say "Installing Chromium (once, about a minute)" >&2
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends chromium; } >&2
fi
find_chromium || fail "There is no Chromium or Chrome: install one (\`apt-get install chromium\` on Debian), or set CHROMIUM to where it is."
