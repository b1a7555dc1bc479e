"""Fails unless every program in these folders runs where functions run: `glibc.py build`.

Amazon Linux 2023 has glibc 2.34. A program names each version that it needs (`GLIBC_2.17`) in its table of strings; one that
needs a newer one does not even start.
"""
import re
import sys
from pathlib import Path

NEWEST = (2, 34)
# GLIBC_ABI_…, which glibc 2.36 and later have, names no number.
NEEDED = re.compile(rb"\0GLIBC_(?:(\d+)\.(\d+)|ABI_\w+)")


def too_new(program):
    needed = {match[0][1:].decode(): match for match in NEEDED.finditer(program.read_bytes())}
    return sorted(name for name, match in needed.items() if not match[1] or (int(match[1]), int(match[2])) > NEWEST)


def is_program(path):
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


programs = [path for folder in sys.argv[1:] for path in sorted(Path(folder).rglob("*")) if path.is_file() and is_program(path)]
refused = {path: names for path in programs if (names := too_new(path))}
for path, names in refused.items():
    print(f"{path} needs {', '.join(names)}, but Lambda's Amazon Linux 2023 has glibc {NEWEST[0]}.{NEWEST[1]}.", file=sys.stderr)
if refused or not programs:
    sys.exit("Build with cargo-lambda, as `make build` does." if refused else f"There is no Linux program in {sys.argv[1:]}.")
print(f"{len(programs)} programs need no newer glibc than {NEWEST[0]}.{NEWEST[1]}.")
