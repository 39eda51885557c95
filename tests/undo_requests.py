"""The requests of the tests of undo: a value that is added, and its undo."""

from __future__ import annotations

API = "/api/v1"


def undo(client, answer, **headers):
    """POST undo for the request of this answer, or for a request id."""
    request_id = answer if isinstance(answer, str) else answer["X-Request-Id"]
    return client.post(f"{API}/undo/{request_id}", **headers)


def done(answer, code=200):
    assert answer.status_code == code, answer.content
    return answer.json()


def add(client, asset, value, on="2026-11-28"):
    return client.post(f"{API}/assets/{asset.pk}/snapshots", {"value": value, "on": on})
