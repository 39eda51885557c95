"""Cursors: what is none of ours is refused by name, whatever its JSON holds, and another's opens nothing."""

from __future__ import annotations

import base64
import json

import pytest
from django.utils import timezone

from portfolios.models import Household, Membership
from tests.all_routes import path_for, routes
from tests.conftest import rows_of

DAY, INSTANT, ID = "2026-01-31", "2026-01-31T12:00:00+00:00", "01890a5d-ac96-774b-bcce-b302099a8057"
PLACES = {
    "asset-snapshot-list": (DAY, INSTANT, ID),
    "transaction-list": (DAY, 0, ID),
    "portfolio-snapshot-list": (DAY, INSTANT, ID),
}
HISTORIES = [route.name for route in routes() if route.name.endswith("-history")]
STRANGE = (
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


def asked(client, path, place):
    return client.get(path, {"cursor": base64.urlsafe_b64encode(json.dumps(place).encode()).decode()})


def require_refused(answer, place) -> None:
    assert answer.status_code == 400, (place, answer.content)
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"], place


@pytest.mark.parametrize("name", PLACES)
def test_each_part_of_a_place_is_of_its_own_kind(name, alice, world):
    path = path_of(name, world)
    assert asked(alice, path, [False, PLACES[name]]).status_code == 200
    for number in range(len(PLACES[name])):
        for strange in STRANGE:
            place = [False, [*PLACES[name][:number], strange, *PLACES[name][number + 1 :]]]
            require_refused(asked(alice, path, place), place)


@pytest.mark.parametrize("name", HISTORIES)
def test_the_journal_counts_its_lines(name, alice, world):
    path = path_of(name, world)
    assert asked(alice, path, [False, [1]]).status_code == 200
    for strange in (*STRANGE, ID):
        require_refused(asked(alice, path, [False, [strange]]), strange)


@pytest.mark.parametrize("name", [*PLACES, "asset-history"])
def test_a_place_is_a_direction_and_a_list(name, alice, world):
    path, place = path_of(name, world), list(PLACES.get(name, (1,)))
    wrong = [*STRANGE, place, [False], [place, False], [None, place], [0, place], [False, place, place]]
    wrong += [
        [False, given] for given in (place[1:], [*place, 1], dict.fromkeys(map(str, place)), "abc", None, 7)
    ]
    for one in (*wrong, {"a": 1, "b": place}):
        require_refused(asked(alice, path, one), one)


@pytest.mark.parametrize("cursor", ["", "x", "ä", "[]", "W10=", "%00", "=", "W10" * 4000])
def test_what_is_not_even_packed_is_refused_as_well(cursor, alice, world):
    for name in (*PLACES, "asset-history"):
        require_refused(alice.get(path_of(name, world), {"cursor": cursor}), cursor)


@pytest.mark.parametrize("name", HISTORIES)
def test_a_cursor_into_anothers_history_opens_nothing(name, alice, charlie, charlie_user, world):
    own = Household.objects.create(name="Charlie's")
    Membership.objects.create(household=own, user=charlie_user, role="owner", accepted_at=timezone.now())
    here, there = rows_of(own, "Charlie"), world
    for place in ([False, [2**62]], [True, [0]]):
        assert asked(alice, path_of(name, there), place).json()["results"]
        mine = asked(charlie, path_of(name, here), place).json()["results"]
        assert mine
        assert {one["object_id"] for one in mine}.isdisjoint(str(row.pk) for row in there.values())
        foreign = asked(charlie, path_of(name, there), place)
        nobodys = asked(charlie, path_of(name, there, absent=True), place)
        assert foreign.status_code == 404
        assert foreign.json() | {"request_id": ""} == nobodys.json() | {"request_id": ""}
