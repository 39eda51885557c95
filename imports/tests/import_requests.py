"""Requests of an import: its file, its commit and its undo."""

import json

from django.core.files.uploadedfile import SimpleUploadedFile

from assets.models import AssetSnapshot

IMPORTS = "/api/v1/imports"
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
