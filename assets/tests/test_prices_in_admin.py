"""Prices in the admin: on an instrument's page and in the list; sources for superusers alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Instrument, InstrumentAction, InstrumentSource, PriceSource
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


# --- one price, the loads, and the sources of an instrument ---


def enter(client, instrument, **typed):
    return client.post(url(Instrument, "price", instrument.pk), typed)


def test_a_price_is_entered_as_it_is_quoted(alice_user, abc, today):
    alice_user.number_format = "1.234,56"
    alices = staff(alice_user)
    assert enter(alices, abc, on=str(today), price="1.234,5").status_code == 302
    page = text_of(alices.get(url(Instrument, "change", abc.pk)))
    assert "Last price: 12,345 GBP" in page and "Last loaded from admin" in page


def test_a_price_of_the_same_day_replaces_the_one_before_it(alices, abc, today):
    record_price(abc, today, 100)
    assert enter(alices, abc, on=str(today), price="110").status_code == 302
    page = text_of(alices.get(url(Instrument, "change", abc.pk)))
    assert "Last price: 1.1 GBP" in page
    assert "Last price loads" in page and ": test, by" in page and ": admin, by alice" in page


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"price": "0"}, "price"),
        ({"price": "-1"}, "price"),
        ({"price": ""}, "price"),
        ({"price": "abc"}, "price"),
        ({"on": "2999-01-01"}, "on"),
        ({"on": ""}, "on"),
        ({"on": "1700-01-01"}, "on"),
    ],
)
def test_a_bad_price_is_refused_beside_its_field(alices, abc, today, typed, field):
    answer = enter(alices, abc, **({"on": str(today), "price": "5"} | typed))
    assert list(answer.context["form"].errors) == [field]
    assert "No price yet." in text_of(alices.get(url(Instrument, "change", abc.pk)))


def test_a_jump_is_asked_about_and_can_be_accepted(alices, abc, today):
    record_price(abc, today - timedelta(days=1), 5)
    assert "accept_jumps" not in alices.get(url(Instrument, "price", abc.pk)).context["form"].fields
    refused = enter(alices, abc, on=str(today), price="5000")
    assert "accept_jumps" in text_of(refused) and list(refused.context["form"].errors) == ["price"]
    assert enter(alices, abc, on=str(today), price="5000", accept_jumps="on").status_code == 302


def test_who_may_only_look_enters_no_price(vera_user, charlie_user, alices, abc, today):
    veras = staff(vera_user)
    assert url(Instrument, "price", abc.pk) not in text_of(veras.get(url(Instrument, "change", abc.pk)))
    assert enter(veras, abc, on=str(today), price="5").status_code == 403
    assert veras.post(url(Instrument, "fetch", abc.pk)).status_code == 403
    assert enter(staff(charlie_user), abc, on=str(today), price="5").status_code == 404
    shared = Instrument.objects.create(symbol="ALL", name="All", currency="EUR")
    assert enter(alices, shared, on=str(today), price="5").status_code == 403


def test_superusers_alone_choose_the_sources_of_an_instrument(alices, rita, abc):
    source = PriceSource.objects.create(name="bar", source_type="coingecko")
    assert "sources-TOTAL_FORMS" not in text_of(alices.get(url(Instrument, "change", abc.pk)))
    row = {"source": str(source.pk), "symbol": "abc-coin", "priority": "2"}
    data = change_form_data(rita, abc) | {f"sources-0-{name}": value for name, value in row.items()}
    answer = save(rita, abc, data | {"sources-TOTAL_FORMS": "1"})
    assert answer.status_code == 302, errors_of(answer)
    link = InstrumentSource.objects.get()
    assert (link.source_id, link.symbol, link.priority) == (source.pk, "abc-coin", 2)
    save(rita, abc, change_form_data(rita, abc) | {"sources-0-symbol": "other"})
    assert InstrumentSource.objects.get().symbol == "other"
    save(rita, abc, change_form_data(rita, abc) | {"sources-0-DELETE": "on"})
    assert not InstrumentSource.objects.exists()


def test_prices_are_fetched_on_request(alices, abc, monkeypatch):
    started = []
    monkeypatch.setattr("assets.admin.instruments.new_price.start_fetching", started.append)
    source = PriceSource.objects.create(name="bar", source_type="coingecko")
    assert "Fetch prices now" not in text_of(alices.get(url(Instrument, "change", abc.pk)))
    InstrumentSource.objects.create(instrument=abc, source=source, symbol="abc")
    assert "Fetch prices now" in text_of(alices.get(url(Instrument, "change", abc.pk)))
    assert alices.post(url(Instrument, "fetch", abc.pk)).status_code == 302
    assert started == [abc.pk]


def test_a_split_is_entered_and_deleted_on_the_page(alices, abc):
    data = change_form_data(alices, abc) | {"actions-TOTAL_FORMS": "1"}
    row = {"type": "split", "on": "2024-06-10", "numerator": "4", "denominator": "1"}
    data |= {f"actions-0-{name}": value for name, value in row.items()}
    assert save(alices, abc, data).status_code == 302
    assert InstrumentAction.objects.get().numerator == 4
    save(alices, abc, change_form_data(alices, abc) | {"actions-0-DELETE": "on"})
    assert not InstrumentAction.objects.exists()
