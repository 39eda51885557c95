#!/bin/sh
# Migrates, fills an empty database with the rates and the demo household, says where things are, and serves.
set -eu
cd "$(dirname "$0")/.."
port=${PORT:-8000}
base=http://127.0.0.1:$port

.venv/bin/python manage.py migrate --verbosity 0
.venv/bin/python manage.py load_rates --verbosity 0
.venv/bin/python manage.py demo --if-empty --password "${DEMO_PASSWORD:-demo-household}" --verbosity 0

cat <<TEXT
Strata
  API      $base/api/v1/
  Swagger  $base/swagger
  Admin    $base/admin/
  The demo household (where the database was empty): user demo, password ${DEMO_PASSWORD:-demo-household}
TEXT
exec .venv/bin/gunicorn --bind "127.0.0.1:$port" strata.wsgi
