"""The undo of an import leaves what a person or another import needs, and the last undo leaves nothing else behind."""

from datetime import date
from itertools import permutations

import pytest

from assets.classification.seeds import TypeId
from assets.models import (
    Asset,
    AssetCategory,
    AssetTag,
    Category,
    Instrument,
    InstrumentAction,
    InstrumentSource,
    Loan,
    PriceFetch,
    PriceSource,
    Tag,
    Transaction,
)
from assets.prices.store import recorded_prices
from assets.services.entries.disposal import dispose, reinstate
from imports.formats import detection
from imports.models import Import
from imports.services.writing import undoing
from imports.tests.import_requests import commit, failures, preview, undo
from imports.tests.made_files import MADE, file_of
from imports.tests.undo_model import History, stored
from reports.models import AllocationTarget
from strata.audit import deletions
from tests.factories import create_asset, record_price

pytestmark = pytest.mark.usefixtures("shared_rows", "made_format")
DEPOT = {"name": "Depot", "symbol": "VOD", "tags": ["Risky"], "categories": [["Papers", "Shares"]]}
CASH = {"name": "Cash", "tags": ["Risky"], "categories": [["Money"]]}
HAND = date(2026, 1, 5)


@pytest.fixture
def made_format(monkeypatch):
    monkeypatch.setattr(detection, "FORMATS", (MADE,))


@pytest.fixture
def imported(alice, portfolio):
    def send(accounts, rows):
        new_import = preview(alice, portfolio, file_of(accounts, rows))
        commit(alice, new_import)
        return new_import

    return send


@pytest.fixture
def refused(alice):
    def send(new_import):
        return [
            (error["code"], error["message"]) for error in undo(alice, new_import, expected=409)["errors"]
        ]

    return send


def kept(answer):
    return sorted((row["row_type"], row["name"]) for row in answer["kept"])


def bought(number):
    return ["transaction", "Depot", f"2025-02-0{number}", "10", f"t{number}"]


def symbols(portfolio):
    return set(Instrument.objects.filter(household=portfolio.household).values_list("symbol", flat=True))


def labels(portfolio):
    """The names of its tags and categories."""
    rows = (model.objects.filter(household=portfolio.household) for model in (Tag, Category))
    return {name for names in rows for name in names.values_list("name", flat=True)}


def prices_of(symbol):
    instrument = Instrument.objects.get(symbol=symbol)
    return {str(date.fromordinal(price.on)) for price in recorded_prices(instrument.pk, None, None)}


# --- securities ---


def test_a_security_with_a_price_that_was_entered_since_stays(alice, portfolio, imported, refused):
    new_import = imported([DEPOT], [bought(1), ["price", "VOD", "2025-02-01", "9"]])
    record_price(Instrument.objects.get(symbol="VOD"), HAND)
    assert refused(new_import) == [("IN_USE", "VOD has rows from elsewhere.")]
    undone = undo(alice, new_import, force=True)
    assert (kept(undone), undone["removed"]["price"]) == ([("instrument", "The VOD")], 1)
    assert (prices_of("VOD"), labels(portfolio), failures()) == ({str(HAND)}, set(), [])


def test_a_security_with_a_price_that_an_import_replaced_stays(alice, portfolio, imported):
    """The price that was entered counts again after both."""
    first = imported([DEPOT], [bought(1), ["price", "VOD", "2025-02-01", "9"]])
    record_price(Instrument.objects.get(symbol="VOD"), date(2025, 2, 1), 8)
    second = imported([], [["price", "VOD", "2025-02-01", "7"]])
    undo(alice, second)
    undo(alice, first, force=True)
    assert (prices_of("VOD"), failures()) == ({"2025-02-01"}, [])


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_prices_of_another_import_keep_the_security_until_its_own_undo(alice, portfolio, imported, order):
    days = ["2025-02-01", "2025-02-02", "2025-02-03"]
    imports = [imported([], [["price", "VOD", day, "9"]]) for day in days]
    left = set(days)
    for number in order:
        left.discard(days[number])
        answer = undo(alice, imports[number], force=number == 0 and bool(left))
        assert kept(answer) == ([("instrument", "The VOD")] if number == 0 and left else [])
        assert (prices_of("VOD") if left else symbols(portfolio)) == left
    assert failures() == []


