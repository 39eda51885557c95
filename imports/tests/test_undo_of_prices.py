"""The undo of an import withdraws its prices of securities that stay: they were left behind, and counted."""

from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, PriceBlock, PriceLoad
from assets.prices.store import recorded_prices
from assets.services.instruments.prices import LoadTerms, record_prices
from imports.models import Import
from imports.services.writing import commits
from imports.tests.import_requests import IMPORTS, commit, failures, preview, undo
from portfolios.models import Household, Portfolio
from strata.audit import deletions
from tests.factories import create_asset

pytestmark = pytest.mark.usefixtures("shared_rows")
API = "/api/v1"
QUOTES = b"Date;Quote\n2024-01-02;98,55\n2024-01-03;99,1\n2025-01-02;103\n"
SIEMENS = {"options": {"symbol": "SIE", "currency": "EUR"}}
# A new security with its prices, in a new account.
HOLDINGS = b"date,symbol,quantity,price,currency\n2025-01-31,VOD,10,68.1,GBP\n2025-02-28,VOD,10,69,GBP\n"


@pytest.fixture
def siemens(portfolio):
    return Instrument.objects.create(
        household=portfolio.household, symbol="SIE", name="Siemens", currency="EUR"
    )


@pytest.fixture
def holding(portfolio, siemens):
    """Ten shares since 2024, of which the price of 2 January was entered by hand."""
    record(siemens, date(2024, 1, 2), 90)
    return create_asset(
        portfolio,
        "Siemens",
        TypeId.STOCKS,
        instrument=siemens,
        valuation="market",
        quantity=Decimal(10),
        acquired_on=date(2024, 1, 2),
    )


def record(instrument, on: date, price: int) -> None:
    record_prices({instrument.pk: [(on.toordinal(), 0, price, 0)]}, LoadTerms("api", accept_jumps=True))


def prices_of(instrument) -> dict[str, Decimal]:
    recorded = recorded_prices(instrument.pk, None, None)
    return {str(date.fromordinal(price.on)): Decimal(price.number).scaleb(-price.scale) for price in recorded}


def answers(client, asset, instant=None) -> list:
    known = f"&known_at={quote(instant.isoformat())}" if instant else ""
    paths = (
        f"assets/{asset.pk}/values?interval=month&end=2025-02-28",
        f"portfolios/{asset.portfolio_id}/net-worth?interval=month&start=2023-12-31&end=2025-02-28",
        f"instruments/{asset.instrument_id}/prices?start=2020-01-01",
        f"net-worth/change?portfolio={asset.portfolio_id}&start=2024-01-01&end=2025-01-31",
    )
    every = [client.get(f"{API}/{path}{known}") for path in paths]
    assert {answer.status_code for answer in every} == {200}
    return [answer.json() for answer in every]


def test_everything_is_as_before_and_the_past_shows_the_prices(alice, holding, siemens):
    before = answers(alice, holding)
    new_import = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    assert new_import["counts"]["price"] == {"create": 2, "update": 1, "skip": 0, "refuse": 0}
    counts = commit(alice, new_import)["made"]
    with_prices, instant = answers(alice, holding), timezone.now()
    assert with_prices != before
    undone = undo(alice, new_import)
    assert (counts["price"], undone["removed"]["price"]) == (3, 3)
    assert answers(alice, holding) == before
    assert answers(alice, holding, instant) == with_prices
    assert PriceBlock.objects.filter(load__withdrawn_at__isnull=False).count() == 2  # one for each year
    assert failures() == []
    assert undo(alice, new_import) == undone


def test_the_file_can_be_imported_again(alice, holding, siemens):
    new_import = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    commit(alice, new_import)
    with_prices = answers(alice, holding)
    undo(alice, new_import)
    again = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    assert again["counts"]["price"] == {"create": 2, "update": 1, "skip": 0, "refuse": 0}
    assert commit(alice, again)["made"]["price"] == 3
    without_ids = [
        [{**row, "load_id": ""} for row in every[2]["results"]]
        for every in (with_prices, answers(alice, holding))
    ]
    assert without_ids[0] == without_ids[1]
    assert answers(alice, holding)[:2] == with_prices[:2]
    assert undo(alice, again)["removed"]["price"] == 3
    assert prices_of(siemens) == {"2024-01-02": 90}


def test_a_preview_in_which_the_prices_were_there_already_is_stale_after_the_undo(alice, holding):
    """Its commit would leave them out."""
    new_import = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    commit(alice, new_import)
    later = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    assert later["counts"]["price"]["skip"] == 3
    undo(alice, new_import)
    assert commit(alice, later, expected=409)["code"] == "IMPORT_STALE"
    again = alice.patch(f"{IMPORTS}/{later['id']}", {}).json()
    assert again["counts"]["price"] == {"create": 2, "update": 1, "skip": 0, "refuse": 0}
    assert commit(alice, again)["made"]["price"] == 3


def test_a_preview_of_another_security_is_not_stale(alice, holding, portfolio):
    Instrument.objects.create(household=portfolio.household, symbol="BAS", name="BASF", currency="EUR")
    new_import = preview(alice, portfolio, QUOTES, **SIEMENS)
    commit(alice, new_import)
    other = preview(alice, portfolio, QUOTES, options={"symbol": "BAS", "currency": "EUR"})
    undo(alice, new_import)
    assert commit(alice, other)["made"]["price"] == other["counts"]["price"]["create"] > 0


