"""A write of a row that somebody else has changed is refused: every unsafe method of every route that names one."""

from __future__ import annotations

import pytest
from django.db import transaction

from conftest import client_of
from portfolios.models import Invitation
from strata.accounts.models import ApiToken, User
from strata.audit.models import JournalEntry
from strata.tenancy.roles import OWNER
from tests.all_routes import Route, path_for, resource_of, routes
from tests.valid_requests import BODIES, empty_body

WRITES = [
    pytest.param(route, method, id=f"{route.name}-{method}")
    for route in routes()
    if "(?P<pk>" in route.pattern
    for method in sorted(set(route.methods) - {"get"})
]
OF_WHOM_IS_INVITED = ("invitation-accept",)
pytestmark = pytest.mark.django_db


@pytest.fixture
def world(world, household, alice_user):
    return world | {
        "token": ApiToken.issue(alice_user)[0],
        "invitation": Invitation.objects.create(household=household, username="ivan", role=OWNER),
    }


@pytest.fixture
def ivan(db):
    return client_of(User.objects.create(username="ivan"))


def details() -> dict[str, Route]:
    return {route.name: route for route in routes()}


def etag_of(client, route, world) -> str:
    """Of what the route itself shows, or else of the row that it is an action of."""
    shows = "get" in route.methods
    detail = route if shows else details()[f"{resource_of(route.name, world)}-detail"]
    return client.get(path_for(detail, world))["ETag"]


def write(client, route, method, world, etag):
    """The status that it gets; whatever it wrote is undone, and the number of lines that it left."""
    body = None if method == "delete" else BODIES.get(route.name, empty_body)(world)
    before = JournalEntry.objects.count()
    with transaction.atomic():
        answer = getattr(client, method)(path_for(route, world), body, headers={"If-Match": etag})
        lines = JournalEntry.objects.count() - before
        transaction.set_rollback(True)
    return answer.status_code, lines


def test_there_are_such_routes():
    assert len(WRITES) > 35
    assert {"member-detail-delete", "invitation-detail-delete", "invitation-accept-post"} <= {
        write.id for write in WRITES
    }


@pytest.mark.parametrize(("route", "method"), WRITES)
def test_a_stale_if_match_is_refused_and_a_right_one_taken(alice, ivan, world, route, method):
    client = ivan if route.name in OF_WHOM_IS_INVITED else alice
    etag = etag_of(client, route, world)
    assert write(client, route, method, world, '"stale"') == (412, 0)
    assert write(client, route, method, world, f'"stale", W/{etag}')[0] in (200, 201, 204)
    assert write(client, route, method, world, "*")[0] in (200, 201, 204)


@pytest.mark.parametrize("whose", ["of a member who leaves", "of who was invited and declines"])
def test_what_is_ones_own_is_no_exception(alice, bob, bob_user, ivan, world, whose):
    leaves = whose == "of a member who leaves"
    things = {"member": bob_user.memberships.get()} if leaves else {}
    route = details()["member-detail" if leaves else "invitation-detail"]
    client, world = (bob if leaves else ivan), world | things
    assert write(client, route, "delete", world, '"stale"') == (412, 0)
    assert write(client, route, "delete", world, etag_of(client, route, world))[0] == 204


def test_a_write_that_needs_no_if_match_goes_without_where_others_need_it(alice, ivan, world, settings):
    settings.IF_MATCH_REQUIRED = True
    for one in WRITES:
        route, method = one.values
        client = ivan if route.name in OF_WHOM_IS_INVITED else alice
        body = None if method == "delete" else BODIES.get(route.name, empty_body)(world)
        with transaction.atomic():
            answer = getattr(client, method)(path_for(route, world), body)
            transaction.set_rollback(True)
        assert (answer.status_code == 428) is (method != "post"), (route.name, method)


def test_nothing_is_compared_for_what_is_made_below_a_row(alice, world):
    """Its path_for is a list's, which has no ETag."""
    path = f"/api/v1/assets/{world['asset'].pk}/transactions"
    body = {"type": "INCOME", "amount": "1"}
    assert alice.post(path, body, headers={"If-Match": '"stale"'}).status_code == 201