@pytest.mark.parametrize("is_large", [False, True])
def test_the_source_and_the_action_of_a_security_keep_it(
    alice, portfolio, imported, refused, is_large, monkeypatch
):
    if is_large:
        monkeypatch.setattr(deletions, "MOST_AT_ONCE", 0)
    new_import = imported([DEPOT], [bought(1), ["price", "BAS", "2025-02-01", "9"]])
    vodafone, basf = (Instrument.objects.get(symbol=symbol) for symbol in ("VOD", "BAS"))
    source = PriceSource.objects.create(name="Ours", source_type="csv")
    InstrumentSource.objects.create(instrument=vodafone, source=source, symbol="VOD.L")
    InstrumentAction.objects.create(
        household=portfolio.household, instrument=basf, on=HAND, type="split", numerator=2, denominator=1
    )
    assert refused(new_import) == [("IN_USE", f"{name} has rows from elsewhere.") for name in ("BAS", "VOD")]
    undo(alice, new_import, force=True)
    deletions.finish_all()
    assert symbols(portfolio) == {"VOD", "BAS"}
    assert (InstrumentSource.objects.count(), InstrumentAction.objects.count()) == (1, 1)
    assert failures() == []


# --- what several imports share ---


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_nothing_is_left_of_an_asset_that_two_imports_have_used(
    alice, portfolio, imported, order, is_large, monkeypatch
):
    if is_large:
        monkeypatch.setattr(deletions, "MOST_AT_ONCE", 0)
    imports = [imported([DEPOT], [bought(number)]) for number in (1, 2)]
    answer = undo(alice, imports[order[0]], force=order[0] == 0)
    shares = [("asset", "Depot"), ("category", "Papers"), ("category", "Shares"), ("instrument", "The VOD")]
    assert kept(answer) == ([*shares, ("tag", "Risky")] if order[0] == 0 else [])
    undone = undo(alice, imports[order[1]])
    assert (undone["removed"]["asset"], undone["removed"]["instrument"], undone["kept"]) == (1, 1, [])
    assert (symbols(portfolio), labels(portfolio), failures()) == (set(), set(), [])
    deletions.finish_all()
    assert (Asset.objects.exists(), failures()) == (False, [])


def test_a_category_goes_with_the_last_import_that_uses_one_below_it(alice, portfolio, imported, refused):
    """The second import has a category below that of the first, and no asset of it."""
    first = imported([CASH], [["value", "Cash", "2025-02-01", "10"]])
    below = {"name": "Box", "categories": [["Money", "Coins"]]}
    second = imported([below], [["value", "Box", "2025-02-01", "10"]])
    assert refused(first) == [("IN_USE", "Money has rows from elsewhere.")]
    assert kept(undo(alice, first, force=True)) == [("category", "Money")]
    assert labels(portfolio) == {"Money", "Coins"}
    undo(alice, second)
    assert labels(portfolio) == set()


def test_a_label_that_was_taken_from_an_asset_goes_with_the_last_user_of_the_asset(
    alice, portfolio, imported
):
    imports = [imported([DEPOT], [bought(number)]) for number in (1, 2)]
    undo(alice, imports[0], force=True)
    AssetTag.objects.get().delete()
    undo(alice, imports[1], force=True)
    assert labels(portfolio) == set()


def test_a_category_above_goes_with_the_last_import_that_uses_it(alice, portfolio, imported):
    """The asset that was in the category below it is in none any more."""
    first = imported([CASH], [["value", "Cash", "2025-02-01", "10"]])
    below = {"name": "Box", "categories": [["Money", "Coins"]]}
    second = imported([below], [["value", "Box", "2025-02-01", "10"]])
    undo(alice, first, force=True)
    AssetCategory.objects.get().delete()
    undo(alice, second, force=True)
    assert labels(portfolio) == set()


def test_a_tag_of_another_asset_is_kept_without_a_refusal(alice, portfolio, imported):
    new_import = imported([DEPOT], [bought(1)])
    mine = create_asset(portfolio, "Mine")
    AssetTag.objects.create(asset=mine, tag=Tag.objects.get(name="Risky"))
    assert kept(undo(alice, new_import)) == [("tag", "Risky")]
    assert [link.asset for link in AssetTag.objects.all()] == [mine]
    assert labels(portfolio) == {"Risky"}


