#!/bin/sh
# Finds a Python that the lock files fit and hands over to `python -m tools.toolchain setup`.
# Kept in sh because it runs before there is a Python to rely on.
CDPATH='' cd -- "$(dirname -- "$0")/../.." || exit 1

probe='
import importlib.util, sys
complete = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
print("%d.%d" % sys.version_info[:2], "complete" if complete else "incomplete")
'
tried=
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    found=$("$python" -c "$probe" 2>/dev/null) || continue
    case $found in
        "3.11 complete" | "3.12 complete" | "3.13 complete" | "3.14 complete")
            exec "$python" -m tools.toolchain setup "$@" ;;
        *" incomplete")
            version=${found% *}
            tried="$tried
    $python: $version, without venv or ensurepip (Debian, Ubuntu: apt install python$version-venv)" ;;
        *)
            tried="$tried
    $python: ${found% *}" ;;
    esac
done

cat >&2 <<MESSAGE
setup: this needs CPython 3.11, 3.12, 3.13 or 3.14, with venv, on PATH. Found:${tried:-
    no python3}
Install one (your system's packages, or python.org), then run the same command again.
MESSAGE
exit 1
