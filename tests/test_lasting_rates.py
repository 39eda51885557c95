"""Lasting rates apply until a newer one: those of currencies that joined the euro, and recorded ones."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, ExchangeRate
from assets.rates import readers
from assets.rates import sql as rates_sql
from assets.rates.book import MissingRate
from assets.rates.conversion_rates import JOINED
from assets.rates.readers import RateQuote
from assets.rates.store import rate_book, rate_book_of_span, rate_book_on
from assets.rates.writer import add_rates, record_rate
from demo import rates
from strata.db.params import span_params
from strata.exceptions import Invalid
from strata.fields.dates import noon, parse_day
from tests.admin_forms import errors_of, form_data, url

API = "/api/v1"
LEGAL = {code: (on, Decimal(units)) for on, joined in JOINED.items() for code, units in joined.items()}
YEARS = [date(year, 1, 1) for year in range(1999, 2031)]


def add_rate(currency: str, on: date, units: str, source="manual", *, lasting=False) -> ExchangeRate:
    return ExchangeRate.objects.create(
        currency=currency, on=on, units_per_euro=units, source=source, lasting=lasting
    )


# --- the legal conversion rates ---


def test_conversion_rates_of_twenty_one_currencies_exist(db):
    rows = ExchangeRate.objects.filter(lasting=True, source="ecb")
    rates = {
        currency: (on, units) for currency, on, units in rows.values_list("currency", "on", "units_per_euro")
    }
    assert rates == LEGAL
    assert len(rates) == 21


def test_conversion_rates_are_near_the_last_ecb_rates():
    with (
        zipfile.ZipFile(io.BytesIO(readers.shipped_file())) as archive,
        archive.open(archive.namelist()[0]) as file,
    ):
        header, *lines = csv.reader(io.TextIOWrapper(file))
    compared = 0
    for code in LEGAL.keys() & set(header):
        column = header.index(code)
        last_on, last = next((line[0], line[column]) for line in lines if line[column] not in readers.NO_RATE)
        joined, units = LEGAL[code]
        assert timedelta(0) < joined - date.fromisoformat(last_on) < timedelta(days=7), code
        assert abs(Decimal(last) / units - 1) < Decimal("0.001"), code
        compared += 1
    assert compared >= 9  # currencies that joined after the file begins


@pytest.mark.parametrize("code", sorted(LEGAL))
def test_joined_currency_has_a_rate_on_every_later_day(code, db):
    joined, units = LEGAL[code]
    for on in (joined, joined + timedelta(days=11), date(2100, 1, 1)):
        assert rate_book([code], start=on, end=on).rate("EUR", code, on=on) == Fraction(units)
    before = joined - timedelta(days=1)
    with pytest.raises(MissingRate):
        rate_book([code], start=before, end=before).rate("EUR", code, on=before)


def test_total_in_a_former_currency_is_complete_on_any_later_day(alice, portfolio):
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Sofia", currency="BGN"
    )
    on = date(2025, 12, 1)
    AssetSnapshot.objects.create(asset=asset, value="195.583", on=on, observed_at=noon(on, "UTC"))
    add_rate("BGN", date(2025, 12, 31), "1.9558", "ecb")
    for day in ("2026-01-12", "2026-11-01", "2150-01-01"):
        answer = alice.get(f"{API}/portfolios/{portfolio.pk}", {"on": day}).json()
        assert (answer["complete"], answer["total_value"]) == (True, "100.00")
    series = alice.get(
        f"{API}/net-worth", {"start": "2025-12-31", "end": "2027-06-30", "interval": "quarter"}
    ).json()
    assert [point["net"] for point in series["points"]][-6:] == ["100.00"] * 6
    assert all(point["complete"] for point in series["points"])


# --- recorded by a superuser ---


@pytest.fixture
def root(alice, alice_user):
    alice_user.is_superuser = True
    alice_user.save()
    return alice


def test_rate_recorded_as_lasting_applies_until_a_newer_one(root):
    body = {"currency": "XOF", "on": "2024-01-01", "units_per_euro": "655.957", "lasting": True}
    created = root.post(f"{API}/exchange-rates", body)
    assert (created.status_code, created.json()["lasting"]) == (201, True)
    assert (
        root.post(f"{API}/exchange-rates", body | {"on": "2025-01-01", "lasting": False}).status_code == 201
    )
    book = rate_book(["XOF"], start=date(2024, 1, 1), end=date(2026, 1, 1))
    assert book.rate("EUR", "XOF", on=date(2024, 12, 31)) == Fraction("655.957")
    with pytest.raises(MissingRate):
        book.rate("EUR", "XOF", on=date(2025, 1, 12))


def test_rate_is_not_lasting_by_default(root):
    body = {"currency": "XOF", "on": "2024-01-01", "units_per_euro": "655.957"}
    assert root.post(f"{API}/exchange-rates", body).json()["lasting"] is False


def test_known_at_hides_a_lasting_rate_recorded_later(root):
    before = timezone.now()
    add_rate("XOF", date(2024, 1, 1), "655.957", lasting=True)
    query = {"currency": "XOF", "known_at": before.isoformat()}
    assert root.get(f"{API}/exchange-rates", query).json()["count"] == 0
    assert root.get(f"{API}/exchange-rates", {"currency": "XOF"}).json()["count"] == 1


# --- which rates are read for which days ---

RATES = [
    (date(2001, 3, 1), "1", "manual", True),
    (date(2003, 3, 1), "2", "ecb", False),
    (date(2005, 3, 1), "3", "manual", True),
    (date(2007, 3, 1), "4", "demo", False),
    (date(2009, 3, 1), "5", "manual", True),
    (date(2009, 3, 1), "6", "manual", False),
    (date(2012, 3, 1), "7", "ecb", True),
]


def rates_on(days, book) -> list[Fraction | None]:
    """The rate of XAU on each day, or None where there is none."""
    rates = []
    for on in days:
        try:
            rates.append(book.rate("EUR", "XAU", on=on))
        except MissingRate:
            rates.append(None)
    return rates


def test_lasting_rate_is_found_for_any_selection_of_days(db):
    for on, units, source, lasting in RATES:
        add_rate("XAU", on, units, source, lasting=lasting)
    days = [date(2000, 1, 15) + timedelta(days=61 * number) for number in range(90)]
    expected = rates_on(days, rate_book(["XAU"], start=days[0], end=days[-1]))
    assert rates_on(days, rate_book_of_span(["XAU"], start=days[0], end=days[-1])) == expected
    assert [rates_on([on], rate_book_of_span(["XAU"], start=on, end=on))[0] for on in days] == expected
    assert rates_on(days, rate_book_on(["XAU"], days)) == expected
    assert [rates_on([on], rate_book_on(["XAU"], [on]))[0] for on in days] == expected
    on_first_of_june = dict(
        zip(
            YEARS,
            rates_on(
                [on.replace(month=6) for on in YEARS],
                rate_book_on(["XAU"], [on.replace(month=6) for on in YEARS]),
            ),
            strict=True,
        )
    )
    assert {on.year: units for on, units in on_first_of_june.items() if units} == {
        **dict.fromkeys((2001, 2002), 1),
        **dict.fromkeys((2005, 2006, 2007, 2008), 3),
        **dict.fromkeys(range(2012, 2031), 7),
    }


def test_lasting_rates_are_found_by_their_index(db):
    """Without the index every report would read all rates."""
    statement, days = (
        rates_sql._RATES[connection.vendor],
        span_params([(date(2026, 1, 1), date(2026, 1, 11))]),
    )
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            explain, codes = "EXPLAIN QUERY PLAN", json.dumps(["USD"])
        else:
            cursor.execute("SET LOCAL enable_seqscan = off")  # PostgreSQL would scan a small table
            explain, codes = "EXPLAIN", ["USD"]
        cursor.execute(f"{explain} {statement}", [codes, *days])
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert "rate_that_lasts" in plan
    assert "SCAN assets_exchangerate USING INDEX rate_of_currency" not in plan


# --- files and the demo ---


def test_file_may_have_a_column_lasting(db, tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text(
        "currency,on,units_per_euro,lasting\nXOF,2024-01-01,655.957,true\nUSD,2024-01-01,1.1,false\n"
    )
    for count in (2, 0):
        out = io.StringIO()
        call_command("load_rates", str(path), stdout=out)
        assert f"Added {count} of 2" in out.getvalue()
    rows = ExchangeRate.objects.filter(source="manual").order_by("currency")
    assert list(rows.values_list("currency", "lasting")) == [("USD", False), ("XOF", True)]
    path.write_text("currency,on,units_per_euro,lasting\nXOF,2024-01-01,655.957,yes\n")
    with pytest.raises(Exception, match="line 2: .*lasting is true or false"):
        call_command("load_rates", str(path))


def test_demo_does_not_extend_lasting_rates(db):
    add_rate("USD", date(2026, 10, 30), "1.1", "ecb")
    add_rate("XOF", date(2026, 10, 31), "655.957", "ecb", lasting=True)
    rates.fill_with_demo_rates(date(2026, 11, 3))
    demo = ExchangeRate.objects.filter(source="demo")
    assert set(demo.values_list("currency", flat=True)) == {"USD"}


# --- the euro, and who may add rates ---


def test_euro_rate_is_refused_everywhere(root, rita):
    answer = root.post(
        f"{API}/exchange-rates", {"currency": "EUR", "on": "2026-01-01", "units_per_euro": "1"}
    )
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (400, "currency", "euro")
    page = rita.get(url(ExchangeRate, "add"))
    form = form_data(page) | {"currency": "eur", "on": "2026-01-01", "units_per_euro": "1"}
    assert "has none itself" in errors_of(rita.post(url(ExchangeRate, "add"), form))
    day = parse_day("2026-01-01")
    for write in (lambda: record_rate("EUR", day, 1), lambda: add_rates([RateQuote("EUR", day, 1)], "ecb")):
        with pytest.raises(Invalid, match="has none itself"):
            write()
    assert not ExchangeRate.objects.filter(currency="EUR").exists()


def test_refusal_to_add_a_rate_names_who_may(alice, alices):
    answer = alice.post(
        f"{API}/exchange-rates", {"currency": "USD", "on": "2026-01-01", "units_per_euro": "1"}
    )
    assert answer.status_code == 403
    assert "only superusers add them" in answer.json()["message"]
    assert "load_rates" in answer.json()["message"]
    assert b"only superusers add them" in alices.get(url(ExchangeRate)).content


def test_superuser_sees_no_notice_about_adding_rates(rita):
    assert b"only superusers add them" not in rita.get(url(ExchangeRate)).content


@pytest.mark.parametrize("method", ["delete", "put", "patch"])
def test_refusal_to_change_a_rate_says_how_to_replace_it(method, root):
    rate = add_rate("USD", date(2026, 1, 1), "108")
    answer = getattr(root, method)(f"{API}/exchange-rates/{rate.pk}", {"units_per_euro": "1.08"})
    assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert "a newer one of the same currency and day replaces it" in answer.json()["message"]