# --- what a person has made beside it ---


def linked_by_hand(portfolio, category):
    return AssetCategory.objects.create(asset=create_asset(portfolio, "Mine"), category=category)


def target_by_hand(portfolio, category):
    return AllocationTarget.objects.create(household=portfolio.household, category=category, share="0.5")


def child_by_hand(portfolio, category):
    return Category.objects.create(household=portfolio.household, parent=category, name="Mine")


@pytest.mark.parametrize("name", ["Papers", "Shares"])
@pytest.mark.parametrize("by_hand", [linked_by_hand, target_by_hand, child_by_hand])
def test_a_category_that_something_by_hand_refers_to_stays(
    alice, portfolio, imported, refused, by_hand, name
):
    new_import = imported([DEPOT], [bought(1)])
    mine = by_hand(portfolio, Category.objects.get(name=name))
    wanted = {"Papers": ["Papers"], "Shares": ["Papers", "Shares"]}[name]
    assert sorted(refused(new_import)) == [("IN_USE", f"{each} has rows from elsewhere.") for each in wanted]
    assert kept(undo(alice, new_import, force=True)) == [("category", each) for each in wanted]
    mine.refresh_from_db()
    assert labels(portfolio) - {"Mine"} == set(wanted)
    assert not Asset.objects.filter(name="Depot").exists()


def test_a_target_of_a_tag_or_an_asset_stays(alice, portfolio, imported, refused):
    new_import = imported([CASH], [["value", "Cash", "2025-02-01", "10"]])
    own = {"household": portfolio.household, "share": "0.5"}
    AllocationTarget.objects.create(tag=Tag.objects.get(name="Risky"), **own)
    AllocationTarget.objects.create(asset=Asset.objects.get(), **own)
    assert ("IN_USE", "Cash has rows from elsewhere.") in refused(new_import)
    undone = undo(alice, new_import, force=True)
    assert kept(undone) == [("asset", "Cash"), ("category", "Money"), ("tag", "Risky")]
    assert (undone["removed"]["value"], undone["removed"]["asset"]) == (1, 0)
    assert AllocationTarget.objects.count() == 2


def test_an_asset_on_which_a_loan_is_secured_stays(alice, portfolio, imported, refused):
    new_import = imported([CASH], [["value", "Cash", "2025-02-01", "10"]])
    mortgage = create_asset(portfolio, "Mortgage", TypeId.MORTGAGE, valuation="loan")
    Loan.objects.create(
        asset=mortgage,
        principal=1000,
        started_on=date(2025, 1, 1),
        first_payment_on=date(2025, 2, 1),
        term=12,
        collateral=Asset.objects.get(name="Cash"),
    )
    assert ("IN_USE", "Cash has rows from elsewhere.") in refused(new_import)
    undo(alice, new_import, force=True)
    assert Loan.objects.get().collateral.name == "Cash"


def test_what_was_written_after_the_comparison_is_seen(alice, portfolio, imported):
    """The undo compares before it has its locks."""
    new_import = imported([DEPOT], [bought(1)])
    row = Import.objects.get(pk=new_import["id"])
    vodafone, papers = Instrument.objects.get(symbol="VOD"), Category.objects.get(name="Papers")
    tag = Tag.objects.get(name="Risky")
    source = PriceSource.objects.create(name="Ours", source_type="csv")
    for write in (
        lambda: record_price(vodafone, HAND),
        lambda: InstrumentSource.objects.create(instrument=vodafone, source=source, symbol="VOD.L"),
        lambda: child_by_hand(portfolio, papers),
        lambda: target_by_hand(portfolio, papers),
        lambda: tag.save(),
    ):
        before = undoing.state_before_undo(row)
        write()
        assert undoing.state_before_undo(row) != before


