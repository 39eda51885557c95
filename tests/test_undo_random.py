"""Undo after random writes through the API: a conflict changes nothing, else the rows are as before the request."""

from random import Random

import pytest
from django.db.models import F
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetCategory, AssetSnapshot, AssetTag, AssetType, Category, Tag, Transaction
from assets.valuation.upkeep import is_outdated
from conftest import client_of
from portfolios.models import Household, Membership, Portfolio
from reports.models import AllocationTarget, PortfolioSnapshot
from strata.audit.models import JournalEntry
from strata.tenancy.roles import OWNER
from tests.dumps import dump

API = "/api/v1"
NAMES = ("Ash", "Birch", "Cedar")
DAYS = tuple(f"2026-03-{number:02}" for number in range(1, 6))


class Walk:
    """Random writes by two owners of two households, and what the rows were around each of them."""

    def __init__(self, seed, clients):
        self.random, self.clients = Random(seed), clients
        self.written = []  # (request id, rows before, rows after)
        self.known = []  # (instant, assets as a list shows them)

    # --- what there is ---

    def any(self, model):
        rows = list(model.objects.order_by("pk").values_list("pk", flat=True))
        return str(self.random.choice(rows)) if rows else None

    def name(self):
        return self.random.choice(NAMES)

    def day(self):
        return self.random.choice(DAYS)

    def amount(self):
        return str(self.random.randint(1, 9))

    def type(self):
        own = AssetType.objects.exclude(household=None).order_by("pk").values_list("pk", flat=True)
        return str(self.random.choice([TypeId.CHECKING_ACCOUNT, TypeId.STOCKS, *own]))

    def below_an_asset(self, model, path):
        """The path of one of the asset's rows, or of their list."""
        row = self.random.choice(list(model.objects.order_by("pk")) or [None])
        return (
            f"assets/{row.asset_id}/{path}/{row.pk}"
            if row
            else f"assets/{self.any(Asset)}/{path}/{Household()}"
        )

    # --- writes ---

    def writes(self):
        """Writes by method. Each is a function, so that only the chosen one looks for its rows."""

        def asset():
            return f"assets/{self.any(Asset)}"

        def value():
            return self.below_an_asset(AssetSnapshot, "snapshots")

        def transaction():
            return self.below_an_asset(Transaction, "transactions")

        def of_household():
            return {"household_id": self.any(Household)}

        def named():
            return {"name": self.name(), **of_household()}

        def moved():
            return {"portfolio_id": self.any(Portfolio)}

        return {
            "post": [
                lambda: ("assets", {"name": self.name(), **moved(), "asset_type_id": self.type()}),
                lambda: (
                    "assets",
                    {"name": self.name(), **moved(), "asset_type_id": self.type(), "value": "3"},
                ),
                lambda: (f"{asset()}/snapshots", {"value": self.amount(), "on": self.day()}),
                lambda: (f"{asset()}/snapshots", {"value": f"-{self.amount()}", "on": self.day()}),
                lambda: (
                    f"{asset()}/transactions",
                    {
                        "type": "ACQUIRE",
                        "amount": self.amount(),
                        "on": self.day(),
                        "source": "bank",
                        "external_id": self.name(),
                    },
                ),
                lambda: (f"{asset()}/transactions", {"type": "ADJUST", "quantity": "0.000000000000000001"}),
                lambda: (f"{asset()}/dispose", {"on": self.day()}),
                lambda: (f"{asset()}/dispose", {"on": self.day(), "proceeds": self.amount()}),
                lambda: (f"{asset()}/reinstate", {}),
                lambda: (f"{asset()}/tags/{self.any(Tag)}", {}),
                lambda: (f"{asset()}/categories/{self.any(Category)}", {}),
                lambda: ("tags", named()),
                lambda: ("categories", named()),
                lambda: ("categories", {**named(), "parent_id": self.any(Category)}),
                lambda: (
                    "asset-types",
                    {"code": self.name().upper(), "label": "Own", "household_id": self.any(Household)},
                ),
                lambda: ("portfolios", named()),
                lambda: (f"portfolios/{self.any(Portfolio)}/snapshots", {"on": self.day()}),
                lambda: ("allocation-targets", {"asset_id": self.any(Asset), **moved(), "share": "0.6"}),
                lambda: ("allocation-targets", {"category_id": self.any(Category), "share": "0.6"}),
                lambda: ("allocation-targets", {"tag_id": self.any(Tag), **moved(), "share": "0.3"}),
            ],
            "patch": [
                lambda: (asset(), {"name": self.name(), "notes": self.name()}),
                lambda: (asset(), {"asset_type_id": self.type()}),
                lambda: (asset(), {"currency": self.random.choice(("EUR", "USD"))}),
                lambda: (asset(), moved()),
                lambda: (asset(), {**moved(), "tag_ids": [], "category_ids": []}),
                lambda: (asset(), {"acquired_on": self.day(), "quantity": "1.50"}),
                lambda: (asset(), {"disposed_on": self.random.choice((None, self.day()))}),
                lambda: (asset(), {"tag_ids": [self.any(Tag)], "category_ids": [self.any(Category)]}),
                lambda: (value(), {"value": self.amount(), "note": self.name()}),
                lambda: (value(), {"on": self.day()}),
                lambda: (transaction(), {"amount": self.amount(), "external_id": self.name()}),
                lambda: (f"tags/{self.any(Tag)}", {"name": self.name()}),
                lambda: (f"categories/{self.any(Category)}", {"parent_id": self.any(Category)}),
                lambda: (f"categories/{self.any(Category)}", {"parent_id": None, "name": self.name()}),
                lambda: (f"portfolios/{self.any(Portfolio)}", {"name": self.name(), "base_currency": "USD"}),
                lambda: (f"allocation-targets/{self.any(AllocationTarget)}", {"share": "0.5"}),
                lambda: (f"households/{self.any(Household)}", {"name": self.name()}),
            ],
            "delete": [
                lambda: (asset(), None),
                lambda: (value(), None),
                lambda: (value(), None),
                lambda: (transaction(), None),
                lambda: (f"{asset()}/tags/{self.any(Tag)}", None),
                lambda: (f"{asset()}/categories/{self.any(Category)}", None),
                lambda: (f"tags/{self.any(Tag)}", None),
                lambda: (f"categories/{self.any(Category)}", None),
                lambda: (f"asset-types/{self.any(AssetType)}", None),
                lambda: (f"portfolios/{self.any(Portfolio)}", None),
                lambda: (f"allocation-targets/{self.any(AllocationTarget)}", None),
            ],
        }

    def write(self):
        method = self.random.choices(("post", "patch", "delete"), (6, 4, 2))[0]
        path, body = self.random.choice(self.writes()[method])()
        before = dump()
        answer = getattr(self.random.choice(self.clients), method)(f"{API}/{path}", body)
        assert answer.status_code < 500, (method, path, body, answer.content)
        after = dump()
        assert answer.status_code < 300 or before == after
        if before != after:
            self.written.append((answer["X-Request-Id"], before, after))
            self.note()

    def note(self):
        client = self.clients[0]
        listed = client.get(f"{API}/assets", {"page_size": 200, "on": "2026-12-31"}).json()["results"]
        self.known.append((timezone.now(), listed))

    # --- undo ---

    def undo(self):
        last = len(self.written) - 1
        number = self.random.choice((last, max(last - 1, 0), self.random.randint(0, last)))
        request_id, before, after = self.written[number]
        now, entries = dump(), JournalEntry.objects.count()
        answer = self.clients[0].post(f"{API}/undo/{request_id}")
        assert answer.status_code in (200, 409), answer.content
        if answer.status_code == 409:
            assert answer.json()["code"] == "UNDO_CONFLICT", answer.content
            assert now != after, f"nothing was written since: {answer.content}"
            assert (dump(), JournalEntry.objects.count()) == (now, entries)
            return
        written = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        undone = dump()
        for key in before.keys() | after.keys() | now.keys() | undone.keys():
            assert undone.get(key) == (before if key in written else now).get(key), key
        assert answer.json()["row_count"] == len(written)
        self.written.append((answer.json()["request_id"], now, undone))
        self.note()
        self.repeat(answer.json()["request_id"], undone, now)

    def repeat(self, request_id, undone, now):
        """Undo the undo, and undo that again."""
        again = self.clients[0].post(f"{API}/undo/{request_id}")
        assert again.status_code == 200, again.content
        assert dump() == now
        assert self.clients[0].post(f"{API}/undo/{again.json()['request_id']}").status_code == 200
        assert dump() == undone
        self.note()


