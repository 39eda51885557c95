#!/bin/sh
# Makes .venv with a Python that really is 3.12 or newer, and installs the pinned requirements ($1) into it.
# A second call with unchanged requirements does nothing.
set -eu
cd "$(dirname "$0")/.."
requirements=${1:-requirements.txt}

find_python() {
    for candidate in ${PYTHON:-} python3.13 python3.12 python3; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "Strata needs Python 3.12 or newer, with its venv module. Install it, or name one: PYTHON=/path/to/python3.12 make run" >&2
    return 1
}

if ! .venv/bin/python -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then
    python=$(find_python)
    rm -rf .venv
    "$python" -m venv .venv
fi

stamp=.venv/$requirements.stamp
wanted=$(cksum <"$requirements")
if [ "$(cat "$stamp" 2>/dev/null || true)" != "$wanted" ]; then
    echo "Installing $requirements ..." >&2
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r "$requirements"
    echo "$wanted" >"$stamp"
fi