def test_every_reference_to_what_imports_make_is_known():
    """Whoever adds one has to say in imports.services.writing.needs whether it keeps the row."""
    relations = {
        (model.__name__, relation.related_model.__name__, relation.field.name)
        for model in (Instrument, Category, Tag)
        for relation in model._meta.related_objects
        if not relation.field.many_to_many
    }
    assert relations == {
        ("Instrument", Asset.__name__, "instrument"),
        ("Instrument", InstrumentAction.__name__, "instrument"),
        ("Instrument", InstrumentAction.__name__, "to_instrument"),
        ("Instrument", InstrumentSource.__name__, "instrument"),
        ("Instrument", PriceFetch.__name__, "instrument"),  # a note of what was asked, and no entry
        ("Category", AllocationTarget.__name__, "category"),
        ("Category", AssetCategory.__name__, "category"),
        ("Category", Category.__name__, "parent"),
        ("Tag", AllocationTarget.__name__, "tag"),
        ("Tag", AssetTag.__name__, "tag"),
    }


# --- what was edited ---


def test_a_renamed_security_category_or_tag_is_named(alice, portfolio, imported, refused):
    new_import = imported([DEPOT], [bought(1)])
    for row in (Instrument.objects.get(symbol="VOD"), Category.objects.get(name="Shares"), Tag.objects.get()):
        row.name = f"My {row.name}"
        row.save()
    assert refused(new_import) == [
        ("EDITED", f"{name} was changed since.") for name in ("VOD", "My Shares", "My Risky")
    ]
    assert undo(alice, new_import, force=True)["kept"] == []
    assert (symbols(portfolio), labels(portfolio)) == (set(), set())


@pytest.mark.parametrize("link", [AssetTag, AssetCategory])
def test_an_asset_with_a_label_by_hand_is_named(alice, portfolio, imported, refused, link):
    new_import = imported([DEPOT], [bought(1)])
    name, label = ("tag", Tag) if link is AssetTag else ("category", Category)
    mine = label.objects.create(household=portfolio.household, name="Mine")
    link.objects.create(asset=Asset.objects.get(), **{name: mine})
    assert refused(new_import) == [("EDITED", "Depot was changed since.")]
    undo(alice, new_import, force=True)
    assert labels(portfolio) == {"Mine"}


def test_an_asset_that_was_edited_after_the_undo_of_its_import_is_named(alice, portfolio, imported, refused):
    imports = [imported([DEPOT], [bought(number)]) for number in (1, 2)]
    undo(alice, imports[0], force=True)
    depot = Asset.objects.get()
    depot.notes = "My notes"
    depot.save()
    assert refused(imports[1]) == [("EDITED", "Depot was changed since.")]
    undo(alice, imports[1], force=True)
    assert not Asset.objects.exists()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_value_that_was_edited_between_two_imports_is_named_by_the_undo_of_the_first(
    alice, portfolio, imported, refused, order
):
    first = imported([CASH], [["value", "Cash", "2025-02-01", "10"]])
    value = Asset.objects.get().snapshots.get()
    value.value = 15
    value.save()
    second = imported([CASH], [["value", "Cash", "2025-02-01", "20"]])
    imports = [first, second]
    if order == (0, 1):
        assert ("EDITED", "It was changed since.") in refused(first)
        undo(alice, first, force=True)
        assert Asset.objects.get().snapshots.get().value == 20
        undo(alice, second)
    else:
        undo(alice, second)
        assert Asset.objects.get().snapshots.get().value == 15
        assert refused(first) == [("EDITED", "It was changed since.")]
        undo(alice, imports[0], force=True)
    assert not Asset.objects.exists()


def test_a_transaction_that_was_edited_between_two_imports_is_named(alice, portfolio, imported, refused):
    first = imported([DEPOT], [bought(1)])
    row = Transaction.objects.get()
    row.note = "Mine"
    row.save()
    imported([DEPOT], [["transaction", "Depot", "2025-02-01", "11", "t1"]])
    assert ("EDITED", "It was changed since.") in refused(first)


def test_what_only_imports_have_changed_is_not_named_as_edited(alice, portfolio, imported, refused):
    """The second one is undone, and what the third one has changed was its value."""
    imports = [imported([CASH], [["value", "Cash", "2025-02-01", value]]) for value in ("10", "20", "30")]
    assert {code for code, _ in refused(imports[1])} == {"IN_USE"}
    undo(alice, imports[1], force=True)
    assert {code for code, _ in refused(imports[0])} == {"IN_USE"}


