#!/bin/sh
# Finds a Python that the lock files fit and hands over to `python -m toolchain setup`.
# Kept in sh because it runs before there is a Python to rely on.
cd "$(dirname "$0")/.." || exit 1

tried=
for python in python3 python3.14 python3.13 python3.12 python3.11; do
    command -v "$python" >/dev/null 2>&1 || continue
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case $version in
        3.11 | 3.12 | 3.13 | 3.14) ;;
        *) tried="$tried
    $python is Python $version"; continue ;;
    esac
    if "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        exec "$python" -m toolchain setup
    fi
    tried="$tried
    $python is Python $version without venv or ensurepip (Debian, Ubuntu: apt install python$version-venv)"
done

cat >&2 <<MESSAGE
setup: this needs CPython 3.11, 3.12, 3.13 or 3.14, with venv, on PATH. Found:${tried:-
    no python3}
Install one (your system's packages, or python.org), then run the same command again.
MESSAGE
exit 1
