"""Concurrent inviting, accepting, withdrawing, leaving and role changes: each response is true."""

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
    """A household that Alice and Olga own and Bob may edit. Ivan is invited as an owner."""

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

    def member_path(self, user: User) -> str:
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


class Race(NamedTuple):
    """Two concurrent writes, prepared before either begins, and a check of the world and both statuses afterwards."""

    writes: tuple[Callable[[World], Callable[[], Any]], Callable[[World], Callable[[], Any]]]
    holds: Callable[[World, int, int], bool]
    before: Callable[[World], Any] = lambda w: None


def request(who: str, method: str, path: Callable[[World], str], body: dict | None = None):
    """A write whose path is determined before any write begins."""

    def prepared(w: World) -> Callable[[], Any]:
        address = path(w)
        return lambda: w.ask(getattr(w, who), method, address, body)

    return prepared


def accept(w: World) -> Callable[[], Any]:
    return w.accept


def withdraw(w: World) -> Callable[[], Any]:
    return w.withdraw


def save_form(role: str):
    """Alice saves the household's admin page, which she opened before, with another role for Olga."""

    def prepared(w: World) -> Callable[[], Any]:
        client = staff(w.alice)
        data = change_form_data(client, w.household)
        olga = str(Membership.objects.get(user=w.olga, household=w.household).pk)
        row = next(name.removesuffix("-id") for name, value in data.items() if str(value) == olga)
        return lambda: save(client, w.household, data | {f"{row}-role": role})

    return prepared


def remove(who: str, by: str):
    return request(by, "delete", lambda w: w.member_path(getattr(w, who)))


def change_role(who: str, role: str, by: str):
    return request(by, "patch", lambda w: w.member_path(getattr(w, who)), {"role": role})


def new_asset(w: World) -> dict[str, str]:
    return {"name": "New", "portfolio_id": str(w.portfolio.pk), "asset_type_id": TypeId.CASH}


def post_asset(w: World) -> Callable[[], Any]:
    return lambda: w.ask(w.bob, "post", "assets", new_asset(w))


def remove_olga(w: World) -> None:
    Membership.objects.filter(user=w.olga).delete()


RACES = {
    "withdrawn while it is accepted": Race(
        (withdraw, accept),
        lambda w, withdrawn, accepted: (
            (withdrawn, accepted, w.role(w.ivan)) in ((204, 404, None), (404, 200, OWNER))
        ),
    ),
    "declined while it is accepted": Race(
        (request("ivan", "delete", lambda w: f"invitations/{w.invitation.pk}"), accept),
        lambda w, declined, accepted: (
            (declined, accepted, w.role(w.ivan)) in ((204, 404, None), (404, 200, OWNER))
        ),
    ),
    "accepted twice": Race((accept, accept), lambda w, first, second: (first, second) == (200, 200)),
    "accepted again while the new owner is demoted": Race(
        (change_role("ivan", VIEWER, by="alice"), accept),
        lambda w, demoted, accepted: (demoted, accepted, w.role(w.ivan)) == (200, 200, VIEWER),
        before=World.accept,
    ),
    "accepted again while the new owner is removed": Race(
        (remove("ivan", by="alice"), accept),
        lambda w, removed, accepted: removed == 204 and accepted in (200, 404) and w.role(w.ivan) is None,
        before=World.accept,
    ),
    "accepted while the household is deleted": Race(
        (request("alice", "delete", lambda w: w.path), accept),
        lambda w, deleted, accepted: deleted == 204 and accepted in (200, 404) and w.role(w.ivan) is None,
    ),
    "one name invited twice": Race(
        (
            request("alice", "post", lambda w: f"{w.path}/invitations", {"username": "eve", "role": VIEWER}),
            request("olga", "post", lambda w: f"{w.path}/invitations", {"username": "EVE", "role": VIEWER}),
        ),
        lambda w, first, second: sorted((first, second)) == [201, 409],
    ),
    "two owners leave": Race(
        (remove("alice", by="alice"), remove("olga", by="olga")),
        lambda w, first, second: sorted((first, second)) == [204, 409] and w.owners() == 1,
    ),
    "two owners remove each other": Race(
        (remove("olga", by="alice"), remove("alice", by="olga")),
        lambda w, first, second: sorted((first, second)) in ([204, 403], [204, 404]) and w.owners() == 1,
    ),
    "two owners demote each other": Race(
        (change_role("olga", VIEWER, by="alice"), change_role("alice", VIEWER, by="olga")),
        lambda w, first, second: sorted((first, second)) == [200, 403] and w.owners() == 1,
    ),
    "one owner leaves while the other is demoted": Race(
        (remove("olga", by="olga"), change_role("alice", EDITOR, by="alice")),
        lambda w, first, second: sorted((first, second)) in ([200, 409], [204, 409]) and w.owners() == 1,
    ),
    "a member is promoted while the last owner leaves": Race(
        (change_role("bob", OWNER, by="alice"), remove("alice", by="alice")),
        lambda w, promoted, left: (promoted, left, w.owners()) in ((200, 204, 1), (200, 409, 2)),
        before=remove_olga,
    ),
    "two members get another role": Race(
        (change_role("bob", OWNER, by="alice"), change_role("olga", EDITOR, by="alice")),
        lambda w, first, second: (first, second, w.role(w.bob), w.role(w.olga)) == (200, 200, OWNER, EDITOR),
    ),
    "a member is promoted and removed": Race(
        (change_role("bob", OWNER, by="alice"), remove("bob", by="olga")),
        lambda w, promoted, removed: promoted in (200, 404) and removed == 204 and w.role(w.bob) is None,
    ),
    "a member is removed while they post": Race(
        (remove("bob", by="alice"), post_asset),
        lambda w, removed, posted: (
            removed == 204
            and (posted == 201) is Asset.objects.filter(portfolio=w.portfolio).exists()
            and posted in (201, 403, 404)
        ),
    ),
    "a role in the admin's form, and an owner who leaves": Race(
        (save_form(VIEWER), remove("alice", by="alice")),
        lambda w, saved, left: w.owners() == 1 and left in (204, 409),
    ),
    "a role in the admin's form, and the same role over the API": Race(
        (save_form(VIEWER), change_role("olga", EDITOR, by="alice")),
        lambda w, saved, changed: changed == 200 and w.role(w.olga) in (VIEWER, EDITOR),
    ),
}


def runs(race: Race, swapped: bool):
    """Runs the race once for each stopping point of the first writer."""
    for point in count(1):
        w = World()
        race.before(w)
        works = [prepare(w) for prepare in race.writes]
        answers, was_stopped = run_interleaved(*(works[::-1] if swapped else works), stop_after=point)
        yield w, point, answers[::-1] if swapped else answers
        if not was_stopped:
            return


@pytest.mark.parametrize("swapped", [False, True], ids=["as written", "swapped"])
@pytest.mark.parametrize("race", RACES.values(), ids=RACES)
def test_concurrent_writes_of_members_get_true_responses(race, swapped):
    points = 0
    for w, point, answers in runs(race, swapped):
        points = point
        statuses = [getattr(answer, "status_code", answer) for answer in answers]
        assert race.holds(w, *statuses), (
            point,
            statuses,
            [getattr(answer, "content", b"")[:300] for answer in answers],
        )
    assert points > 1 or race.writes[swapped] is accept, "the first writer has stopping points"