def test_a_value_that_was_edited_after_the_undo_of_the_next_import_is_named(
    alice, portfolio, imported, refused
):
    first, second = (imported([CASH], [["value", "Cash", "2025-02-01", value]]) for value in ("10", "20"))
    undo(alice, second)
    value = Asset.objects.get().snapshots.get()
    value.value = 15
    value.save()
    imported([CASH], [["value", "Cash", "2025-02-01", "30"]])
    assert ("EDITED", "It was changed since.") in refused(first)


# --- disposals ---

SOLD = {"name": "Cash", "disposed_on": "2025-03-01"}


def sold_by_the_first_of_two(imported):
    first = imported([SOLD], [["value", "Cash", "2025-02-01", "10"]])
    second = imported([{"name": "Cash"}], [["value", "Cash", "2025-02-02", "11"]])
    assert (str(Asset.objects.get().disposed_on), Transaction.objects.count()) == ("2025-03-01", 1)
    return first, second


def test_the_disposal_of_an_asset_that_stays_is_undone(alice, portfolio, imported):
    first, second = sold_by_the_first_of_two(imported)
    assert kept(undo(alice, first, force=True)) == [("asset", "Cash")]
    cash = Asset.objects.get()
    assert (cash.disposed_on, Transaction.objects.count(), failures()) == (None, 0, [])
    undo(alice, second)
    assert not Asset.objects.exists()


def test_a_disposal_that_another_file_says_too_stays_until_that_one_is_undone(alice, portfolio, imported):
    first = imported([SOLD], [["value", "Cash", "2025-02-01", "10"]])
    second = imported([SOLD, {"name": "Car"}], [["value", "Cash", "2025-02-02", "11"]])
    third = imported([{"name": "Cash"}], [["value", "Cash", "2025-02-03", "12"]])
    undo(alice, first, force=True)
    cash = Asset.objects.get()
    assert (str(cash.disposed_on), Transaction.objects.count(), failures()) == ("2025-03-01", 1, [])
    undo(alice, second, force=True)
    cash = Asset.objects.get()
    assert (cash.disposed_on, Transaction.objects.count(), failures()) == (None, 0, [])
    undo(alice, third)
    assert not Asset.objects.exists()


@pytest.mark.parametrize("day", [date(2025, 3, 1), date(2025, 4, 1)])
def test_a_disposal_by_hand_stays(alice, portfolio, imported, day):
    first, _ = sold_by_the_first_of_two(imported)
    cash = Asset.objects.get()
    reinstate(cash.pk)
    dispose(cash.pk, on=day)
    undo(alice, first, force=True)
    assert Asset.objects.get().disposed_on == day


@pytest.mark.parametrize("stays", [True, False])
def test_proceeds_that_were_edited_are_named(alice, portfolio, imported, refused, stays):
    first, second = sold_by_the_first_of_two(imported)
    if not stays:
        undo(alice, second)
    sale = Transaction.objects.get()
    sale.amount = 6
    sale.save()
    assert ("EDITED", "Cash was changed since.") in refused(first)
    undo(alice, first, force=True)
    assert not Transaction.objects.exists()


# --- at random ---


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_order_there_is_what_is_left_of_the_imports_and_what_was_entered(
    alice, portfolio, seed, monkeypatch
):
    """Two to four files, undone in any order, between which a person uses what they have made."""
    if seed % 3 == 0:
        monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
    history = History(alice, portfolio, seed)
    to_commit = history.random.randint(2, 4)
    while to_commit or history.world.left:
        steps = ["commit"] * to_commit + ["undo"] * bool(history.world.left) + ["by_hand"] * (seed % 4 > 0)
        step = history.random.choice(steps)
        to_commit -= step == "commit"
        getattr(history, step)()
        assert stored(portfolio) == history.world.expected(), step
    assert failures() == []
    deletions.finish_all()
    assert (stored(portfolio), failures()) == (history.world.expected(), [])
    if seed % 4 == 0:
        assert stored(portfolio) == (set(), {}, set(), set())
