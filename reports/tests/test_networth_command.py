"""manage.py networth: whose portfolios it draws, what it refuses, and its output in a pipe."""

from __future__ import annotations

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from portfolios.models import Household, Portfolio
from strata.fields.dates import noon, parse_day


def run(*args: str, **options) -> str:
    out = io.StringIO()
    call_command("networth", *args, stdout=out, **options)
    return out.getvalue()


def worth(portfolio: Portfolio, value: str, on: str = "2026-01-31", currency: str = "EUR") -> None:
    asset = Asset.objects.create(
        portfolio=portfolio,
        asset_type_id=TypeId.CHECKING_ACCOUNT,
        name=f"{currency} {value}",
        currency=currency,
    )
    day = parse_day(on)
    AssetSnapshot.objects.create(asset=asset, value=value, on=day, observed_at=noon(day, "UTC"))


@pytest.fixture
def other(portfolio):
    household = Household.objects.create(name="Neighbours")
    foreign = Portfolio.objects.create(household=household, name="Theirs", base_currency="EUR")
    worth(foreign, "7777.00")
    return foreign


def test_only_household_is_drawn_unasked(portfolio):
    worth(portfolio, "1234.50")
    worth(portfolio, "-1000.00", on="2026-02-10")
    shown = run("--start", "2026-01-31", "--end", "2026-02-28")
    assert "Net worth in EUR: Main" in shown
    assert "2026-01-31  1,234.50         0.00   1,234.50" in shown
    assert "2026-02-28  1,234.50    -1,000.00     234.50  -1,000.00" in shown
    assert "┤" in shown


def test_user_sees_their_own_portfolios_only(portfolio, other, vera_user):
    worth(portfolio, "1234.50")
    shown = run("--user", "vera")
    assert "1,234.50" in shown
    assert "7,777.00" not in shown
    assert "Theirs" not in shown


def test_several_households_need_a_user(portfolio, other):
    with pytest.raises(CommandError, match="--user"):
        run()


def test_portfolio_is_chosen_by_name_or_id(portfolio, household):
    second = Portfolio.objects.create(household=household, name="Second", base_currency="EUR")
    worth(portfolio, "1.00")
    worth(second, "20.00")
    assert "21.00" in run()
    for name in ("second", str(second.pk)):
        shown = run("--portfolio", name)
        assert "20.00" in shown
        assert "21.00" not in shown


def test_what_has_no_rate_is_marked_and_named(portfolio):
    worth(portfolio, "5.00", currency="CHF")
    shown = run("--start", "2026-01-31", "--end", "2026-01-31")
    assert "0.00 *" in shown
    assert "lack a rate of CHF" in shown


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--user", "nobody"), "no user"),
        (("--user", "charlie"), "no portfolio"),
        (("--portfolio", "Theirs"), "no portfolio"),
        (("--start", "2026-02-01", "--end", "2026-01-01"), "--start"),
        (("--start", "01.02.2026"), "YYYY-MM-DD"),
        (("--interval", "hour"), "--interval"),
        (("--interval", "day", "--start", "1800-01-01"), "--interval"),
        (("--currency", "EURO"), "--currency"),
    ],
    ids=" ".join,
)
def test_refusal_says_what_is_wrong(portfolio, charlie_user, args, message):
    with pytest.raises(CommandError, match=message):
        run(*args)


def test_colours_are_for_terminals_only(portfolio):
    worth(portfolio, "1.00")
    assert "\x1b" not in run()
    assert "\x1b[" in run(force_color=True)
    assert "\x1b" not in run(no_color=True)


def test_narrow_terminal_is_not_overrun(portfolio, monkeypatch):
    worth(portfolio, "1234.50")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "20")
    assert max(map(len, run().splitlines())) <= 40


def test_number_of_queries_does_not_grow(portfolio, household):
    def queries() -> int:
        with CaptureQueriesContext(connection) as seen:
            run()
        return len(seen)

    worth(portfolio, "1.00")
    before = queries()
    for number in range(5):
        worth(Portfolio.objects.create(household=household, name=str(number), base_currency="EUR"), "1.00")
    assert queries() == before
    assert before <= 5


def test_terminal_without_unicode_gets_letters_that_it_has(portfolio):
    Portfolio.objects.filter(pk=portfolio.pk).update(name="Bücher")
    worth(portfolio, "1.00")
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    call_command("networth", stdout=stream)
    stream.flush()
    shown = stream.buffer.getvalue().decode("ascii")
    assert "Net worth in EUR: B?cher" in shown
    assert "+----" in shown