def test_a_price_that_was_entered_since_stays(alice, holding, siemens):
    new_import = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    commit(alice, new_import)
    record(siemens, date(2024, 1, 3), 120)
    undo(alice, new_import)
    assert prices_of(siemens) == {"2024-01-02": 90, "2024-01-03": 120}
    assert failures() == []


def test_imports_of_prices_are_undone_in_any_order(alice, holding, siemens):
    first = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    commit(alice, first)
    second = preview(alice, holding.portfolio, QUOTES.replace(b"99,1", b"77"), **SIEMENS)
    assert commit(alice, second)["made"]["price"] == 1
    undo(alice, first)
    assert prices_of(siemens) == {"2024-01-02": 90, "2024-01-03": 77}
    undo(alice, second)
    assert prices_of(siemens) == {"2024-01-02": 90}


def test_prices_of_a_security_that_goes_too_are_counted(alice, portfolio):
    new_import = preview(alice, portfolio, HOLDINGS)
    counts = commit(alice, new_import)["made"]
    assert (counts["price"], counts["instrument"]) == (2, 1)
    assert undo(alice, new_import)["removed"] == counts
    assert not Instrument.objects.filter(household=portfolio.household).exists()
    assert failures() == []


def test_prices_of_a_security_that_is_in_use_are_withdrawn(alice, portfolio):
    new_import = preview(alice, portfolio, HOLDINGS)
    commit(alice, new_import)
    vodafone = Instrument.objects.get(symbol="VOD")
    create_asset(portfolio, "Mine", TypeId.STOCKS, instrument=vodafone, valuation="market", currency="GBP")
    assert undo(alice, new_import, force=True)["removed"]["price"] == 2
    assert prices_of(vodafone) == {}
    assert failures() == []


def test_a_large_import_hides_its_assets_and_withdraws_its_prices(alice, portfolio, holding, monkeypatch):
    monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
    before = answers(alice, holding)
    quotes = preview(alice, portfolio, QUOTES, **SIEMENS)
    commit(alice, quotes)
    new_import = preview(alice, portfolio, HOLDINGS)
    counts = commit(alice, new_import)["made"]
    assert undo(alice, new_import)["removed"] == counts
    assert undo(alice, quotes)["removed"]["price"] == 3
    assert answers(alice, holding) == before
    assert failures() == []
    deletions.finish_all()
    assert failures() == []
    assert not Asset.objects.filter(name__contains="VOD").exists()


def test_an_import_of_several_loads_withdraws_all(alice, holding, siemens, monkeypatch):
    """A commit writes its rows in groups, and each group has a load."""
    monkeypatch.setattr("imports.services.blocks.ROWS", 1)
    monkeypatch.setattr(commits, "BLOCKS_AT_A_TIME", 1)
    new_import = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    commit(alice, new_import)
    assert PriceLoad.objects.filter(source=f"import:{new_import['id']}").count() == 3
    assert undo(alice, new_import)["removed"]["price"] == 3
    assert prices_of(siemens) == {"2024-01-02": 90}


def test_a_load_that_only_has_the_name_of_the_import_stays(alice, holding, siemens):
    new_import = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    commit(alice, new_import)
    source = f"import:{new_import['id']}"
    sent = {"source": source, "rows": [{"instrument_id": str(siemens.pk), "on": "2024-06-03", "price": "1"}]}
    assert alice.post(f"{API}/prices:batch", {**sent, "accept_jumps": True}).status_code == 200
    undo(alice, new_import)
    assert prices_of(siemens) == {"2024-01-02": 90, "2024-06-03": 1}


def test_loads_of_another_household_stay(alice, alice_user, holding):
    """An import that came with an archive says what whoever wrote the archive wants."""
    new_import = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    commit(alice, new_import)
    row = Import.objects.get(pk=new_import["id"])
    foreign = PriceLoad.objects.create(
        household=Household.objects.create(name="H"), source=f"import:{row.pk}"
    )
    PriceLoad.objects.filter(pk=foreign.pk).update_unrecorded(created_at=row.committed_at)
    undo(alice, new_import)
    foreign.refresh_from_db()
    assert foreign.withdrawn_at is None


def test_other_portfolios_that_hold_it_have_new_revisions(alice, holding, portfolio, siemens):
    other = Portfolio.objects.create(household=portfolio.household, name="Other", time_zone="UTC")
    elsewhere = create_asset(
        other, "Siemens", TypeId.STOCKS, instrument=siemens, valuation="market", quantity=Decimal(1),
        acquired_on=date(2024, 1, 2),
    )  # fmt: skip
    new_import = preview(alice, portfolio, QUOTES, **SIEMENS)
    commit(alice, new_import)
    path = f"{API}/portfolios/{other.pk}/net-worth?interval=month&start=2024-01-31&end=2024-02-29"
    with_prices = alice.get(path)
    undo(alice, new_import)
    again = alice.get(path, headers={"If-None-Match": with_prices["ETag"]})
    assert again.status_code == 200
    assert elsewhere.portfolio_id == other.pk


def test_neither_the_import_nor_its_undo_is_undone_by_the_history(alice, holding):
    new_import = preview(alice, holding.portfolio, QUOTES, **SIEMENS)
    commit(alice, new_import)
    undone = alice.post(f"{IMPORTS}/{new_import['id']}/undo", {})
    refused = alice.post(f"{API}/undo/{undone['X-Request-Id']}", {})
    assert (refused.status_code, refused.json()["code"]) == (409, "UNDO_NOT_POSSIBLE")
