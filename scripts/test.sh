#!/bin/sh
# The whole suite on SQLite, and again on PostgreSQL where TEST_DATABASE_URL names one.
set -eu
cd "$(dirname "$0")/.."
postgresql=${TEST_DATABASE_URL:-}
unset TEST_DATABASE_URL
echo "--- the suite on SQLite"
.venv/bin/pytest -n 2 "$@"
if [ -n "$postgresql" ]; then
    echo "--- the suite on PostgreSQL"
    TEST_DATABASE_URL=$postgresql .venv/bin/pytest -n 2 "$@"
fi
