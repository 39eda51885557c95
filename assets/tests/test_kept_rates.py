"""Rates that a process keeps: until a rate is written by anybody, and never for the past."""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import ExchangeRate, RatesVersion
from assets.rates import book, kept, sql
from assets.rates.book import NO_HISTORY, MissingRate, Rate, RateBook
from assets.rates.kept import KeptCurrency, KeptRates, kept_currencies
from assets.rates.readers import RateQuote
from assets.rates.store import rate_book, rate_book_on, rate_books
from assets.rates.writer import add_rates, record_rate
from portfolios.models import Household, Portfolio
from strata.audit import clock
from strata.audit.point_in_time import as_known_at
from tests.factories import day

CODES = ["CHF", "USD"]
NOBODYS = KeptCurrency(NO_HISTORY, NO_HISTORY, ())


@contextmanager
def queries(count):
    with CaptureQueriesContext(connection) as seen:
        yield
    assert len(seen) == count, [query["sql"] for query in seen]


def usd(on=None, portfolios=()):
    on = on or day(0)
    return rate_book(["USD"], start=on, end=on, portfolios=portfolios).rate("EUR", "USD", on=on)


# --- what is kept ---


def test_another_version_forgets_what_is_kept():
    rates, first = KeptRates(), uuid4()
    rates.add(first, {"USD": NOBODYS})
    assert rates.currencies(first, CODES) == {"USD": NOBODYS}
    assert rates.currencies(uuid4(), CODES) == rates.currencies(first, CODES) == {}


def test_a_book_is_made_once_for_a_version_and_a_setting():
    rates, version = KeptRates(), uuid4()

    def book(version, **options):
        return rates.book(version, {"USD": NOBODYS}, **{"with_invented": False, "max_age_days": 10} | options)

    assert book(version) is book(version)
    assert book(version) is not book(version, max_age_days=9)
    assert book(version) is not book(version, with_invented=True)
    assert book(version) is not book(uuid4())


def test_no_more_than_a_few_currencies_and_books_are_kept():
    rates, version = KeptRates(), uuid4()
    for number in range(2 * kept.MOST_CURRENCIES):
        rates.add(version, {str(number): NOBODYS})
        rates.book(version, {str(number): NOBODYS}, with_invented=False, max_age_days=10)
    assert len(rates._currencies) == kept.MOST_CURRENCIES
    assert len(rates._books) == kept.MOST_BOOKS
    assert str(number) in rates._currencies


def test_a_book_remembers_no_more_than_a_few_of_its_figures(monkeypatch):
    monkeypatch.setattr(book, "MOST_DAYS", 3)
    monkeypatch.setattr(book, "MOST_PAIRS", 3)
    rates = RateBook(Rate("USD", day(number), Decimal(number + 1)) for number in range(10))
    for target in ("EUR", "USD", "CHF"):
        assert [line.on for line in rates.grid(target, CODES, map(day, range(10)))] == list(
            map(day, range(10))
        )
        assert [line.on for line in rates.grid(target, CODES, [day(1)])] == [day(1)]
    assert [rates.rate("EUR", "USD", on=day(number)) for number in range(10)] == list(range(1, 11))
    assert len(rates._tables) <= book.MOST_TABLES
    assert len(rates._pairs) <= 3


def test_kept_rates_are_those_of_a_book_of_all_rates():
    chance = random.Random(7)
    rates = [
        Rate(
            chance.choice(CODES),
            day(chance.randrange(60)),
            Decimal(chance.randrange(1, 9)),
            chance.choice(["manual", "ecb", "demo"]),
            number,
            lasting=chance.random() < 0.1,
        )
        for number in range(80)
    ]
    currencies = kept_currencies(CODES, sorted(rates, key=lambda rate: rate.on))
    for with_invented in (True, False):
        expected = RateBook(
            (rate for rate in rates if with_invented or rate.source != "demo"), max_age_days=2
        )
        kept_book = KeptRates().book(uuid4(), currencies, with_invented=with_invented, max_age_days=2)
        days = [day(number) for number in range(-2, 70)]
        assert list(kept_book.grid("USD", CODES, days)) == list(expected.grid("USD", CODES, days))
    demo = [rate.on for rate in rates if rate.source == "demo" and rate.currency == "USD"]
    assert currencies["USD"].has_invented(min(demo), min(demo))
    assert not currencies["USD"].has_invented(max(demo) + timedelta(days=1), date.max)


