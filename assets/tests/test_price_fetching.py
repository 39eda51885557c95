"""Sources of prices: set up by superusers, asked in turn or on request, and left alone when they fail."""

from __future__ import annotations

import io
import json
import sys
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.models import Instrument, InstrumentSource, PriceFetch, PriceLoad, PriceSource, PriceSourceHealth
from assets.prices import fetch_process
from assets.prices.store import forget_packs, recorded_prices
from assets.services.instruments import price_fetching
from assets.tests.feed_server import feed_server
from conftest import client_of
from strata import processes
from strata.accounts.models import User
from strata.fields.dates import instant_text

SOURCES = "/api/v1/price-sources"
BARS = [{"date": "2024-01-02", "close": 12.5}, {"date": "2024-01-03", "close": 13}]


@pytest.fixture
def abc(household):
    return Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")


@pytest.fixture
def feed(settings, monkeypatch):
    with feed_server() as running:
        settings.PRICE_PRIVATE_HOSTS = [f"127.0.0.1:{running.port}"]
        monkeypatch.setattr("assets.prices.providers.http.time.sleep", lambda seconds: None)
        yield running


def source(feed, name="bar", path="/{symbol}.json", **fields) -> PriceSource:
    return PriceSource.objects.create(name=name, source_type="json", url=feed.url(path), **fields)


def link(instrument, of, symbol="ABC", priority=1) -> InstrumentSource:
    return InstrumentSource.objects.create(instrument=instrument, source=of, symbol=symbol, priority=priority)


def give(feed, path, bars=BARS, **more):
    feed.give(path, json.dumps(bars).encode(), **more)


def load(*options: str) -> tuple[list[str], bool]:
    """What the command says, and whether it failed."""
    out = io.StringIO()
    try:
        call_command("load_prices", *options, stdout=out)
    except CommandError as error:
        assert error.returncode == 1
        return out.getvalue().splitlines(), True
    return out.getvalue().splitlines(), False


def prices(instrument) -> list[tuple]:
    return [(price.number, price.scale) for price in recorded_prices(instrument.pk, None, None)]


# --- load_prices ---


def test_a_source_is_asked_for_its_instruments(feed, abc):
    link(abc, source(feed, path="/{symbol}.json?from={start}", split_adjusted=True))
    give(feed, "/ABC.json")
    assert load("--provider", "Bar") == (["ABC: 2 created, 0 replaced, 0 skipped, 0 refused"], False)
    price_load = PriceLoad.objects.get()
    assert (price_load.source, price_load.adjusted_to is not None) == ("bar", True)
    assert feed.asked == ["/ABC.json?from=1970-01-01"]
    assert load("--all") == (["ABC: 0 created, 0 replaced, 2 skipped, 0 refused"], False)
    assert feed.asked[1] == "/ABC.json?from=2024-01-01"


def test_a_source_is_not_asked_for_all_days_again_after_derived_data_was_deleted(feed, abc):
    link(abc, source(feed, path="/{symbol}.json?from={start}"))
    give(feed, "/ABC.json")
    load("--all")
    forget_packs([abc.pk])
    load("--all")
    assert feed.asked == ["/ABC.json?from=1970-01-01", "/ABC.json?from=2024-01-01"]


def test_bad_rows_of_a_source_are_refused_and_the_others_are_loaded(feed, abc):
    link(abc, source(feed))
    bars = [
        *BARS,
        {"date": "2024-01-04", "close": 0},
        {"date": "2024-01-05"},
        {"date": "2024-01-03", "close": 1},
    ]
    give(feed, "/ABC.json", bars)
    assert load("--all") == (["ABC: 2 created, 0 replaced, 0 skipped, 3 refused"], False)
    assert prices(abc) == [(125, 1), (130, 1)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"body": b""}, "not JSON"),
        ({"body": b"[]"}, "no prices"),
        ({"body": b'{"error": 1}'}, "no rows at the top"),
        ({"body": b'[{"date": "2024-01-02", "close": 0}]'}, "A price is greater than zero."),
        ({"status": 429}, "HTTP 429"),
        ({"status": 503}, "HTTP 503"),
        ({"status": 404}, "HTTP 404"),
        ({"status": 302, "Location": "http://10.0.0.1/"}, "refused address"),
    ],
)
def test_what_a_source_cannot_give_is_said_and_nothing_is_written(feed, abc, answer, reason):
    link(abc, source(feed))
    feed.give("/ABC.json", **answer)
    assert load("--all") == ([f"ABC: failed: {reason}"], True)
    assert not PriceLoad.objects.exists()


def test_a_private_address_is_refused_unless_it_is_allowed(feed, abc, settings):
    settings.PRICE_PRIVATE_HOSTS = []
    link(abc, source(feed))
    assert load("--all") == (["ABC: failed: refused address"], True)
    assert feed.asked == []


