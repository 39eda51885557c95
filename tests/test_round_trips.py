"""A PUT of a GET's response changes nothing, for every resource, and fixed fields cannot be changed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.urls import get_resolver
from django.utils import timezone

from assets.models import Asset, Transaction
from conftest import client_of
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from tests.all_routes import path_for, routes
from tests.resources import RESOURCES
from tests.valid_requests import BODIES, SUPERUSERS_SEE

pytestmark = pytest.mark.usefixtures("shared_world")

API = "/api/v1"


def is_resource(route) -> bool:
    """Whether a serializer reads and writes the route's row; the dismissal of a finding has none."""
    view = get_resolver().resolve(path_for(route, {})).func.cls
    return {"get", "put"} <= set(route.methods) and getattr(view, "serializer_class", None) is not None


ROUTES = {route.name: route for route in routes() if is_resource(route) and route.name not in SUPERUSERS_SEE}
PARTS = {"asset-ownership"}  # of a row: its fields are not those of the view's serializer
OTHER = "01890a5d-ac96-774b-bcce-b302099a8057"
# Read-only fields that change by themselves: a PUT ignores them, a PATCH with another value is refused.
COMPUTED = {
    "asset-detail": {"current_value", "current_value_on", "equity", "share", "updated_at", "whole_value"},
    "portfolio-detail": {
        "total_value",
        "total_value_on",
        "complete",
        "missing_rates",
        "missing_prices",
        "updated_at",
    },
    "portfolio-snapshot-detail": {"value", "currency", "complete", "missing_rates", "missing_prices"},
    "household-detail": {"role", "updated_at"},
    "member-detail": {"username", "accepted_at"},
    "instrument-detail": {"fetch"},
}
FIXED = {
    **{f"{name}-detail": set(resource.fixed) for name, resource in RESOURCES.items()},
    "asset-detail": {"disposed", "disposed_on", "asset_type", "portfolio"},
    "asset-snapshot-detail": {"asset_id"},
    "asset-value": {"asset_id", "on", "observed_at"},
    "transaction-detail": {"asset_id", "transfer_id"},
    "portfolio-snapshot-detail": {"portfolio_id", "observed_at", "manual", "on"},
    "member-detail": {"household_id", "user_id"},
    "allocation-target-detail": {"household_id", "group_by"},
    "instrument-detail": {"household_id"},
    "portfolio-detail": {"household_id"},
}
ANOTHER = {
    "asset_type": {"id": OTHER, "code": "X", "label": "X", "group": "OTHER"},
    "portfolio": {"id": OTHER, "name": "X"},
    "manual": False,
    "fetch": {"requested_at": None, "finished_at": None, "outcome": "x"},
    "equity": {"value": "1.00", "loans": "0.00", "equity": "1.00", "loan_to_value": "0"},
    "group_by": "tag",
    "complete": False,
    "disposed": True,
    "missing_prices": [
        {"asset": {"id": OTHER, "name": "X"}, "instrument": None, "on": "2026-01-01", "last_on": None}
    ],
    "missing_rates": [{"currency": "USD", "on": "2026-01-01", "amount": "1.00"}],
    "role": "viewer",
    "username": "eve",
}
DAYS = {"disposed_on", "on", "current_value_on", "total_value_on"}
INSTANTS = {"created_at", "updated_at", "observed_at", "accepted_at"}


def another(name: str):
    """A value of the field's shape that the row does not have."""
    if name in ANOTHER:
        return ANOTHER[name]
    if name in DAYS:
        return "2001-01-01"
    if name in INSTANTS:
        return "2001-01-01T00:00:00Z"
    return "1.23" if "value" in name else "XXX" if name == "currency" else OTHER


def field_cases(table: dict[str, set[str]], *common: str):
    """(route, field) for the fields of each route in the table and the common ones."""
    return [
        (route, name)
        for route in ROUTES
        if route not in PARTS
        for name in sorted({*table.get(route, set()), *common})
    ]


@pytest.fixture
def superuser(db):
    return client_of(User.objects.create(username="root", is_superuser=True))


