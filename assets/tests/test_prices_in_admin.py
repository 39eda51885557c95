"""Prices in the admin: on an instrument's page and in the list; sources for superusers alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Instrument, PriceSource
from strata.accounts.models import User
from tests.admin_forms import change_form_data, errors_of, save, staff, url
from tests.factories import record_price


@pytest.fixture
def alices(alice_user):
    return staff(alice_user)


@pytest.fixture
def rita(db):
    return staff(User.objects.create(username="rita", is_superuser=True))


@pytest.fixture
def today():
    return timezone.now().date()


@pytest.fixture
def abc(household):
    return Instrument.objects.create(
        household=household, symbol="ABC", name="Abc", currency="GBP", quote_unit="1/100"
    )


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_an_instruments_page_shows_its_prices_the_newest_first(alices, abc, today):
    for number in range(30):
        record_price(abc, today - timedelta(days=number), 1000 + number)
    page = text_of(alices.get(url(Instrument, "change", abc.pk)))
    assert "Last price: 10 GBP on" in page
    assert "1 is 1/100 GBP" in page and "Last loaded from test" in page
    assert "out of date" not in page
    assert page.count("<td>test</td>") == 25
    older = text_of(alices.get(url(Instrument, "change", abc.pk), {"prices": "2"}))
    assert older.count("<td>test</td>") == 5
    assert ">1,029</td>" in older or ">1029</td>" in older


def test_a_price_that_is_too_old_is_said_to_be(alices, abc, today):
    record_price(abc, today - timedelta(days=11))
    assert "It is out of date" in text_of(alices.get(url(Instrument, "change", abc.pk)))
    assert "(out of date)" in text_of(alices.get(url(Instrument)))


def test_an_instrument_without_prices_says_so(alices, abc):
    assert "No price yet." in text_of(alices.get(url(Instrument, "change", abc.pk)))
    assert "Last price" not in text_of(alices.get(url(Instrument, "add")))


def test_the_list_reads_the_prices_of_all_instruments_at_once(alices, abc, household, today):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            text_of(alices.get(url(Instrument)))
        return len(captured)

    record_price(abc, today)
    few = queries()
    for number in range(5):
        more = Instrument.objects.create(household=household, symbol=f"S{number}", name="x", currency="EUR")
        record_price(more, today)
    assert queries() == few


def test_sources_are_for_superusers_alone(alices, rita):
    source = PriceSource.objects.create(name="bar", source_type="coingecko")
    assert alices.get(url(PriceSource)).status_code == 403
    assert url(PriceSource) not in alices.get("/admin/").content.decode()
    assert "bar" in text_of(rita.get(url(PriceSource)))
    data = change_form_data(rita, source) | {"name": "new name"}
    assert save(rita, source, data).status_code == 302
    assert PriceSource.objects.get().name == "new name"
    refused = save(rita, source, change_form_data(rita, source) | {"source_type": "json"})
    assert "{symbol}" in errors_of(refused)
    assert PriceSource.objects.get().source_type == "coingecko"