def test_the_next_source_is_asked_where_the_first_has_failed(feed, abc):
    link(abc, source(feed, "first", "/first"), priority=1)
    link(abc, source(feed, "second", "/second"), priority=2)
    link(abc, source(feed, "off", "/off", enabled=False), priority=0)
    feed.give("/first", status=500)
    give(feed, "/second")
    assert load("--all") == (["ABC: 2 created, 0 replaced, 0 skipped, 0 refused"], False)
    assert PriceLoad.objects.get().source == "second"
    assert "/off" not in feed.asked


def test_a_source_that_fails_five_times_in_a_row_is_left_alone_for_ten_minutes(feed, abc, time_machine):
    bar = source(feed)
    link(abc, bar)
    feed.give("/ABC.json", status=403)
    for _ in range(5):
        assert load("--all") == (["ABC: failed: HTTP 403"], True)
    assert load("--all") == (["ABC: failed: circuit open"], True)
    assert len(feed.asked) == 5
    time_machine.move_to(timezone.now() + timedelta(minutes=11))
    feed.answers.clear()
    give(feed, "/ABC.json")
    assert load("--all") == (["ABC: 2 created, 0 replaced, 0 skipped, 0 refused"], False)
    assert PriceSourceHealth.objects.get(source=bar).failures == 0


def test_one_success_ends_a_row_of_failures(feed, abc):
    bar = source(feed)
    link(abc, bar)
    for _ in range(4):
        feed.give("/ABC.json", status=403)
    give(feed, "/ABC.json")
    for _ in range(5):
        load("--all")
    assert PriceSourceHealth.objects.get(source=bar).failures == 0


@pytest.mark.parametrize(
    "answer", [{"status": 404}, {"status": 410}, {"body": b"[]"}, {"body": b'{"error": "unknown symbol"}'}]
)
def test_symbols_that_a_source_does_not_know_do_not_close_it(feed, household, answer):
    bar = source(feed)
    for number in range(6):
        symbol = f"A{number}"
        unknown = Instrument.objects.create(household=household, symbol=symbol, name=symbol, currency="EUR")
        link(unknown, bar, symbol=symbol)
        feed.give(f"/{symbol}.json", **answer)
    known = Instrument.objects.create(household=household, symbol="XYZ", name="Xyz", currency="EUR")
    link(known, bar, symbol="XYZ")
    give(feed, "/XYZ.json")
    lines, _ = load("--all")
    assert lines[-1] == "XYZ: 2 created, 0 replaced, 0 skipped, 0 refused"
    assert len(feed.asked) == 7


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400},
        {"status": 422},
        {"status": 401},
        {"body": b"<html>down for maintenance</html>"},
        {"body": b"x" * 2000},
    ],
)
def test_answers_that_say_nothing_about_the_symbol_close_a_source(feed, abc, settings, answer):
    settings.PRICE_MAX_BYTES = 1000
    link(abc, source(feed))
    feed.give("/ABC.json", **answer)
    for _ in range(5):
        load("--all")
    assert load("--all") == (["ABC: failed: circuit open"], True)
    assert len(feed.asked) == 5


@pytest.mark.parametrize("body", [b"\xff\xfe", b"<html>down for maintenance</html>"])
def test_an_answer_that_is_no_csv_closes_a_source(feed, abc, body):
    PriceSource.objects.create(name="bar", source_type="csv", url=feed.url("/{symbol}.csv"))
    link(abc, PriceSource.objects.get())
    feed.give("/ABC.csv", body)
    for _ in range(5):
        load("--all")
    assert load("--all") == (["ABC: failed: circuit open"], True)


def test_a_csv_without_rows_does_not_close_a_source(feed, abc):
    PriceSource.objects.create(name="bar", source_type="csv", url=feed.url("/{symbol}.csv"))
    link(abc, PriceSource.objects.get())
    feed.give("/ABC.csv", b"date,close\n")
    for _ in range(6):
        assert load("--all") == (["ABC: failed: no prices"], True)


def test_an_error_that_nobody_has_foreseen_fails_its_instrument_alone(
    feed, abc, household, monkeypatch, caplog
):
    bar = source(feed)
    other = Instrument.objects.create(household=household, symbol="XYZ", name="Xyz", currency="EUR")
    for instrument in (abc, other):
        link(instrument, bar, symbol=instrument.symbol)
        give(feed, f"/{instrument.symbol}.json")
    record = price_fetching.record_prices

    def broken_for_abc(prices, *args, **options):
        if abc.pk in prices:
            raise ZeroDivisionError
        return record(prices, *args, **options)

    monkeypatch.setattr(price_fetching, "record_prices", broken_for_abc)
    assert load("--all") == (
        [
            "ABC: failed: unexpected error: ZeroDivisionError",
            "XYZ: 2 created, 0 replaced, 0 skipped, 0 refused",
        ],
        True,
    )
    assert abc.fetch.outcome == "failed: unexpected error: ZeroDivisionError"
    assert str(abc.pk) in {getattr(entry, "instrument_id", None) for entry in caplog.records}