# --- in the database ---


def test_rates_are_read_once_and_then_asked_for_their_version_alone(db):
    record_rate("USD", day(0), Decimal("1.25"))
    usd()
    with queries(1):
        assert usd() == Decimal("1.25")
    with queries(1):
        assert rate_book_on(["USD"], [day(0), day(5)]).rate("EUR", "USD", on=day(5)) == Decimal("1.25")
    with queries(0):
        rate_book(["EUR"], start=day(0), end=day(0))


@pytest.mark.parametrize(
    "write",
    [
        lambda units: record_rate("USD", day(0), units),
        lambda units: add_rates([RateQuote("USD", day(0), units)], "manual"),
    ],
)
def test_a_new_rate_shows_at_once(db, write):
    for units in (Decimal("1.25"), Decimal("1.5")):
        write(units)
        assert usd() == units


def test_a_rate_that_was_rolled_back_is_not_kept(db):
    record_rate("USD", day(0), Decimal("1.25"))
    for number, units in enumerate(("2", "3"), start=1):
        with transaction.atomic():
            record_rate("USD", day(number), Decimal(units))
            assert usd(day(number)) == Decimal(units)
            transaction.set_rollback(True)
        assert usd(day(number)) == Decimal("1.25")


def test_a_rate_written_while_rates_are_read_does_not_count_as_older(db, monkeypatch):
    """The version was read before another process added a rate, the rates after it."""
    record_rate("USD", day(0), Decimal("1.25"))
    read = sql.rates_in

    def rates_in(*given):
        monkeypatch.setattr(sql, "rates_in", read)
        record_rate("USD", day(0), Decimal("1.5"))
        return read(*given)

    old = sql.rates_version()
    monkeypatch.setattr(sql, "rates_in", rates_in)
    assert usd() == Decimal("1.5")
    assert kept.KEPT.currencies(old, ["USD"]) == {}


def test_a_rebuild_notices_rates_that_were_written_without_strata(db):
    record_rate("USD", day(0), Decimal("1.25"))
    usd()
    QuerySet(ExchangeRate).bulk_create([ExchangeRate(currency="USD", on=day(1), units_per_euro=2)])
    assert usd(day(1)) == Decimal("1.25")
    call_command("rebuild", verbosity=0)
    assert usd(day(1)) == 2


def test_without_a_version_nothing_is_kept(db):
    record_rate("USD", day(0), Decimal("1.25"))
    RatesVersion.objects.all().delete()
    for _ in range(2):
        assert usd() == Decimal("1.25")
        assert kept.KEPT._currencies == {}
    record_rate("USD", day(0), Decimal("1.5"))
    assert usd() == Decimal("1.5")
    assert list(kept.KEPT._currencies) == ["USD"]


def test_the_past_has_its_own_rates(db, alice_user):
    record_rate("USD", day(0), Decimal("1.25"))
    before = timezone.now()
    record_rate("USD", day(0), Decimal("1.5"))
    assert usd() == Decimal("1.5")
    with as_known_at(before, alice_user):
        assert clock.known_at() == before
        assert usd() == Decimal("1.25")
    assert usd() == Decimal("1.5")


def test_invented_rates_are_of_the_demo_alone_also_where_they_are_kept(db):
    record_rate("USD", day(0), Decimal("1.25"), source="demo")
    real, demo = [
        Portfolio.objects.create(
            household=Household.objects.create(name=name, is_demo=name == "Demo"), name=name
        )
        for name in ("Real", "Demo")
    ]
    for _ in range(2):
        assert usd(portfolios=[demo]) == Decimal("1.25")
        for portfolios in ([real], [real, demo], []):
            with pytest.raises(MissingRate):
                usd(portfolios=portfolios)
        books = rate_books(["USD"], start=day(0), end=day(0), portfolios=[real, demo])
        assert books[demo.pk].rate("EUR", "USD", on=day(0)) == Decimal("1.25")
        assert books[real.pk].lacking("USD", "EUR", on=day(0)) == ["USD"]
