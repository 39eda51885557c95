"""Inviting, accepting, withdrawing, leaving and changing roles at once: everybody is told what became of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset
from conftest import client_of, member
from portfolios.models import Household, Invitation, Membership, Portfolio
from strata.accounts.models import User
from strata.tenancy.roles import EDITOR, OWNER, VIEWER
from tests.admin_forms import change_form_data, save, staff
from tests.interleaving import run_interleaved

API = "/api/v1"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.on_postgresql]


class World:
    """Alice and Olga own a household, Bob may edit, and Ivan is invited to own it, too."""

    def __init__(self) -> None:
        self.household = Household.objects.create(name="Household")
        self.path = f"households/{self.household.pk}"
        self.alice, self.olga = (
            member(self.household, f"{name} {uuid4()}", OWNER) for name in ("alice", "olga")
        )
        self.bob = member(self.household, f"bob {uuid4()}", EDITOR)
        self.ivan = User.objects.create(username=f"ivan{uuid4().hex}")
        self.invitation = self.invite(self.ivan.username)
        self.portfolio = Portfolio.objects.create(household=self.household, name="Main")

    def invite(self, name: str) -> Invitation:
        return Invitation.objects.create(household=self.household, username=name, role=OWNER)

    def row(self, user: User) -> str:
        return f"{self.path}/members/{Membership.objects.get(user=user, household=self.household).pk}"

    def role(self, user: User) -> str | None:
        rows = Membership.objects.filter(user=user, household=self.household)
        return rows.values_list("role", flat=True).first()

    def ask(self, user: User, method: str, path: str, body: dict | None = None) -> Any:
        client = client_of(user)
        client.raise_request_exception = False
        return getattr(client, method)(f"{API}/{path}", body)

    def accept(self) -> Any:
        return self.ask(self.ivan, "post", f"invitations/{self.invitation.pk}/accept")

    def withdraw(self) -> Any:
        return self.ask(self.alice, "delete", f"invitations/{self.invitation.pk}")

    def owners(self) -> int:
        return Membership.objects.filter(household=self.household, role=OWNER).count()


class Meeting(NamedTuple):
    """Two writes, made of a world before either begins, and what must be true when both are done."""

    writes: tuple[Callable[[World], Callable[[], Any]], Callable[[World], Callable[[], Any]]]
    holds: Callable[[World, int, int], bool]
    before: Callable[[World], Any] = lambda w: None


def request(who: str, method: str, path: Callable[[World], str], body: dict | None = None):
    """Its path is made before anybody writes."""

    def prepared(w: World) -> Callable[[], Any]:
        address = path(w)
        return lambda: w.ask(getattr(w, who), method, address, body)

    return prepared


def accepts(w: World) -> Callable[[], Any]:
    return w.accept


def withdraws(w: World) -> Callable[[], Any]:
    return w.withdraw


def saves_a_form(role: str):
    """The admin's page of the household as Alice has it open, with another role for Olga."""

    def prepared(w: World) -> Callable[[], Any]:
        client = staff(w.alice)
        data = change_form_data(client, w.household)
        olga = str(Membership.objects.get(user=w.olga, household=w.household).pk)
        row = next(name.removesuffix("-id") for name, value in data.items() if str(value) == olga)
        return lambda: save(client, w.household, data | {f"{row}-role": role})

    return prepared


def removes(who: str, by: str):
    return request(by, "delete", lambda w: w.row(getattr(w, who)))


def gives(who: str, role: str, by: str):
    return request(by, "patch", lambda w: w.row(getattr(w, who)), {"role": role})


def an_asset(w: World) -> dict[str, str]:
    return {"name": "New", "portfolio_id": str(w.portfolio.pk), "asset_type_id": TypeId.CASH}


def posts(w: World) -> Callable[[], Any]:
    return lambda: w.ask(w.bob, "post", "assets", an_asset(w))


def only_bob_and_alice(w: World) -> None:
    Membership.objects.filter(user=w.olga).delete()


