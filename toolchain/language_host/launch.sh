#!/bin/sh
# Stands next to the CLI as `pulumi-language-python`, in .toolchain/bin of a checkout, and starts our language
# host on that checkout's Python. Finds the checkout from its own place, so that a checkout may be moved.
bin=$(cd "$(dirname "$0")" && pwd)
python=$bin/../../.venv/bin/python
if [ ! -x "$python" ]; then
    echo "no Python in ${bin%/.toolchain/bin}/.venv: run \`make setup\` there" >&2
    exit 1
fi
# -P: the project's folder stays off the search path, whatever modules it holds.
exec "$python" -P -m toolchain.language_host "$bin/pulumi-language-python-exec" "$@"