def test_no_transaction_is_open_while_a_source_is_asked(feed, abc, monkeypatch):
    """Otherwise all writers would wait for a slow source on SQLite."""
    link(abc, source(feed))
    give(feed, "/ABC.json")
    blocks = len(connection.atomic_blocks)
    ask, seen = price_fetching.ask, []
    monkeypatch.setattr(
        price_fetching, "ask", lambda *args: seen.append(len(connection.atomic_blocks)) or ask(*args)
    )
    load("--all")
    assert seen == [blocks]


def test_a_dry_run_asks_and_writes_nothing(feed, abc):
    link(abc, source(feed))
    give(feed, "/ABC.json")
    assert load("--all", "--dry-run") == (["ABC: 2 created, 0 replaced, 0 skipped, 0 refused"], False)
    assert not PriceLoad.objects.exists() and not PriceFetch.objects.exists()


@pytest.mark.parametrize(
    "options",
    [("--provider", "none"), ("--instrument", "x"), ("--instrument", "0" * 8 + "-0000" * 3 + "-" + "0" * 12)],
)
def test_what_is_not_there_is_refused(db, options):
    assert load(*options) == ([], True)


def test_requested_instruments_are_fetched_by_the_next_run(feed, abc, household):
    other = Instrument.objects.create(household=household, symbol="XYZ", name="x", currency="EUR")
    for instrument in (abc, other):
        link(instrument, PriceSource.objects.first() or source(feed), symbol=instrument.symbol)
        give(feed, f"/{instrument.symbol}.json")
    PriceFetch.objects.create(instrument=other, requested_at=timezone.now())
    said, _ = load("--instrument", str(abc.pk))
    assert said == [
        "ABC: 2 created, 0 replaced, 0 skipped, 0 refused",
        "XYZ: 2 created, 0 replaced, 0 skipped, 0 refused",
    ]
    assert PriceFetch.objects.get(instrument=other).finished_at


# --- sources in the API ---


@pytest.fixture
def rita(db):
    return client_of(User.objects.create(username="rita", is_superuser=True))


BODY = {
    "name": "bar",
    "source_type": "json",
    "url": "http://host/{symbol}.json?from={start}",
    "rows_path": "data.prices",
    "date_field": "date",
    "price_field": "close",
    "unit": "1",
    "split_adjusted": False,
    "enabled": True,
}


def test_a_superuser_sets_up_a_source(rita):
    created = rita.post(SOURCES, BODY)
    assert created.status_code == 201, created.content
    assert created.json() == BODY | {"id": created.json()["id"], "delimiter": ",", "decimal": "."}
    path = f"{SOURCES}/{created.json()['id']}"
    assert rita.patch(path, {"enabled": False}).json()["enabled"] is False
    assert rita.post(SOURCES, BODY | {"name": "BAR"}).json()["code"] == "DUPLICATE_NAME"
    assert [entry["action"] for entry in rita.get(f"{path}/history").json()["results"]] == [
        "update",
        "create",
    ]
    assert rita.delete(path).status_code == 204


def test_a_source_is_sent_back_as_it_was_read(rita):
    path = f"{SOURCES}/{rita.post(SOURCES, BODY).json()['id']}"
    read = rita.get(path)
    written = rita.put(path, read.json())
    assert (written.status_code, written.json(), written["ETag"]) == (200, read.json(), read["ETag"])
    assert rita.patch(path, {"enabled": False}, headers={"If-Match": read["ETag"]}).status_code == 200
    assert rita.patch(path, {"enabled": True}, headers={"If-Match": read["ETag"]}).status_code == 412
    assert rita.delete(path, headers={"If-Match": read["ETag"]}).status_code == 412


def test_a_list_of_sources_takes_one_query(rita):
    for number in range(3):
        rita.post(SOURCES, BODY | {"name": f"s{number}"})
    with CaptureQueriesContext(connection) as queries:
        assert rita.get(SOURCES).json()["count"] == 3
    assert len(queries) == 1


