#!/usr/bin/env python3
"""Records today's values of a CSV file, and prints the new net worth.

    STRATA_TOKEN=... python3 monthly_update.py values.csv

The file has the header `asset,value` and a line for each asset, by its name. Values are in the asset's own currency,
in plain digits: 1204.55, and -180000 for what is owed. A value of today is replaced, so the file may be sent again.
Either all lines are recorded, or none: then each bad line is named, and the script exits with 1.

STRATA_URL is the API's address, by default http://127.0.0.1:8000/api/v1. Nothing but Python is needed.
"""

import csv
import json
import os
import sys
import urllib.error
import urllib.request

URL = os.environ.get("STRATA_URL", "http://127.0.0.1:8000/api/v1").rstrip("/")
TOKEN = os.environ.get("STRATA_TOKEN", "")


class Refused(Exception):
    """The answer of the API to a request that it refused."""

    def __init__(self, answer):
        super().__init__(answer.get("message", "The request was refused."))
        self.errors = answer.get("errors") or []


def send(path, body=None):
    """The answer to a GET, or to a POST of this body."""
    address = path if path.startswith("http") else f"{URL}/{path}"
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        raise Refused(answer_in(error)) from None


def answer_in(error):
    """What the API says about an error; another server on the way may answer without JSON."""
    try:
        return json.load(error)
    except ValueError:
        return {"message": f"{error.code} {error.reason}"}


def read_lines(path):
    """(number, name, value) of each line below the header."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != ["asset", "value"]:
            sys.exit(f"{path}: the first line must be: asset,value")
        return [(reader.line_num, line["asset"].strip(), (line["value"] or "").strip()) for line in reader]


def ids_by_name():
    """The ids of all assets that are not disposed of, by name without case."""
    ids, page = {}, "assets?disposed=false&page_size=200"
    while page:
        answer = send(page)
        for asset in answer["results"]:
            ids.setdefault(asset["name"].casefold(), []).append(asset["id"])
        page = answer["next"]
    return ids


def record(path):
    lines, ids = read_lines(path), ids_by_name()
    problems = {0: "there is no such asset", 2: "several assets have this name"}
    bad = [
        (number, name, problems[min(len(ids.get(name.casefold(), ())), 2)])
        for number, name, _ in lines
        if len(ids.get(name.casefold(), ())) != 1
    ]
    if bad:
        return bad
    rows = [{"asset_id": ids[name.casefold()][0], "value": value} for _, name, value in lines]
    try:
        send("values:batch", {"if_exists": "replace", "rows": rows})
    except Refused as refused:
        if not refused.errors:
            raise
        return [named_error(error, lines) for error in refused.errors]
    return []


def named_error(error, lines):
    """An error of the API, such as that of `rows[3].value`, with the line that it is about."""
    field = error["field"] or ""
    if not field.startswith("rows["):
        return 1, field, error["message"]
    number, name, _ = lines[int(field[len("rows[") :].partition("]")[0])]
    return number, name, error["message"]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv[1]
    try:
        bad = record(path)
        for number, name, message in bad:
            print(f"{path}:{number}: {name}: {message}", file=sys.stderr)
        if bad:
            sys.exit(1)
        worth = send("net-worth?interval=year")
    except (Refused, OSError, csv.Error) as error:
        sys.exit(f"{error}")
    print(f"{worth['points'][-1]['net']} {worth['currency']}")


if __name__ == "__main__":
    main()
