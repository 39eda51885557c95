"""A household with random edits of every kind, and random paths to read it."""

from __future__ import annotations

import random
from datetime import timedelta

from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, ExchangeRate
from reports.queries import GROUP_BY

API = "/api/v1"


class RandomHousehold:
    """Random edits from a seed, through the API and by queryset. Most succeed; any may be refused."""

    def __init__(self, client, household, seed):
        self.client, self.household, self.random = client, household, random.Random(seed)
        self.portfolios, self.assets, self.tags, self.categories = [], [], [], []
        self.entries = []  # snapshots and transactions: path, id, and a change to make
        self.turn = 0
        for _ in range(2):
            self.create_portfolio()
            self.create_asset()

    def edit(self):
        self.turn += 1
        (name,) = self.random.choices([*EDITS], [*EDITS.values()])
        getattr(self, name)()

    def post(self, path, ids=None, **body):
        """Adds the id of a created row to `ids`."""
        answer = self.client.post(f"{API}/{path}", body)
        assert answer.status_code < 500, answer.content
        if answer.status_code == 201 and ids is not None:
            ids.append(answer.json()["id"])
        return answer

    def pick(self, rows):
        """One of the rows, or an id of no row."""
        return self.random.choice(rows) if rows else "01890a5d-ac96-774b-bcce-b302099a8057"

    def name(self):
        self.turn += 1
        return f"{self.random.choice(('Ünïcødé', 'x', '=1+1', 'Ω', 'İstanbul', '李', 'Straße'))} {self.turn}"

    def day(self):
        return (timezone.now().date() - timedelta(days=self.random.randrange(40))).isoformat()

    def amount(self):
        return f"{self.random.randrange(-(10**9), 10**9)}.{self.random.randrange(10**4):04d}"

    def create_portfolio(self):
        currency = self.random.choice(("EUR", "USD", "CHF"))
        self.post("portfolios", self.portfolios, name=self.name(), base_currency=currency)

    def change_portfolio(self):
        path = f"{API}/portfolios/{self.pick(self.portfolios)}"
        self.client.patch(
            path,
            self.random.choice(
                ({"name": self.name()}, {"base_currency": "USD"}, {"time_zone": "Pacific/Kiritimati"})
            ),
        )

    def delete_portfolio(self):
        if self.random.random() < 0.3:
            self.client.delete(f"{API}/portfolios/{self.pick(self.portfolios)}")

    def take_snapshot(self):
        self.post(f"portfolios/{self.pick(self.portfolios)}/snapshots", on=self.day())

    def create_asset(self):
        self.post(
            "assets",
            self.assets,
            name=self.name(),
            portfolio_id=self.pick(self.portfolios),
            asset_type_id=self.random.choice(list(TypeId)[1:8]),
            currency=self.random.choice(("EUR", "USD", "CHF", "JPY")),
            quantity=self.random.choice((None, "0.000000000000000001", "12345678901234567890.5")),
            value=self.amount(),
            on=self.day(),
        )

    def change_asset(self):
        body = self.random.choice(
            (
                {"name": self.name()},
                {"notes": "a\nb\t'\"\\ \u2603 " * 3},
                {"portfolio_id": self.pick(self.portfolios)},
                {"tag_ids": self.random.sample(self.tags, min(2, len(self.tags)))},
                {"category_ids": self.random.sample(self.categories, min(2, len(self.categories)))},
                {"acquired_on": self.day(), "quantity": "1.10"},
                {"counts_in_net_worth": self.random.random() < 0.5},
            )
        )
        self.client.patch(f"{API}/assets/{self.pick(self.assets)}", body)

    def delete_asset(self):
        self.client.delete(f"{API}/assets/{self.pick(self.assets)}")

    def dispose(self):
        self.post(f"assets/{self.pick(self.assets)}/dispose", on=self.day(), proceeds="12.5")

    def reinstate(self):
        self.post(f"assets/{self.pick(self.assets)}/reinstate")

    def add_value(self):
        path = f"assets/{self.pick(self.assets)}/snapshots"
        answer = self.post(path, value=self.amount(), on=self.day(), note=self.name())
        if answer.status_code == 201:
            self.entries.append((path, answer.json()["id"], {"value": self.amount()}))

    def record_batch(self):
        """Some days and assets twice, some ids of no asset: what is refused is left out."""
        rows = [
            {"asset_id": self.pick(self.assets), "on": self.day(), "value": self.amount()} for _ in range(6)
        ]
        if_exists = self.random.choice(("refuse", "replace", "skip"))
        self.post("values:batch", rows=rows, if_exists=if_exists, on_error="skip")

    def add_transaction(self):
        path = f"assets/{self.pick(self.assets)}/transactions"
        answer = self.post(path, type="INCOME", amount="12.34", on=self.day(), fee="0.01")
        if answer.status_code == 201:
            self.entries.append((path, answer.json()["id"], {"tax": "1.5", "note": self.name()}))

    def change_entry(self):
        if self.entries:
            path, pk, body = self.pick(self.entries)
            self.client.patch(f"{API}/{path}/{pk}", body)

    def delete_entry(self):
        if self.entries:
            path, pk, _ = self.pick(self.entries)
            self.client.delete(f"{API}/{path}/{pk}")

    def label(self):
        path, ids = self.random.choice((("tags", self.tags), ("categories", self.categories)))
        choice = self.random.randrange(4)
        if choice == 0:
            self.post(path, ids, name=self.name(), household_id=str(self.household.pk))
        elif choice == 1:
            self.client.patch(f"{API}/{path}/{self.pick(ids)}", {"name": self.name()})
        elif choice == 2 and path == "categories":
            self.client.patch(f"{API}/{path}/{self.pick(ids)}", {"parent_id": self.pick(ids)})
        elif choice == 3:
            self.client.delete(f"{API}/{path}/{self.pick(ids)}")

    def attach(self):
        path, ids = self.random.choice((("tags", self.tags), ("categories", self.categories)))
        self.post(f"assets/{self.pick(self.assets)}/{path}/{self.pick(ids)}")

    def change_by_set(self):
        AssetSnapshot.objects.filter(asset=self.pick(self.assets)).update(value=self.amount())
        Asset.objects.filter(portfolio=self.pick(self.portfolios)).update(notes=self.name())

    def delete_by_set(self):
        AssetSnapshot.objects.filter(asset=self.pick(self.assets), on__lte=self.day()).delete()

    def add_rate(self):
        currency, units = self.random.choice(("USD", "CHF", "JPY")), f"1.{self.random.randrange(1, 10**6)}"
        ExchangeRate.objects.create(currency=currency, on=self.day(), units_per_euro=units)

    def random_paths(self):
        """Paths of some lists, rows and reports of the household."""
        asset, portfolio = self.pick(self.assets), self.pick(self.portfolios)
        lists = self.random.sample(
            (
                "/assets?page_size=200",
                f"/assets?page_size=200&ordering={self.random.choice(ORDERINGS)},name",
                f"/assets?page_size=200&on={self.day()}&disposed=false",
                f"/assets?page_size=200&portfolio={portfolio}",
                f"/assets?page_size=200&tag={self.pick(self.tags)}",
                f"/assets?page_size=200&category={self.pick(self.categories)}",
                "/assets?page_size=200&search=x&group=FINANCIAL",
                f"/assets/{asset}",
                f"/assets/{asset}?on={self.day()}",
                f"/assets/{asset}/snapshots?page_size=200",
                f"/assets/{asset}/transactions?page_size=200",
                "/portfolios?page_size=200",
                f"/portfolios?page_size=200&on={self.day()}",
                f"/portfolios?page_size=200&on={self.day()}&include=all",
                f"/portfolios/{portfolio}",
                f"/portfolios/{portfolio}?on={self.day()}",
                f"/portfolios/{portfolio}/snapshots",
                "/tags?page_size=200",
                "/categories?page_size=200",
                "/households",
                "/exchange-rates?page_size=200",
            ),
            4,
        )
        return [*lists, *self.random.sample(self.report_paths(portfolio), 4)]

    def report_paths(self, portfolio):
        group_by, start, all_assets = self.random.choice(GROUP_BY), self.day(), "include=all"
        tree = f"category&level={self.random.randrange(1, 4)}"
        branch = f"category&category={self.pick(self.categories)}"
        return (
            f"/net-worth?interval=month&group_by={group_by}",
            f"/net-worth?interval=day&currency=USD&group_by={group_by}",
            f"/net-worth?interval=week&group_by={tree}&start={start}",
            f"/portfolios/{portfolio}/net-worth?group_by={group_by}",
            f"/portfolios/{portfolio}/net-worth?interval=day&end={start}",
            f"/allocation?group_by={group_by}",
            f"/allocation?group_by={group_by}&{all_assets}",
            f"/net-worth?interval=day&group_by={group_by}&{all_assets}",
            f"/net-worth/change?group_by={group_by}&start={start}&{all_assets}",
            f"/portfolios/{portfolio}/net-worth?interval=day&{all_assets}",
            f"/allocation?group_by={tree}&on={start}",
            f"/allocation?group_by={group_by}&tag=none&group=FINANCIAL",
            f"/net-worth?interval=day&end={start}&category={self.pick(self.categories)}",
            f"/portfolios/{portfolio}/allocation?group_by={branch}",
            f"/net-worth/change?group_by={group_by}&start={start}",
            f"/net-worth/change?group_by={branch}",
            f"/portfolios/{portfolio}/change?group_by={group_by}&currency=JPY",
        )


ORDERINGS = ("-current_value", "current_value", "-acquired_on", "disposed_on", "currency")

# Each method that edits, with its weight.
EDITS = {
    "create_portfolio": 1,
    "change_portfolio": 1,
    "delete_portfolio": 1,
    "take_snapshot": 1,
    "create_asset": 2,
    "change_asset": 3,
    "delete_asset": 1,
    "dispose": 1,
    "reinstate": 1,
    "add_value": 3,
    "record_batch": 3,
    "add_transaction": 1,
    "change_entry": 2,
    "delete_entry": 1,
    "label": 2,
    "attach": 1,
    "change_by_set": 1,
    "delete_by_set": 1,
    "add_rate": 1,
}
