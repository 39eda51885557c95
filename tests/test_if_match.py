"""A write with an outdated If-Match is refused: every unsafe method of every route that names a row."""

from __future__ import annotations

import pytest
from django.db import transaction

from conftest import client_of
from portfolios.models import Invitation
from strata.accounts.models import User
from strata.accounts.services import issue_token
from strata.audit.models import JournalEntry
from strata.tenancy.roles import OWNER
from tests.all_routes import Route, path_for, resource_of, routes
from tests.valid_requests import BODIES, SUPERUSERS_SEE, empty_body

WRITES = [
    pytest.param(route, method, id=f"{route.name}-{method}")
    for route in routes()
    if "(?P<pk>" in route.pattern and route.name not in SUPERUSERS_SEE
    for method in sorted(set(route.methods) - {"get"})
]
BY_THE_INVITED = ("invitation-accept",)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shared_world")]


@pytest.fixture
def world(world, household, alice_user):
    return world | {
        "token": issue_token(alice_user)[0],
        "invitation": Invitation.objects.create(household=household, username="ivan", role=OWNER),
    }


@pytest.fixture
def ivan(db):
    return client_of(User.objects.create(username="ivan"))


def routes_by_name() -> dict[str, Route]:
    return {route.name: route for route in routes()}


def etag_of(client, route, world) -> str:
    """The ETag of the route's own GET, or of the row that it is an action on."""
    has_get = "get" in route.methods
    detail = route if has_get else routes_by_name()[f"{resource_of(route.name, world)}-detail"]
    return client.get(path_for(detail, world))["ETag"]


def write(client, route, method, world, etag):
    """Returns the status and the number of journal entries. The write is rolled back."""
    body = None if method == "delete" else BODIES.get(route.name, empty_body)(world)
    before = JournalEntry.objects.count()
    with transaction.atomic():
        answer = getattr(client, method)(path_for(route, world), body, headers={"If-Match": etag})
        entries = JournalEntry.objects.count() - before
        transaction.set_rollback(True)
    return answer.status_code, entries


def test_writes_include_members_and_invitations():
    assert len(WRITES) > 35
    assert {"member-detail-delete", "invitation-detail-delete", "invitation-accept-post"} <= {
        write.id for write in WRITES
    }


@pytest.mark.parametrize(("route", "method"), WRITES)
def test_stale_if_match_is_refused_and_a_current_one_accepted(alice, ivan, world, route, method):
    client = ivan if route.name in BY_THE_INVITED else alice
    etag = etag_of(client, route, world)
    assert write(client, route, method, world, '"stale"') == (412, 0)
    done = (409,) if route.name == "import-undo" else (200, 201, 204)  # the world's import is a preview
    assert write(client, route, method, world, f'"stale", W/{etag}')[0] in done
    assert write(client, route, method, world, "*")[0] in done


@pytest.mark.parametrize("case", ["member leaves", "invited user declines"])
def test_if_match_applies_to_leaving_and_declining(alice, bob, bob_user, ivan, world, case):
    leaves = case == "member leaves"
    rows = {"member": bob_user.memberships.get()} if leaves else {}
    route = routes_by_name()["member-detail" if leaves else "invitation-detail"]
    client, world = (bob if leaves else ivan), world | rows
    assert write(client, route, "delete", world, '"stale"') == (412, 0)
    assert write(client, route, "delete", world, etag_of(client, route, world))[0] == 204


def test_post_needs_no_if_match_when_it_is_required(alice, ivan, world, settings):
    settings.IF_MATCH_REQUIRED = True
    for case in WRITES:
        route, method = case.values
        client = ivan if route.name in BY_THE_INVITED else alice
        body = None if method == "delete" else BODIES.get(route.name, empty_body)(world)
        with transaction.atomic():
            answer = getattr(client, method)(path_for(route, world), body)
            transaction.set_rollback(True)
        assert (answer.status_code == 428) is (method != "post"), (route.name, method)


def test_post_to_a_list_ignores_if_match(alice, world):
    """A list has no ETag."""
    path = f"/api/v1/assets/{world['asset'].pk}/transactions"
    body = {"type": "INCOME", "amount": "1"}
    assert alice.post(path, body, headers={"If-Match": '"stale"'}).status_code == 201
