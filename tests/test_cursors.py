"""A cursor that Strata did not make is refused by name, and a cursor of another household shows nothing."""

from __future__ import annotations

import base64
import json

import pytest
from django.utils import timezone

from portfolios.models import Household, Membership
from tests.all_routes import path_for, routes
from tests.conftest import rows_of
from tests.valid_requests import SUPERUSERS_SEE

pytestmark = pytest.mark.usefixtures("shared_world")

DAY, INSTANT, ID = "2026-01-31", "2026-01-31T12:00:00+00:00", "01890a5d-ac96-774b-bcce-b302099a8057"
PLACES = {"on": DAY, "observed_at": INSTANT, "position": 0, "id": ID}  # by field of a cursor
POSITIONS = {
    route.name: tuple(PLACES[field] for field in route.view.cursor_fields)
    for route in routes()
    if route.name.endswith("-list") and hasattr(route.view, "cursor_fields")
}
HISTORIES = [
    route.name for route in routes() if route.name.endswith("-history") and route.name not in SUPERUSERS_SEE
]
BAD_VALUES = (
    *(
        [],
        ["x"],
        {},
        {"gt": 1},
        None,
        True,
        False,
        0.5,
        1e400,
        -1,
        10**30,
        "",
        "x",
        "\0",
        "\ud800",
        "1" * 5000,
    ),
    *("0000-00-00", "2026-02-30", "2026-01-31T12:00:00", "0001-01-01T00:00:00+14:00"),
    *("9999-12-31T23:59:59-14:00", "2026-01-31T12:00:00+99:99"),
)


def path_of(name, world, **options) -> str:
    (route,) = (route for route in routes() if route.name == name)
    return path_for(route, world, **options)


def get_with_cursor(client, path, position):
    return client.get(path, {"cursor": base64.urlsafe_b64encode(json.dumps(position).encode()).decode()})


def require_refused(answer, cursor) -> None:
    assert answer.status_code == 400, (cursor, answer.content)
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"], cursor


@pytest.mark.parametrize("name", POSITIONS)
def test_each_value_of_a_position_has_its_type(name, alice, world):
    path = path_of(name, world)
    assert get_with_cursor(alice, path, [False, POSITIONS[name]]).status_code == 200
    for number in range(len(POSITIONS[name])):
        for bad in BAD_VALUES:
            position = [False, [*POSITIONS[name][:number], bad, *POSITIONS[name][number + 1 :]]]
            require_refused(get_with_cursor(alice, path, position), position)


@pytest.mark.parametrize("name", HISTORIES)
def test_position_in_a_history_is_a_number_and_an_id(name, alice, world):
    path = path_of(name, world)
    assert get_with_cursor(alice, path, [False, [1, ID]]).status_code == 200
    for bad in (*BAD_VALUES, ID):
        require_refused(get_with_cursor(alice, path, [False, [bad, ID]]), bad)
    for bad in (*BAD_VALUES, 1):
        require_refused(get_with_cursor(alice, path, [False, [1, bad]]), bad)
    require_refused(get_with_cursor(alice, path, [False, [1]]), [1])


@pytest.mark.parametrize("name", [*POSITIONS, "asset-history"])
def test_cursor_is_a_direction_and_a_list(name, alice, world):
    path, values = path_of(name, world), list(POSITIONS.get(name, (1,)))
    wrong = [
        *BAD_VALUES,
        values,
        [False],
        [values, False],
        [None, values],
        [0, values],
        [False, values, values],
    ]
    wrong += [
        [False, bad] for bad in (values[1:], [*values, 1], dict.fromkeys(map(str, values)), "abc", None, 7)
    ]
    for position in (*wrong, {"a": 1, "b": values}):
        require_refused(get_with_cursor(alice, path, position), position)


@pytest.mark.parametrize("cursor", ["", "x", "ä", "[]", "W10=", "%00", "=", "W10" * 4000])
def test_cursor_that_cannot_be_decoded_is_refused(cursor, alice, world):
    for name in (*POSITIONS, "asset-history"):
        require_refused(alice.get(path_of(name, world), {"cursor": cursor}), cursor)


@pytest.mark.parametrize("name", HISTORIES)
def test_cursor_into_a_foreign_history_shows_nothing(name, alice, charlie, charlie_user, world):
    own = Household.objects.create(name="Charlie's")
    Membership.objects.create(household=own, user=charlie_user, role="owner", accepted_at=timezone.now())
    own_rows = rows_of(own, "Charlie")
    for position in ([False, [2**62, ID]], [True, [0, ID]]):
        assert get_with_cursor(alice, path_of(name, world), position).json()["results"]
        entries = get_with_cursor(charlie, path_of(name, own_rows), position).json()["results"]
        assert entries
        assert {entry["object_id"] for entry in entries}.isdisjoint(str(row.pk) for row in world.values())
        foreign = get_with_cursor(charlie, path_of(name, world), position)
        absent = get_with_cursor(charlie, path_of(name, world, absent=True), position)
        assert foreign.status_code == 404
        assert foreign.json() | {"request_id": ""} == absent.json() | {"request_id": ""}
