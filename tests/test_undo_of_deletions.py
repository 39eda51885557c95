"""Every deletion that the API makes can be undone, repeated and undone again, with one row of every kind attached."""

from __future__ import annotations

import pytest

from tests.all_routes import Route, path_for, routes
from tests.dumps import dump
from tests.sample_rows import sample_rows
from tests.undo_requests import done, undo

pytestmark = pytest.mark.usefixtures("shared_world")
DELETIONS = [route for route in routes() if "delete" in route.methods and route.names_a_row]
# Members are never undone; of a household that is gone nobody sees anything.
NEVER_UNDONE = {"household-detail": 404, "member-detail": 409}


@pytest.fixture
def attached(household, world):
    """One row of every kind, of the household's asset and portfolio where it may be."""
    known = {"household": household, "portfolio": world["portfolio"], "asset": world["asset"]}
    return sample_rows("Attached", **known)


@pytest.mark.parametrize("route", DELETIONS, ids=lambda route: route.name)
def test_deletion_is_undone_repeated_and_undone_again(alice, household, world, attached, route: Route):
    before = dump(household)
    deleted = alice.delete(path_for(route, world))
    if deleted.status_code != 204 or dump(household) == before:
        return  # it is not one of the household's, or there is none in this world
    after = dump(household)
    last = undo(alice, deleted)
    if route.name in NEVER_UNDONE:
        assert last.status_code == NEVER_UNDONE[route.name]
        return
    for expected in (before, after, before):
        done(last)
        assert dump(household) == expected
        last = undo(alice, last)