@pytest.fixture
def rows(world):
    """The world, with values in the optional fields of its rows."""
    asset = world["asset"]
    asset.categories.add(world["category"])
    asset.tags.add(world["tag"])
    Asset.objects.filter(pk=asset.pk).update(quantity="2", notes="a\nb", acquired_on=date(2020, 1, 1))
    Transaction.objects.filter(pk=world["transaction"].pk).update(external_id="x", source="bank", note="n")
    return world


def test_routes_include_all_resources_with_put():
    assert set(ROUTES) >= set(FIXED) | set(COMPUTED)
    assert len(ROUTES) >= 11


@pytest.mark.parametrize("name", ROUTES)
def test_put_of_a_get_changes_nothing(name, alice, rows):
    path = path_for(ROUTES[name], rows)
    read, entries = alice.get(path), JournalEntry.objects.count()
    written = alice.put(path, read.json())
    assert (written.status_code, written.json()) == (200, read.json())
    assert written["ETag"] == read["ETag"]
    assert JournalEntry.objects.count() == entries
    if "patch" in ROUTES[name].methods:
        assert alice.patch(path, read.json()).status_code == 200
    assert JournalEntry.objects.count() == entries


@pytest.mark.parametrize(
    "transaction",
    [
        {"type": "ACQUIRE", "quantity": "3", "unit_price": "0.333333333333333333", "fee": "1", "tax": "2"},
        {"type": "DISPOSE", "amount": "5", "on": "2026-01-31", "external_id": "y", "source": "bank"},
        {"type": "ADJUST", "quantity": "-3.5"},
        {"type": "INCOME", "amount": "0", "occurred_at": "2026-01-31T23:30:00.123456Z", "note": "a\nb"},
        {"type": "EXPENSE", "amount": "1.2345", "currency": "JPY"},
    ],
)
def test_put_of_any_transaction_changes_nothing(transaction, alice, rows):
    created = alice.post(f"{API}/assets/{rows['asset'].pk}/transactions", transaction).json()
    path, entries = (
        f"{API}/assets/{rows['asset'].pk}/transactions/{created['id']}",
        JournalEntry.objects.count(),
    )
    written = alice.put(path, alice.get(path).json())
    assert (written.status_code, written.json(), JournalEntry.objects.count()) == (200, created, entries)


@pytest.mark.parametrize(
    "group_type", ["portfolio", "asset_type", "category", "tag", "asset", "group", "currency"]
)
def test_put_of_any_target_changes_nothing(group_type, alice, rows):
    codes = {"group": "FINANCIAL", "currency": "USD"}
    if group_type in codes:
        group = {group_type: codes[group_type]}
    else:
        group = {f"{group_type}_id": str(rows[group_type.replace("_", "-")].pk)}
    if group_type == "portfolio":
        group |= {"currency": "CHF"}
    created = alice.post(f"{API}/allocation-targets", group | {"share": "0.25"}).json()
    path, entries = f"{API}/allocation-targets/{created['id']}", JournalEntry.objects.count()
    written = alice.put(path, alice.get(path).json())
    assert (written.status_code, written.json(), JournalEntry.objects.count()) == (200, created, entries)


@pytest.mark.parametrize(("name", "field"), field_cases(FIXED, "id", "created_at"))
def test_fixed_field_with_another_value_is_refused_by_name(name, field, alice, rows):
    path = path_for(ROUTES[name], rows)
    read = alice.get(path).json()
    if field not in read:
        assert field == "created_at", "only created_at is not shown by all resources"
        return
    for method in {"put", "patch"} & set(ROUTES[name].methods):
        refused = getattr(alice, method)(path, read | {field: another(field)})
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)
    assert alice.get(path).json() == read


@pytest.mark.parametrize(("name", "field"), field_cases(COMPUTED))
def test_computed_field_is_ignored_by_put_and_refused_by_patch(name, field, alice, rows):
    path = path_for(ROUTES[name], rows)
    read = alice.get(path).json()
    assert read[field] != another(field)
    written = alice.put(path, read | {field: another(field)})
    assert (written.status_code, written.json()) == (200, read)
    refused = alice.patch(path, {field: another(field)})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)
    assert alice.patch(path, {field: read[field]}).status_code == 200