def assert_rules_hold():
    assert not any(is_outdated(pk) for pk in Portfolio.objects.values_list("pk", flat=True))
    assets = Asset.objects.exclude(asset_type__household=None)
    assert not assets.exclude(asset_type__household=F("portfolio__household")).exists()
    for link, name in ((AssetTag, "tag"), (AssetCategory, "category")):
        assert not link.objects.exclude(**{f"{name}__household": F("asset__portfolio__household")}).exists()
    sales = Transaction.objects.filter(source="strata-disposal")
    assert not sales.exclude(asset__disposed_on=F("on")).exists()
    targets = AllocationTarget.objects.exclude(asset=None)
    assert not targets.exclude(household=F("asset__portfolio__household")).exists()
    shares = {}
    for target in AllocationTarget.objects.select_related("category"):
        beside = target.category.parent_id if target.category else None
        key = target.household_id, target.portfolio_id, target.group_by, beside
        shares[key] = shares.get(key, 0) + target.share
    assert all(share <= 1 for share in shares.values())
    PortfolioSnapshot.objects.count()


@pytest.mark.parametrize("seed", range(3))
def test_undo_after_random_writes(alice, alice_user, bob_user, household, portfolio, seed):
    Membership.objects.filter(user=bob_user).update(role=OWNER)
    other = Household.objects.create(name="Other")
    for user in (alice_user, bob_user):
        Membership.objects.create(household=other, user=user, role=OWNER)
    Portfolio.objects.create(household=other, name="There")
    walk = Walk(seed, [alice, client_of(bob_user)])
    for _ in range(40):
        walk.write()
        if walk.written and walk.random.random() < 0.4:
            walk.undo()
            assert_rules_hold()
    for at, listed in walk.random.sample(walk.known, 5):
        params = {"page_size": 200, "on": "2026-12-31", "known_at": at.isoformat()}
        known = alice.get(f"{API}/assets", params).json()["results"]
        assert known == listed
