#!/usr/bin/env bash
# Installs the pinned Python tools into .local/, once: `install.sh emulator`, `install.sh tools` or `install.sh schemathesis`.
source "$(dirname "$0")/env.sh"

name=$1
pins=$ROOT/infra/local/$name.txt
home=$LOCAL/$name
if cmp -s "$pins" "$home/installed.txt"; then
  touch "$home/installed.txt"
  exit
fi

command -v python3 >/dev/null || fail "Python 3 is missing: install it, then run this again."
say "Installing $name into .local/$name (once, about a minute)"
rm -rf "$home"
python3 -m venv "$home" || fail "python3 cannot make a virtual environment: install its venv module (python3-venv on Debian)."
"$home/bin/pip" install --quiet --disable-pip-version-check --no-input --requirement "$pins"
cp "$pins" "$home/installed.txt"