MEETINGS = {
    "withdrawn while it is accepted": Meeting(
        (withdraws, accepts),
        lambda w, withdrawn, accepted: (
            (withdrawn, accepted, w.role(w.ivan)) in ((204, 404, None), (404, 200, OWNER))
        ),
    ),
    "declined while it is accepted": Meeting(
        (request("ivan", "delete", lambda w: f"invitations/{w.invitation.pk}"), accepts),
        lambda w, declined, accepted: (
            (declined, accepted, w.role(w.ivan)) in ((204, 404, None), (404, 200, OWNER))
        ),
    ),
    "accepted twice": Meeting((accepts, accepts), lambda w, one, two: (one, two) == (200, 200)),
    "accepted again while the new owner is demoted": Meeting(
        (gives("ivan", VIEWER, by="alice"), accepts),
        lambda w, demoted, accepted: (demoted, accepted, w.role(w.ivan)) == (200, 200, VIEWER),
        before=World.accept,
    ),
    "accepted again while the new owner is removed": Meeting(
        (removes("ivan", by="alice"), accepts),
        lambda w, removed, accepted: removed == 204 and accepted in (200, 404) and w.role(w.ivan) is None,
        before=World.accept,
    ),
    "accepted while the household is deleted": Meeting(
        (request("alice", "delete", lambda w: w.path), accepts),
        lambda w, deleted, accepted: deleted == 204 and accepted in (200, 404) and w.role(w.ivan) is None,
    ),
    "one name invited twice": Meeting(
        (
            request("alice", "post", lambda w: f"{w.path}/invitations", {"username": "eve", "role": VIEWER}),
            request("olga", "post", lambda w: f"{w.path}/invitations", {"username": "EVE", "role": VIEWER}),
        ),
        lambda w, one, two: sorted((one, two)) == [201, 409],
    ),
    "two owners leave": Meeting(
        (removes("alice", by="alice"), removes("olga", by="olga")),
        lambda w, one, two: sorted((one, two)) == [204, 409] and w.owners() == 1,
    ),
    "two owners remove each other": Meeting(
        (removes("olga", by="alice"), removes("alice", by="olga")),
        lambda w, one, two: sorted((one, two)) in ([204, 403], [204, 404]) and w.owners() == 1,
    ),
    "two owners demote each other": Meeting(
        (gives("olga", VIEWER, by="alice"), gives("alice", VIEWER, by="olga")),
        lambda w, one, two: sorted((one, two)) == [200, 403] and w.owners() == 1,
    ),
    "one owner leaves while the other is demoted": Meeting(
        (removes("olga", by="olga"), gives("alice", EDITOR, by="alice")),
        lambda w, one, two: sorted((one, two)) in ([200, 409], [204, 409]) and w.owners() == 1,
    ),
    "a member is promoted while the last owner leaves": Meeting(
        (gives("bob", OWNER, by="alice"), removes("alice", by="alice")),
        lambda w, promoted, left: (promoted, left, w.owners()) in ((200, 204, 1), (200, 409, 2)),
        before=only_bob_and_alice,
    ),
    "two members get another role": Meeting(
        (gives("bob", OWNER, by="alice"), gives("olga", EDITOR, by="alice")),
        lambda w, one, two: (one, two, w.role(w.bob), w.role(w.olga)) == (200, 200, OWNER, EDITOR),
    ),
    "a member is promoted and removed": Meeting(
        (gives("bob", OWNER, by="alice"), removes("bob", by="olga")),
        lambda w, promoted, removed: promoted in (200, 404) and removed == 204 and w.role(w.bob) is None,
    ),
    "a member is removed while they post": Meeting(
        (removes("bob", by="alice"), posts),
        lambda w, removed, posted: (
            removed == 204
            and (posted == 201) is Asset.objects.filter(portfolio=w.portfolio).exists()
            and posted in (201, 403, 404)
        ),
    ),
    "a role in the admin's form, and an owner who leaves": Meeting(
        (saves_a_form(VIEWER), removes("alice", by="alice")),
        lambda w, saved, left: w.owners() == 1 and left in (204, 409),
    ),
    "a role in the admin's form, and the same role over the API": Meeting(
        (saves_a_form(VIEWER), gives("olga", EDITOR, by="alice")),
        lambda w, saved, changed: changed == 200 and w.role(w.olga) in (VIEWER, EDITOR),
    ),
}


def runs(meeting: Meeting, turned: bool):
    """The meeting at each point at which the first of them may be held open."""
    for point in count(1):
        w = World()
        meeting.before(w)
        works = [prepare(w) for prepare in meeting.writes]
        answers, was_stopped = run_interleaved(*(works[::-1] if turned else works), stop_after=point)
        yield w, point, answers[::-1] if turned else answers
        if not was_stopped:
            return


@pytest.mark.parametrize("turned", [False, True], ids=["as written", "turned"])
@pytest.mark.parametrize("meeting", MEETINGS.values(), ids=MEETINGS)
def test_everybody_is_told_what_became_of_it(meeting, turned):
    points = 0
    for w, point, answers in runs(meeting, turned):
        points = point
        statuses = [getattr(answer, "status_code", answer) for answer in answers]
        assert meeting.holds(w, *statuses), (
            point,
            statuses,
            [getattr(answer, "content", b"")[:300] for answer in answers],
        )
    assert points > 1 or meeting.writes[turned] is accepts, "there is somewhere to be held"
