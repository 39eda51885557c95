"""Requests of an import: its file, its commit and its undo, and what is there before and after."""

import json

from django.core.files.uploadedfile import SimpleUploadedFile

from assets.models import AssetSnapshot
from strata.doctor import Level, examine

API = "/api/v1"
IMPORTS = f"{API}/imports"
LONG = (
    b"account,date,balance,currency\nSavings,2025-01-31,100,EUR\n"
    b"Savings,2025-02-28,200,EUR\nHouse,2025-01-31,9,EUR\n"
)


def send(client, portfolio, data=LONG, name="values.csv", **fields):
    """POST of the file into the portfolio."""
    if "options" in fields:
        fields["options"] = json.dumps(fields["options"])
    body = {"file": SimpleUploadedFile(name, data), "portfolio_id": str(portfolio.pk), **fields}
    return client.post(IMPORTS, body, format="multipart")


def preview(client, portfolio, data=LONG, **fields):
    response = send(client, portfolio, data, **fields)
    assert response.status_code == 201, response.content
    return response.json()


def commit(client, new_import, expected=200):
    response = client.post(f"{IMPORTS}/{new_import['id']}/commit")
    assert response.status_code == expected, response.content
    return response.json()


def undo(client, new_import, expected=200, **body):
    response = client.post(f"{IMPORTS}/{new_import['id']}/undo", body)
    assert response.status_code == expected, response.content
    return response.json()


def rows(client, new_import, **query):
    response = client.get(f"{IMPORTS}/{new_import['id']}/rows", query)
    assert response.status_code == 200, response.content
    return response.json()["results"]


def values_of(portfolio):
    snapshots = AssetSnapshot.objects.filter(asset__portfolio=portfolio).order_by("asset__name", "on")
    return [(row.asset.name, row.on.isoformat(), str(row.value)) for row in snapshots]


def answers(client, lists, instant=None):
    """What each of the routes answers, now or as it was known at the instant."""
    query = {"known_at": instant.isoformat()} if instant else {}
    answers = [client.get(API + path, query) for path in lists]
    assert {answer.status_code for answer in answers} == {200}
    return [answer.content for answer in answers]


def failures():
    return [finding for finding in examine() if finding.level is Level.FAIL]
