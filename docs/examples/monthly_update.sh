#!/bin/sh
# Records the values of a JSON file: STRATA_TOKEN=... sh monthly_update.sh rows.json
#
# The file has a list of rows: [{"asset_id": "0197...", "value": "1204.55"}, ...]. A row without "on" is of today; a value
# that is there already is replaced. A file may also have the whole body: {"if_exists": "skip", "rows": [...]}. Either all
# rows are recorded, or none: then each bad row is named, counted from 0, and the script exits with 1.
# STRATA_URL is the API's address, by default http://127.0.0.1:8000/api/v1. Only curl is needed.
set -eu
file=${1:?"Usage: monthly_update.sh ROWS.json"}
url=${STRATA_URL:-http://127.0.0.1:8000/api/v1}

body() {
    case $(tr -d '[:space:]' <"$file" | head -c 1) in
    '[') printf '{"if_exists": "replace", "rows": ' && cat "$file" && printf '}' ;;
    *) cat "$file" ;;
    esac
}

# The token is given by a configuration, so that no list of processes shows it. The last line is the status.
configuration() {
    printf 'header = "Authorization: Bearer %s"\n' "${STRATA_TOKEN:?"Set STRATA_TOKEN."}"
}

sent=$(mktemp) && trap 'rm -f "$sent"' EXIT
body >"$sent"
answer=$(configuration | curl -sS -K - -w '\n%{http_code}' -H 'Content-Type: application/json' \
    --data-binary @"$sent" "$url/values:batch") || exit 1
status=$(printf '%s' "$answer" | tail -n 1)
answer=$(printf '%s' "$answer" | sed '$d')
if [ "$status" = 200 ]; then
    printf '%s\n' "$answer"
    exit 0
fi
# One line for each error: {"field":"rows[3].value","code":"invalid","message":"..."}
errors=$(printf '%s' "$answer" | grep -oE '\{"field":[^,]*,"code":"[^"]*","message":"([^"\\]|\\.)*"\}') || errors=$answer
printf '%s\n' "$errors" >&2
exit 1