def test_nobody_else_sees_a_source(alice, rita):
    path = f"{SOURCES}/{rita.post(SOURCES, BODY).json()['id']}"
    assert alice.get(SOURCES).json()["results"] == []
    assert alice.post(SOURCES, BODY).status_code == 403
    answers = [alice.get(path), alice.get(f"{path}/history"), alice.patch(path, {}), alice.delete(path)]
    assert {answer.status_code for answer in answers} == {404}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("url", "ftp://host/{symbol}", "BAD_ADDRESS"),
        ("url", "http://{symbol}.host/", "BAD_ADDRESS"),
        ("url", "http://host/", "BAD_ADDRESS"),
        ("url", "http://host/{symbol}?{day}", "BAD_ADDRESS"),
        ("url", "", "BAD_ADDRESS"),
        ("rows_path", "a..b", "BAD_PATH"),
        ("delimiter", "x", "invalid_choice"),
        ("decimal", ";", "invalid_choice"),
        ("unit", "0.01", "BAD_QUOTE_UNIT"),
        ("source_type", "xml", "invalid_choice"),
    ],
)
def test_a_bad_source_is_refused_by_field(rita, field, value, code):
    refused = rita.post(SOURCES, BODY | {field: value})
    assert refused.status_code == 400, refused.content
    assert [(error["field"], error["code"]) for error in refused.json()["errors"]] == [(field, code)]
    assert not PriceSource.objects.exists()


def test_the_sources_of_an_instrument_are_replaced_as_a_whole(bob, vera, charlie, abc, feed):
    source(feed, "one"), source(feed, "two")
    path = f"/api/v1/instruments/{abc.pk}/sources"
    rows = [{"source": "two", "symbol": "B", "priority": 2}, {"source": "ONE", "symbol": "A"}]
    put = bob.put(path, rows)
    assert put.status_code == 200, put.content
    assert put.json() == [
        {"source": "one", "symbol": "A", "priority": 1},
        {"source": "two", "symbol": "B", "priority": 2},
    ]
    assert vera.get(path).json() == put.json()
    assert bob.put(path, rows, headers={"If-Match": '"old"'}).status_code == 412
    assert bob.put(path, rows[:1], headers={"If-Match": put["ETag"]}).json() == put.json()[1:]
    assert bob.put(path, []).json() == []
    assert (vera.put(path, []).status_code, charlie.put(path, []).status_code) == (403, 404)


@pytest.mark.parametrize(
    ("rows", "status", "field", "code"),
    [
        ([{"source": "none", "symbol": "A"}], 404, "[0].source", "not_found"),
        (
            [{"source": "one", "symbol": "A"}, {"source": "One", "symbol": "B"}],
            400,
            "[1].source",
            "DUPLICATE_ROW",
        ),
        ([{"source": "one", "symbol": ""}], 400, "[0].symbol", "blank"),
    ],
)
def test_a_bad_list_of_sources_is_refused(bob, abc, feed, rows, status, field, code):
    source(feed, "one")
    refused = bob.put(f"/api/v1/instruments/{abc.pk}/sources", rows)
    assert refused.status_code == status, refused.content
    assert [(error["field"], error["code"]) for error in refused.json()["errors"]] == [(field, code)]


# --- on request ---


def test_a_fetch_on_request_starts_a_process_and_the_instrument_shows_it(
    bob, vera, abc, feed, monkeypatch, django_capture_on_commit_callbacks
):
    started = []

    class Process:
        def __init__(self, arguments, **options):
            started.append(arguments)

        def wait(self):
            pass

    monkeypatch.setattr(processes.subprocess, "Popen", Process)
    path = f"/api/v1/instruments/{abc.pk}/fetch"
    assert bob.post(path).json()["code"] == "NO_PRICE_SOURCE"
    link(abc, source(feed))
    with django_capture_on_commit_callbacks(execute=True):
        answer = bob.post(path)
    assert answer.status_code == 202, answer.content
    noted = PriceFetch.objects.get()
    state = {"requested_at": instant_text(noted.requested_at), "finished_at": None, "outcome": None}
    assert answer.json() == state
    assert vera.get(f"/api/v1/instruments/{abc.pk}").json()["fetch"] == state
    assert [arguments[0] for arguments in started] == [sys.executable]
    assert started[0][2:] == ["load_prices", "--instrument", str(abc.pk)]
    assert vera.post(path).status_code == 403
    give(feed, "/ABC.json")
    load("--instrument", str(abc.pk))
    shown = vera.get(f"/api/v1/instruments/{abc.pk}").json()["fetch"]
    assert (shown["outcome"], bool(shown["finished_at"])) == (
        "2 created, 0 replaced, 0 skipped, 0 refused",
        True,
    )


def test_at_most_two_processes_run_at_a_time(abc, monkeypatch):
    monkeypatch.setattr(processes.subprocess, "Popen", lambda *args, **options: pytest.fail("a third one"))
    with fetch_process.slot() as first, fetch_process.slot() as second:
        assert (first, second) == (True, True)
        fetch_process.start(abc.pk)
        assert load("--instrument", str(abc.pk)) == ([], False)