def test_put_ignores_disposed_only_if_a_disposal_is_recorded(alice, rows):
    """With a disposal it becomes true on that day. Without one, the PUT would seem to dispose of the asset."""
    path = f"{API}/assets/{rows['asset'].pk}"
    read = alice.get(path).json()
    for method in (alice.put, alice.patch):
        refused = method(path, {"name": "Sold", "disposed": True})
        (error,) = refused.json()["errors"]
        refusal = (refused.status_code, error["field"], error["message"])
        assert refusal == (400, "disposed", "Use dispose or reinstate.")
    assert alice.get(path).json() == read
    future_day = (timezone.now() + timedelta(days=9)).date().isoformat()
    assert alice.post(f"{path}/dispose", {"on": future_day}).json()["disposed"] is False
    written = alice.put(path, alice.get(path).json() | {"disposed": True})
    assert (written.status_code, written.json()["disposed"]) == (200, False)
    assert alice.patch(path, {"disposed": True}).status_code == 400


def test_every_read_only_field_is_fixed_or_computed(alice, rows):
    """Read-only fields are in responses, but not in request bodies."""
    for name, route in ROUTES.items():
        if name in PARTS:
            continue
        serializer = get_resolver().resolve(path_for(route, rows)).func.cls.serializer_class
        fields = {field for field, declared in serializer().get_fields().items() if declared.read_only}
        known = {"id", "created_at", "updated_at"} | FIXED.get(name, set()) | COMPUTED.get(name, set())
        assert fields <= known, name


@pytest.mark.parametrize(
    ("path", "body", "field", "other"),
    [
        ("assets", "asset-list", "disposed_on", "2024-01-01"),
        ("assets", "asset-list", "categories", [{"id": OTHER}]),
        ("assets/{asset}/snapshots", "asset-snapshot-list", "asset_id", OTHER),
        ("assets/{asset}/transactions", "transaction-list", "asset_id", OTHER),
        ("portfolios/{portfolio}/snapshots", "portfolio-snapshot-list", "portfolio_id", OTHER),
        ("households", "household-list", "role", "viewer"),
    ],
)
def test_new_row_is_refused_with_another_value_of_a_read_only_field(path, body, field, other, alice, rows):
    path = f"{API}/{path.format(**{name: row.pk for name, row in rows.items()})}"
    valid, before = BODIES[body](rows), JournalEntry.objects.count()
    refused = alice.post(path, valid | {field: other})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)
    assert JournalEntry.objects.count() == before
    created = alice.post(path, valid)
    assert created.status_code == 201
    assert alice.delete(f"{path}/{created.json()['id']}").status_code == 204
    assert alice.post(path, valid | {field: created.json()[field]}).status_code == 201


def test_new_rate_is_refused_with_another_source(superuser):
    rate = {"currency": "USD", "on": "2026-02-01", "units_per_euro": "1.1"}
    refused = superuser.post(f"{API}/exchange-rates", rate | {"source": "ecb"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "source")
    assert superuser.post(f"{API}/exchange-rates", rate | {"source": "manual"}).status_code == 201


def test_other_spellings_of_the_same_value_are_the_same(alice, rows):
    path = f"{API}/assets/{rows['asset'].pk}"
    read = alice.get(path).json()
    spelled = {
        "id": read["id"].upper(),
        "created_at": read["created_at"].replace("Z", "+00:00"),
        "current_value": "1",
        "tags": read["tags"],
    }
    assert alice.patch(path, spelled).status_code == 200
    for field, other in {"id": 7, "created_at": "2001-01-01T00:00:00", "disposed": 0, "tags": "x"}.items():
        assert alice.patch(path, {field: other}).json()["errors"][0]["field"] == field


def test_put_works_after_a_related_row_was_renamed(alice, rows):
    path = f"{API}/assets/{rows['asset'].pk}"
    read = alice.get(path).json()
    alice.patch(f"{API}/portfolios/{rows['portfolio'].pk}", {"name": "Renamed"})
    assert alice.put(path, read | {"notes": "new"}).json()["notes"] == "new"


def test_fields_of_the_earlier_strata_are_ignored_by_put_and_refused_by_patch(alice, rows):
    path = f"{API}/assets/{rows['asset'].pk}"
    assert alice.put(path, {"name": "x", "updated_by": "eve", "created_by": "eve"}).status_code == 200
    assert alice.patch(path, {"updated_by": "eve"}).json()["errors"][0]["field"] == "updated_by"
