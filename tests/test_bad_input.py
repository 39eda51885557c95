"""Bad input of every kind at every route: a clear 4xx in the one shape, and nothing breaks afterwards."""

from __future__ import annotations

import json

import pytest

from tests.test_tenancy import ABSENT, address, routes, world  # noqa: F401 - a fixture

VALUES = (
    None,
    True,
    0,
    -1,
    10**30,
    1.5,
    "",
    " ",
    "\x00",
    "NaN",
    "Infinity",
    "1e400",
    "1e999999",
    "9" * 5000,
    "٣",
    "x" * 1_000_000,
    "\u202egnirts",
    "=1+1",
    [],
    {},
    ["x"],
    {"a": 1},
    "0001-01-01",
    "9999-12-31T23:59:59-14:00",
    "2024-02-30",
    ABSENT,
    "XXX",
)
FIELDS = {
    "portfolio": ("name", "base_currency", "time_zone", "household_id"),
    "asset": [
        "name",
        "currency",
        "quantity",
        "notes",
        "kind",
        "acquired_on",
        "portfolio_id",
        "asset_type_id",
        "category_ids",
        "tag_ids",
    ],
    "asset-snapshot": ("value", "observed_at", "on", "note"),
    "transaction": [
        "type",
        "amount",
        "quantity",
        "unit_price",
        "fee",
        "tax",
        "currency",
        "occurred_at",
        "on",
        "position",
        "note",
        "source",
        "external_id",
    ],
    "portfolio-snapshot": ("on", "note"),
    "allocation-target": ["share", "portfolio_id", "category_id", "tag_id", "asset_id", "group", "currency"],
    "category": ("name", "parent_id", "household_id"),
    "tag": ("name", "household_id"),
    "asset-type": ("code", "label", "group", "kind", "stale_after_days", "household_id"),
    "household": ("name",),
    "member": ("role",),
}
RAW = (b"", b"null", b"[]", b"7", b"{", b"\xff", b'{"name": 1, "name": 2}', b"[" * 200_000, b'{"x": NaN}')


def refused(answer):
    body = json.loads(answer.content)
    return 400 <= answer.status_code < 500 and set(body) == {
        "code",
        "message",
        "status",
        "errors",
        "request_id",
    }


def test_every_route_survives_raw_rubbish(alice, world):  # noqa: F811
    for name, pattern, methods in routes():
        for method in set(methods) - {"get", "delete"}:
            for body in RAW:
                answer = alice.generic(
                    method.upper(), address(name, pattern, world), body, "application/json"
                )
                assert answer.status_code < 500, (name, method, body[:20], answer.content)
                assert answer.status_code < 300 or refused(answer), (name, method, body[:20])
            wrong = alice.generic(method.upper(), address(name, pattern, world), b"<a/>", "application/xml")
            assert wrong.status_code < 300 or refused(wrong), (name, method)


@pytest.mark.parametrize("thing", FIELDS)
def test_every_field_takes_or_refuses_every_value(alice, world, thing):  # noqa: F811
    """A refusal names the field; whatever was taken can be read again."""
    paths = {name: (pattern, methods) for name, pattern, methods in routes()}
    pattern, _ = paths[f"{thing}-detail"]
    path = address(f"{thing}-detail", pattern, world)
    for field in FIELDS[thing]:
        for value in VALUES:
            answer = alice.patch(path, {field: value})
            assert answer.status_code < 500, (field, str(value)[:30], answer.content)
            if answer.status_code == 400:
                fields = [one["field"] for one in answer.json()["errors"]]
                assert any(str(one).split(".")[0] for one in fields), (field, str(value)[:30], answer.content)
            assert alice.get(path).status_code == 200, (field, str(value)[:30])


@pytest.mark.parametrize("query", ["", "x", "\x00", "9" * 5000, "1e400", "NaN", "é", "[]", "10**30"])
def test_every_parameter_takes_or_refuses_every_value(alice, world, query):  # noqa: F811
    from django.urls import resolve

    for name, pattern, methods in routes():
        if "get" not in methods:
            continue
        path = address(name, pattern, world)
        view = getattr(resolve(path).func, "cls", None)
        for parameter in (
            "page",
            "page_size",
            "cursor",
            "ordering",
            "unknown",
            *getattr(view, "parameters", {}),
        ):
            answer = alice.get(path, {parameter: query})
            assert answer.status_code < 500, (name, parameter, answer.content)
            assert answer.status_code < 300 or refused(answer), (name, parameter, answer.content)


@pytest.mark.parametrize("bad", ["1", "x", "%00", "null", ABSENT.upper() + "0", "{" + ABSENT + "}", "٣" * 8])
def test_malformed_ids_in_paths_are_404(alice, world, bad):  # noqa: F811
    for path in ("assets", "portfolios", "categories", "tags", "asset-types", "households", "auth/tokens"):
        answer = alice.get(f"/api/v1/{path}/{bad}")
        assert answer.status_code == 404
        assert refused(answer), path
