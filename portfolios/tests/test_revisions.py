"""A portfolio's revision: everything that affects its figures raises it, and nothing lowers it."""

import pytest
from django.core.management import call_command

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, ExchangeRate
from assets.rates.readers import RateQuote
from assets.rates.writer import add_rates
from portfolios.models import Portfolio
from reports.services.portfolio_snapshots import take_snapshot
from strata.fields.dates import noon, parse_day


@pytest.fixture
def revision(portfolio):
    """By how much the portfolio's revision has grown since the last call."""
    seen = [Portfolio.objects.get(pk=portfolio.pk).revision]

    def grown():
        seen.append(Portfolio.objects.get(pk=portfolio.pk).revision)
        return seen[-1] - seen[-2]

    return grown


@pytest.fixture
def asset(portfolio):
    return Asset.objects.create(portfolio=portfolio, asset_type_id=TypeId.CASH, name="Cash", currency="EUR")


def test_value_and_its_correction_count_up(portfolio, asset, revision):
    day = parse_day("2024-01-31")
    row = AssetSnapshot.objects.create(asset=asset, value="1", on=day, observed_at=noon(day, "UTC"))
    assert revision() > 0
    row.value = 2
    row.save()
    assert revision() > 0
    row.delete()
    assert revision() > 0


def test_change_of_the_portfolio_itself_counts_up(portfolio, revision):
    portfolio.base_currency = "USD"
    portfolio.save()
    assert revision() > 0
    Portfolio.objects.filter(pk=portfolio.pk).update(base_currency="EUR")
    assert revision() > 0


@pytest.mark.parametrize(
    "write",
    [
        lambda day: ExchangeRate.objects.create(currency="USD", on=day, units_per_euro="1.1"),
        lambda day: ExchangeRate.objects.bulk_create(
            [ExchangeRate(currency="USD", on=day, units_per_euro="1.1")]
        ),
        lambda day: add_rates([RateQuote("USD", day, 1)], "ecb"),
    ],
    ids=["one", "several", "loaded"],
)
def test_rate_counts_up_by_every_road(portfolio, revision, write):
    write(parse_day("2024-01-31"))
    assert revision() == 1


def test_rates_that_are_known_count_nothing(portfolio, revision):
    quotes = [RateQuote("USD", parse_day("2024-01-31"), 1)]
    add_rates(quotes, "ecb")
    assert (revision(), add_rates(quotes, "ecb"), revision()) == (1, 0, 0)


def test_saving_what_was_read_long_ago_does_not_count_back(portfolio, asset, revision):
    old = Portfolio.objects.get(pk=portfolio.pk)
    for name in ("one", "two", "three"):
        asset.name = name
        asset.save()
    before = revision()
    old.name = "Renamed"
    old.save()
    assert before > 0
    assert revision() > 0


def test_writing_a_total_down_changes_no_figures(portfolio, revision):
    take_snapshot(portfolio.pk)
    assert revision() == 0


def test_what_was_written_past_strata_is_told_after_a_rebuild(alice, portfolio, asset):
    day = parse_day("2024-01-31")
    row = AssetSnapshot.objects.create(asset=asset, value="1", on=day, observed_at=noon(day, "UTC"))
    total = take_snapshot(portfolio.pk, on=day)
    path = f"/api/v1/portfolios/{portfolio.pk}"
    tag = alice.get(f"{path}/net-worth")["ETag"]
    assert alice.get(f"{path}/snapshots/{total.pk}").json()["value"] == "1.00"
    AssetSnapshot.objects.filter(pk=row.pk).update_unrecorded(value="2")
    call_command("rebuild", verbosity=0)
    answer = alice.get(f"{path}/net-worth?interval=day&end=2024-01-31", HTTP_IF_NONE_MATCH=tag)
    assert (answer.status_code, answer.json()["points"][-1]["net"]) == (200, "2.00")
    assert alice.get(f"{path}/net-worth", HTTP_IF_NONE_MATCH=tag).status_code == 200
    assert alice.get(f"{path}/snapshots/{total.pk}").json()["value"] == "2.00"
