"""What has to be there after imports of files that overlap, their undos, and what a person makes beside them.

Everything is known by its name. `apply` writes in the household what `World` notes.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from assets.models import Asset, AssetSnapshot, AssetTag, Category, Instrument, Tag, Transaction
from assets.prices.store import recorded_prices
from imports.tests.import_requests import commit, preview, undo
from imports.tests.made_files import file_of
from reports.models import AllocationTarget
from tests.factories import add_value, create_asset, record_price

START, HAND = date(2025, 1, 1), date(2026, 1, 1)
TAGS, PATHS = ("Red", "Blue"), (("Money",), ("Money", "Coins"), ("Papers", "Shares"), ("Papers", "Funds"))
SECURITY_OF = {"Depot": "VOD", "Other depot": "VOD", "Cash": None}
PARENT_KINDS = ("instrument", "tag", "category")


@dataclass
class World:
    """`makers` has which import made what: (kind, name) to its number, None for a person. `rows` has what each import
    wrote, (row_type, of, key) to the number, `by_hand` the same of a person. `needs` has who needs what.
    """

    makers: dict = field(default_factory=dict)
    rows: dict = field(default_factory=dict)
    by_hand: dict = field(default_factory=dict)
    needs: set = field(default_factory=set)
    left: list = field(default_factory=list)  # the imports that are not undone, the oldest first

    # --- imports ---

    def commit(self, number, accounts, rows):
        self.left.append(number)
        self.rows[number] = {(row[0], row[1], key_of(row)): row[3] for row in rows}
        written = {row[1] for row in rows if row[0] != "price"}
        for account in accounts:
            name = account["name"]
            if name in written and ("asset", name) not in self.makers:
                self.make(("asset", name), number)
                self.label(name, account, number)
        for row_type, symbol, _ in self.rows[number]:
            if row_type == "price":
                self.make(("instrument", symbol), number)

    def label(self, name, account, number):
        if account["symbol"]:
            self.make(("instrument", account["symbol"]), number)
            self.needs.add((("asset", name), ("instrument", account["symbol"])))
        for tag in account["tags"]:
            self.make(("tag", tag), number)
            self.needs.add((("asset", name), ("tag", tag)))
        for path in account["categories"]:
            for depth in range(1, len(path) + 1):
                self.make(("category", path[depth - 1]), number)
                if depth > 1:
                    self.needs.add((("category", path[depth - 1]), ("category", path[depth - 2])))
            self.needs.add((("asset", name), ("category", path[-1])))

    def make(self, thing, number):
        self.makers.setdefault(thing, number)

    def undo(self, number):
        """Returns what the answer has to list as kept."""
        place = self.left.index(number)
        later = {key for other in self.left[place + 1 :] for key in self.rows[other]}
        kept = {("asset", of) for kind, of, key in later & self.rows[number].keys() if kind != "price"}
        own = {thing for thing, maker in self.makers.items() if maker == number}
        self.left.remove(number)
        self.remove_what_nothing_needs()
        return kept | own & self.makers.keys()

    def remove_what_nothing_needs(self):
        while gone := {thing for thing in self.makers if not self.stays(thing)}:
            self.makers = {thing: maker for thing, maker in self.makers.items() if thing not in gone}
            self.needs = {(who, what) for who, what in self.needs if who not in gone}

    def stays(self, thing):
        maker, of_rows = self.makers[thing], [key[:2] for key in self.numbers()]
        if maker is None or maker in self.left or any(what == thing for _, what in self.needs):
            return True
        kind, name = thing
        kinds = {"asset": ("value", "transaction"), "instrument": ("price",)}.get(kind, ())
        return any((row_type, name) in of_rows for row_type in kinds)

    def numbers(self):
        """The values, transactions and prices: of each the newest one that is left."""
        numbers = dict(self.by_hand)
        for number in self.left:
            numbers |= self.rows[number]
        return numbers

    def expected(self):
        links = {(who[1], what) for who, what in self.needs if who[0] == "asset" and what[0] in PARENT_KINDS}
        return (
            set(self.makers),
            self.numbers(),
            links,
            {what for who, what in self.needs if who[0] == "target"},
        )


def key_of(row):
    return row[4] if row[0] == "transaction" else row[2]


def stored(portfolio):
    """The same of what is there."""
    household = {"household": portfolio.household}
    assets = Asset.objects.filter(portfolio=portfolio)
    instruments = Instrument.objects.filter(**household)
    categories = Category.objects.filter(**household)
    things = {
        *(("asset", asset.name) for asset in assets),
        *(("instrument", instrument.symbol) for instrument in instruments),
        *(("tag", tag.name) for tag in Tag.objects.filter(**household)),
        *(("category", category.name) for category in categories),
    }
    values = AssetSnapshot.objects.filter(asset__in=assets).select_related("asset")
    bookings = Transaction.objects.filter(asset__in=assets).select_related("asset")
    numbers = {("value", row.asset.name, str(row.on)): str(int(row.value)) for row in values}
    numbers |= {("transaction", row.asset.name, row.external_id): str(int(row.amount)) for row in bookings}
    for instrument in instruments:
        for price in recorded_prices(instrument.pk, None, None):
            key = "price", instrument.symbol, str(date.fromordinal(price.on))
            numbers[key] = str(price.number // 10**price.scale)
    links = {
        *((asset.name, ("instrument", asset.instrument.symbol)) for asset in assets if asset.instrument),
        *((asset.name, ("tag", tag.name)) for asset in assets for tag in asset.tags.all()),
        *((asset.name, ("category", each.name)) for asset in assets for each in asset.categories.all()),
    }
    targets = AllocationTarget.objects.filter(**household).select_related("tag", "category")
    named = {("tag", row.tag.name) if row.tag else ("category", row.category.name) for row in targets}
    return things, numbers, links, named


# --- what happens ---


class History:
    """A random one of imports, undos, and what a person makes; the model is told of each."""

    def __init__(self, client, portfolio, seed):
        self.client, self.portfolio, self.random = client, portfolio, Random(seed)
        self.world, self.imports = World(), {}

    def commit(self):
        number, random = len(self.imports), self.random
        names = random.sample(list(SECURITY_OF), random.randint(1, 3))
        accounts = [self.account(name) for name in names]
        rows = [self.row(number, name) for name in names if SECURITY_OF[name]]
        rows += [["value", name, self.day(), self.amount(number)] for name in names for _ in "ab"]
        rows += [
            ["price", symbol, self.day(), self.amount(number)] for symbol in random.sample(["VOD", "BAS"], 1)
        ]
        rows = list({(row[0], row[1], key_of(row)): row for row in rows}.values())
        self.imports[number] = preview(self.client, self.portfolio, file_of(accounts, rows))
        commit(self.client, self.imports[number])
        self.world.commit(number, accounts, rows)

    def account(self, name):
        tags, paths = self.random.sample(TAGS, 1), self.random.sample(PATHS, self.random.randint(0, 2))
        return {"name": name, "symbol": SECURITY_OF[name], "tags": tags, "categories": paths}

    def row(self, number, name):
        reference = f"t{self.random.randint(1, 4)}"
        return ["transaction", name, "2025-02-01", self.amount(number), reference]

    def day(self):
        return str(START + timedelta(days=self.random.randint(0, 3)))

    def amount(self, number):
        """No other import has it."""
        return str(20 + number + 10 * self.random.randint(0, 2))

    def undo(self):
        number = self.random.choice(self.world.left)
        kept = self.world.undo(number)
        is_refused = bool({kind for kind, _ in kept} - {"tag"})
        new_import = self.imports[number]
        if is_refused:
            errors = undo(self.client, new_import, expected=409)["errors"]
            assert {error["code"] for error in errors} == {"IN_USE"}
        answer = undo(self.client, new_import, force=is_refused)
        assert {(row["row_type"], row["name"].removeprefix("The ")) for row in answer["kept"]} == kept

    def by_hand(self):
        """A person uses something that is there."""
        if self.world.makers:
            thing = self.random.choice(sorted(self.world.makers))
            getattr(self, f"use_{thing[0]}")(thing)

    def new_day(self):
        return HAND + timedelta(days=len(self.world.by_hand))

    def use_asset(self, thing):
        on = self.new_day()
        add_value(Asset.objects.get(portfolio=self.portfolio, name=thing[1]), 7, on)
        self.world.by_hand["value", thing[1], str(on)] = "7"

    def use_instrument(self, thing):
        instrument = Instrument.objects.get(household=self.portfolio.household, symbol=thing[1])
        on = self.new_day()
        record_price(instrument, on, 30)
        self.world.by_hand["price", thing[1], str(on)] = "30"

    def use_tag(self, thing):
        tag = Tag.objects.get(household=self.portfolio.household, name=thing[1])
        mine = "asset", f"Mine {len(self.world.makers)} {len(self.world.needs)}"
        AssetTag.objects.create(asset=create_asset(self.portfolio, mine[1]), tag=tag)
        self.world.makers[mine] = None
        self.world.needs.add((mine, thing))

    def use_category(self, thing):
        own = {"household": self.portfolio.household}
        category = Category.objects.get(name=thing[1], **own)
        if self.random.random() < 0.5:
            below = "category", f"Mine {len(self.world.makers)} {len(self.world.needs)}"
            Category.objects.create(name=below[1], parent=category, **own)
            self.world.makers[below] = None
            self.world.needs.add((below, thing))
        elif (("target", thing[1]), thing) not in self.world.needs:
            AllocationTarget.objects.create(category=category, share="0.01", **own)
            self.world.needs.add((("target", thing[1]), thing))
