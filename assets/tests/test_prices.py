"""Prices of instruments in the API: recorded, replaced by newer ones, refused by row, and read as they were known."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import date, timedelta
from fractions import Fraction

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets import prices
from assets.models import Instrument, PackedPrices, PriceBlock, PriceLoad
from assets.prices import hooks, store
from assets.prices.conversion import Split
from conftest import client_of
from portfolios.models import Household
from strata.accounts.models import User
from strata.audit.models import JournalEntry
from strata.audit.point_in_time import as_known_at

BATCH = "/api/v1/prices:batch"


def instrument(household, symbol="ABC", **fields) -> Instrument:
    return Instrument.objects.create(
        household=household, **{"symbol": symbol, "name": symbol, "currency": "EUR"} | fields
    )


@pytest.fixture
def abc(household):
    return instrument(household)


def path(of: Instrument) -> str:
    return f"/api/v1/instruments/{of.pk}/prices"


def row(of, on, price) -> dict:
    return {"instrument_id": str(getattr(of, "pk", of)), "on": on, "price": price}


def send(client, rows, *, status=200, query="", **options) -> dict:
    answer = client.post(f"{BATCH}{query}", {"rows": rows, **options})
    assert answer.status_code == status, answer.content
    return answer.json()


def send_csv(client, text, *, status=200, query="") -> dict:
    answer = client.generic("POST", f"{BATCH}{query}", text.encode(), "text/csv")
    assert answer.status_code == status, answer.content
    return answer.json()


def refused(answer) -> list[tuple]:
    assert answer["refused_count"] == len(answer["refused"])
    return [(entry["row"], entry["field"], entry["code"]) for entry in answer["refused"]]


def shown(client, of, **query) -> dict:
    """The prices by day."""
    return {entry["on"]: entry["price"] for entry in client.get(path(of), query).json()["results"]}


def read(of, start="2024-01-01", end="2024-12-31") -> dict:
    series = prices.read([of.pk], date.fromisoformat(start), date.fromisoformat(end)).get(of.pk)
    if series is None:
        return {}
    return {
        on.isoformat(): Fraction(amount, series.denominator)
        for on, amount in zip(series.days, series.amounts, strict=True)
    }


@pytest.fixture
def split(monkeypatch, abc):
    """A split of ABC, 4 for 1 on 31 August 2020."""
    splits = {abc.pk: [Split(date(2020, 8, 31).toordinal(), 4, 1)]}
    for module in ("services.instruments.prices", "prices.reading", "api.instruments.prices"):
        monkeypatch.setattr(f"assets.{module}.splits_of", lambda ids: splits)


# --- one price ---


def test_a_price_is_recorded(alice, abc):
    created = alice.post(path(abc), {"on": "2024-01-02", "price": "12.340"})
    assert created.status_code == 201, created.content
    load = PriceLoad.objects.get()
    assert created.json() == {"on": "2024-01-02", "price": "12.34", "load_id": str(load.pk)}
    assert (load.household, load.source, load.split_adjusted) == (abc.household, "api", False)
    assert alice.get(path(abc)).json()["results"] == [
        {
            "on": "2024-01-02",
            "price": "12.34",
            "quoted": "12.34",
            "load_id": str(load.pk),
            "withdrawn_at": None,
        }
    ]


def test_the_same_price_again_writes_nothing(alice, abc):
    alice.post(path(abc), {"on": "2024-01-02", "price": "12.34"})
    again = alice.post(path(abc), {"on": "2024-01-02", "price": "12.34"})
    assert (again.status_code, again.json()["load_id"], PriceLoad.objects.count()) == (200, None, 1)


def test_a_newer_price_replaces_the_older_one_which_stays(alice, abc):
    alice.post(path(abc), {"on": "2024-01-02", "price": "12.34"})
    before = timezone.now().isoformat()
    alice.post(path(abc), {"on": "2024-01-02", "price": "13"})
    assert shown(alice, abc) == {"2024-01-02": "13"}
    assert shown(alice, abc, known_at=before) == {"2024-01-02": "12.34"}


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({"price": None}, "price", "PRICE_MISSING"),
        ({"price": ""}, "price", "PRICE_MISSING"),
        ({"price": "0"}, "price", "PRICE_NOT_POSITIVE"),
        ({"price": "-1.5"}, "price", "PRICE_NOT_POSITIVE"),
        ({"price": -1}, "price", "PRICE_NOT_POSITIVE"),
        ({"price": "1e5"}, "price", "PRICE_NOT_A_NUMBER"),
        ({"price": "0.0000000000000000001"}, "price", "PRICE_NOT_A_NUMBER"),
        ({"price": True}, "price", "PRICE_NOT_A_NUMBER"),
        ({"price": "1234"}, "price", "PRICE_JUMP"),
        ({"on": "2024-02-30"}, "on", "DAY_NOT_A_DAY"),
        ({"on": None}, "on", "DAY_NOT_A_DAY"),
        ({"on": "2100-01-01"}, "on", "PRICE_IN_FUTURE"),
        ({"source": "x" * 101}, "source", "max_length"),
        ({"adjusted_to": "2024-01-01"}, "adjusted_to", "invalid"),
        ({"colour": "red"}, "colour", "unknown"),
    ],
)
def test_a_bad_price_is_refused_by_field(alice, abc, body, field, code):
    alice.post(path(abc), {"on": "2024-01-01", "price": "12"})
    answer = alice.post(path(abc), {"on": "2024-01-02", "price": "12.34"} | body)
    assert answer.status_code == 400, answer.content
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]
    assert PriceLoad.objects.count() == 1


def test_a_price_of_18_places_and_one_of_20_digits_are_kept(alice, abc):
    small, large = "0.000000000000000001", "99999999999999999999.999999999999999999"
    rows = [row(abc, "2024-01-02", small), row(abc, "2024-01-03", large)]
    assert send(alice, rows, accept_jumps=True)["created"] == 2
    assert shown(alice, abc) == {"2024-01-02": small, "2024-01-03": large}
    assert read(abc) == {"2024-01-02": Fraction(small), "2024-01-03": Fraction(large)}


# --- many prices ---


def test_good_rows_are_written_and_bad_ones_are_named(alice, abc, household):
    other = instrument(household, "OTHER")
    answer = send(
        alice,
        [
            row(abc, "2024-01-02", "12.34"),
            row(abc, "2024-01-03", "0"),
            row(abc, "2024-01-02", "12.35"),
            row(abc, "2024-01-04", "1300"),
            row("00000000-0000-7000-8000-00000000dead", "2024-01-02", "1"),
            row("nothing", "2024-01-02", "1"),
            row(other, "2024-13-01", None),
            row(other, "2024-01-02", "5") | {"colour": "red"},
            {"instrument_id": str(other.pk), "price": "5"},
            "row",
            row(other, "2024-01-02", 5),
        ],
    )
    assert refused(answer) == [
        (1, "price", "PRICE_NOT_POSITIVE"),
        (2, "on", "DUPLICATE_ROW"),
        (3, "price", "PRICE_JUMP"),
        (4, "instrument_id", "INSTRUMENT_NOT_FOUND"),
        (5, "instrument_id", "invalid"),
        (6, "on", "DAY_NOT_A_DAY"),
        (7, "colour", "unknown"),
        (8, "on", "DAY_NOT_A_DAY"),
        (9, None, "invalid"),
    ]
    assert (answer["created"], answer["replaced"], answer["skipped"]) == (2, 0, 0)
    load = PriceLoad.objects.get()
    assert answer["load_id"] == str(load.pk)
    assert (shown(alice, abc), shown(alice, other)) == ({"2024-01-02": "12.34"}, {"2024-01-02": "5"})
    assert JournalEntry.objects.filter(model="assets.PriceLoad").count() == 1


def test_replaced_and_same_prices_are_counted(alice, abc):
    send(alice, [row(abc, "2024-01-02", "1"), row(abc, "2024-01-03", "2")])
    answer = send(
        alice, [row(abc, "2024-01-02", "1.00"), row(abc, "2024-01-03", "3"), row(abc, "2024-01-04", "4")]
    )
    assert (answer["created"], answer["replaced"], answer["skipped"]) == (1, 1, 1)
    same = send(alice, [row(abc, "2024-01-02", "1")])
    assert (same["load_id"], same["skipped"]) == (None, 1)


def test_refuse_names_every_bad_row_and_writes_nothing(alice, abc):
    rows = [row(abc, "2024-01-02", "1"), row(abc, "2024-01-03", "0"), row(abc, "x", "1")]
    answer = send(alice, rows, status=400, on_error="refuse")
    assert [(error["field"], error["code"]) for error in answer["errors"]] == [
        ("rows[1].price", "PRICE_NOT_POSITIVE"),
        ("rows[2].on", "DAY_NOT_A_DAY"),
    ]
    missing = send(
        alice,
        [row("00000000-0000-7000-8000-00000000dead", "2024-01-02", "1")],
        status=404,
        on_error="refuse",
    )
    assert (missing["code"], missing["errors"][0]["field"]) == (
        "INSTRUMENT_NOT_FOUND",
        "rows[0].instrument_id",
    )
    assert not PriceLoad.objects.exists()


def test_no_good_row_is_400_with_all_refusals(alice, abc):
    answer = send(alice, [row(abc, "2024-01-02", "0")], status=400)
    assert (answer["code"], refused(answer)) == ("ALL_ROWS_REFUSED", [(0, "price", "PRICE_NOT_POSITIVE")])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "VALIDATION_ERROR"),
        ({"rows": []}, "VALIDATION_ERROR"),
        ({"rows": {}}, "VALIDATION_ERROR"),
        ({"rows": [1], "color": 1}, "VALIDATION_ERROR"),
        ({"rows": [1] * 100_001}, "TOO_MANY_ROWS"),
    ],
)
def test_a_bad_body_is_refused(alice, body, code):
    answer = alice.post(BATCH, body)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_table_with_only_a_header_has_no_rows(alice):
    answer = send_csv(alice, "instrument,on,price\n", status=400)
    assert [error["field"] for error in answer["errors"]] == ["rows"]


def test_a_dry_run_writes_nothing(alice, abc):
    answer = send(alice, [row(abc, "2024-01-02", "1")], query="?dry_run=1")
    assert (answer["created"], answer["load_id"], PriceLoad.objects.exists()) == (1, None, False)


def test_an_idempotency_key_writes_once(alice, abc):
    body, headers = {"rows": [row(abc, "2024-01-02", "1")]}, {"Idempotency-Key": "a"}
    first, second = (alice.post(BATCH, body, headers=headers) for _ in range(2))
    assert first.json()["created"] == 1
    assert first.json() == second.json()
    assert PriceLoad.objects.count() == 1
    assert alice.post(BATCH, body, headers={"If-Match": "x"}).json()["code"] == "IF_MATCH_NOT_SUPPORTED"


def test_the_number_of_queries_does_not_grow_with_the_rows(alice, household):
    def queries(count: int, symbol: str) -> int:
        of = [instrument(household, f"{symbol}{number}") for number in range(count)]
        rows = [row(each, f"202{year}-01-02", "5") for each in of for year in range(4)]
        with CaptureQueriesContext(connection) as captured:
            send(alice, rows)
        return len(captured)

    assert queries(1, "A") == queries(9, "B")


# --- as CSV ---


def test_a_csv_names_instruments_by_id_isin_or_symbol(alice, household):
    abc = instrument(household, "ONE", isin="IE00BK5BQT80")
    text = f"instrument,on,price\n{abc.pk},2024-01-02,1\nie00bk5bqt80,2024-01-03,2\none,2024-01-04,3\n"
    assert send_csv(alice, text)["created"] == 3
    assert shown(alice, abc) == {"2024-01-04": "3", "2024-01-03": "2", "2024-01-02": "1"}


def test_rows_of_a_csv_are_counted_from_the_line_after_the_header(alice, household):
    for _ in range(2):
        instrument(household, "TWICE")
    instrument(household, "ONE")
    text = "instrument,on,price\nONE,2024-01-02,1\nTWICE,2024-01-02,1\nNONE,2024-01-02,1\nONE,2024-01-03\n"
    text += "ONE,2024-01-04,-1\n"
    answer = send_csv(alice, text, query="?source=broker")
    assert refused(answer) == [
        (1, "instrument", "AMBIGUOUS_NAME"),
        (2, "instrument", "INSTRUMENT_NOT_FOUND"),
        (3, None, "COLUMNS"),
        (4, "price", "PRICE_NOT_POSITIVE"),
    ]
    assert PriceLoad.objects.get().source == "broker"
    assert send_csv(alice, text, status=400, query="?on_error=refuse")["errors"][0]["field"].startswith(
        "rows[1]"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "This field is required."),
        ("a,b,c\n1,2,3\n", "The first line must be instrument,on,price."),
        ('instrument,on,price\n"x', "It is not a CSV: unexpected end of data."),
        ("instrument,on,price\n", "Send a list with at least one row."),
    ],
)
def test_a_bad_csv_is_refused(alice, text, message):
    assert send_csv(alice, text, status=400)["message"] == message
    assert not PriceLoad.objects.exists()


def test_options_of_a_csv_are_in_the_query_and_those_of_json_in_the_body(alice, abc):
    answer = send(alice, [row(abc, "2024-01-02", "1")], status=400, query="?source=x")
    assert answer["errors"][0]["field"] == "source"
    text = "instrument,on,price\nABC,2024-01-02,1\n"
    assert (
        send_csv(alice, text, status=400, query="?adjusted_to=yesterday")["errors"][0]["field"]
        == "adjusted_to"
    )


# --- who ---


def test_each_member_may_do_what_the_role_allows(bob, vera, charlie, abc):
    rows = [row(abc, "2024-01-02", "1")]
    assert refused(send(vera, rows, status=400)) == [(0, "instrument_id", "FORBIDDEN")]
    assert refused(send(charlie, rows, status=400)) == [(0, "instrument_id", "INSTRUMENT_NOT_FOUND")]
    assert vera.post(path(abc), {"on": "2024-01-02", "price": "1"}).status_code == 403
    assert charlie.post(path(abc), {"on": "2024-01-02", "price": "1"}).status_code == 404
    assert charlie.get(path(abc)).status_code == 404
    assert send(bob, rows)["created"] == 1


def test_shared_instruments_are_priced_by_superusers_alone(alice, abc):
    shared = instrument(None, "SHARED")
    rows = [row(shared, "2024-01-02", "1"), row(abc, "2024-01-02", "1")]
    assert refused(send(alice, rows)) == [(0, "instrument_id", "FORBIDDEN")]
    rita = client_of(User.objects.create(username="rita", is_superuser=True))
    assert send(rita, rows[:1])["created"] == 1
    assert PriceLoad.objects.filter(household=None).count() == 1
    assert shown(alice, shared) == {"2024-01-02": "1"}


def test_each_household_has_a_load_of_its_own(alice, alice_user, abc):
    second = Household.objects.create(name="Second")
    second.memberships.create(user=alice_user, role="owner", accepted_at=second.created_at)
    other = instrument(second, "OTHER")
    answer = send(alice, [row(abc, "2024-01-02", "1"), row(other, "2024-01-02", "2")])
    assert answer["load_id"] == str(PriceLoad.objects.get(household=abc.household).pk)
    assert PriceLoad.objects.filter(household=second).exists()
    second.delete()
    assert set(PriceBlock.objects.values_list("instrument_id", flat=True)) == {abc.pk}
    assert set(PackedPrices.objects.values_list("instrument_id", flat=True)) == {abc.pk}


# --- reading ---


def test_the_list_is_narrowed_by_days_paged_and_a_csv(alice, abc):
    days = [date(2023, 12, 30) + timedelta(days=number) for number in range(501)]
    send(alice, [row(abc, str(on), str(number + 100)) for number, on in enumerate(days)])
    page = alice.get(path(abc), {"page_size": 2, "start": "2023-12-31", "end": "2024-01-05"}).json()
    assert (page["count"], [entry["price"] for entry in page["results"]]) == (6, ["106", "105"])
    assert page["next"]
    table = b"".join(alice.get(path(abc), {"format": "csv"})).decode().splitlines()
    assert (table[0], len(table)) == ('"on","price","quoted","load_id","withdrawn_at"', 502)
    assert table[-1].startswith('"2023-12-30","100","100",')


def test_split_adjusted_prices_are_shown_in_shares_of_their_day(alice, abc, split):
    body = {"split_adjusted": True, "source": "feed"}
    send(alice, [row(abc, "2020-08-28", "125.01"), row(abc, "2020-08-31", "129.04")], **body)
    entries = {entry["on"]: entry for entry in alice.get(path(abc)).json()["results"]}
    assert (entries["2020-08-28"]["price"], entries["2020-08-28"]["quoted"]) == ("500.04", "125.01")
    assert (entries["2020-08-31"]["price"], entries["2020-08-31"]["quoted"]) == ("129.04", "129.04")
    assert read(abc, "2020-08-01", "2020-08-31") == {
        "2020-08-28": Fraction("500.04"),
        "2020-08-31": Fraction("129.04"),
    }
    same = send(alice, [row(abc, "2020-08-28", "500.04")])
    assert (same["skipped"], same["created"]) == (1, 0)


def test_prices_that_are_adjusted_to_a_day_before_the_split_stay(alice, abc, split):
    send(alice, [row(abc, "2020-08-28", "500")], split_adjusted=True, adjusted_to="2020-08-30")
    assert shown(alice, abc) == {"2020-08-28": "500"}


def test_a_series_is_read_from_the_packs_alone(alice, household):
    pence = instrument(household, "PENCE", quote_unit="1/100", max_age_days=3)
    send(alice, [row(pence, "2023-12-29", "50"), row(pence, "2024-01-02", "100")])
    send(alice, [row(pence, "2024-01-02", "150"), row(pence, "2024-01-03", "200")])
    now = {"2023-12-29": Fraction(1, 2), "2024-01-02": Fraction(3, 2), "2024-01-03": 2}
    assert read(pence) == now
    PriceBlock.objects.all()._raw_delete("default")
    assert read(pence) == now
    assert prices.read([pence.pk], date(2024, 1, 1), date(2024, 1, 3))[pence.pk].max_age_days == 3


@pytest.mark.parametrize("and_after", [True, False])
def test_packs_of_years_come_with_those_beside_them_of_each_instrument(alice, household, and_after):
    years = {"AAA": [2015, 2018, 2021, 2024], "BBB": [2019, 2022, 2023, 2025], "CCC": [2023], "DDD": [2018]}
    named = {symbol: instrument(household, symbol) for symbol in years}
    for symbol, of_instrument in years.items():
        send(alice, [row(named[symbol], f"{year}-03-04", "9") for year in of_instrument])
    expected = {"AAA": [2018, 2021, 2024], "BBB": [2019, 2022, 2023], "CCC": [2023], "DDD": [2018]}
    if not and_after:
        expected = {"AAA": [2018, 2021], "BBB": [2019, 2022], "DDD": [2018]}
    symbols = {each.pk: symbol for symbol, each in named.items()}
    packs = store.packs_of(list(symbols), 2020, 2022, and_after=and_after)
    read_years = {symbols[pk]: [pack.encoded.year for pack in of_instrument] for pk, of_instrument in packs}
    assert read_years == expected


def test_a_series_is_read_as_it_was_known(alice, alice_user, abc):
    send(alice, [row(abc, "2023-12-29", "50"), row(abc, "2024-01-02", "100")])
    before = timezone.now()
    send(alice, [row(abc, "2024-01-02", "150"), row(abc, "2024-01-03", "200")])
    PackedPrices.objects.all().delete()
    with as_known_at(before, alice_user):
        assert read(abc) == {"2023-12-29": 50, "2024-01-02": 100}


def test_a_deleted_instrument_comes_back_with_its_prices(alice, abc):
    send(alice, [row(abc, "2024-01-02", "1")])
    deleted = alice.delete(f"/api/v1/instruments/{abc.pk}")
    assert alice.get(path(abc)).status_code == 404
    undone = alice.post(f"/api/v1/undo/{deleted['X-Request-Id']}", {})
    assert undone.status_code == 200, undone.content
    assert shown(alice, abc) == {"2024-01-02": "1"}
    assert read(abc) == {"2024-01-02": 1}


def test_a_load_cannot_be_undone(alice, abc):
    recorded = alice.post(BATCH, {"rows": [row(abc, "2024-01-02", "1")]})
    refusal = alice.post(f"/api/v1/undo/{recorded['X-Request-Id']}", {})
    assert (refusal.status_code, refusal.json()["errors"][0]["code"]) == (409, "APPEND_ONLY")


# --- the store ---


def test_the_database_refuses_to_change_a_price(alice, abc):
    send(alice, [row(abc, "2024-01-02", "1")])
    with pytest.raises(TypeError):
        PriceBlock.objects.update(scale=1)
    with pytest.raises(DatabaseError, match="A price cannot be changed"), transaction.atomic():
        connection.cursor().execute("UPDATE assets_priceblock SET scale = 1")


def test_packs_that_differ_from_the_blocks_are_found_and_made_again(alice, abc):
    send(alice, [row(abc, "2023-12-29", "5"), row(abc, "2024-01-02", "1")])
    assert store.wrong_packs([abc.pk]) == []
    PackedPrices.objects.filter(year=2024).update(scale=5)
    assert store.wrong_packs([abc.pk]) == [(abc.pk, 2024)]
    assert store.rebuild_packs([abc.pk]) == [(abc.pk, 2024)]
    assert store.wrong_packs([abc.pk]) == []
    assert read(abc) == {"2023-12-29": 5, "2024-01-02": 1}


def test_whoever_derives_from_prices_learns_of_each_write(alice, abc):
    calls = []

    @contextmanager
    def around_write(days):
        calls.append({pk: [*map(str, dates)] for pk, dates in days.items()})
        before = PriceBlock.objects.count()
        yield
        assert PriceBlock.objects.count() == before + 1

    hook = hooks.PriceHook(lambda instrument_ids: set(), around_write)
    hooks.register_hook(hook)
    try:
        send(alice, [row(abc, "2024-01-02", "1"), row(abc, "2024-01-03", "2")])
        send(alice, [row(abc, "2024-01-02", "1"), row(abc, "2024-01-03", "3")])
        send(alice, [row(abc, "2024-01-03", "3")])
    finally:
        hooks.unregister_hook(hook)
    assert calls == [{abc.pk: ["2024-01-02", "2024-01-03"]}, {abc.pk: ["2024-01-03"]}]


def test_a_body_over_the_limit_of_other_routes_is_read(alice, abc, settings):
    rows = [row(abc, "2024-01-02", "1")] * 30_000
    assert len(json.dumps(rows)) > settings.MAX_BODY_BYTES
    assert send(alice, rows)["refused_count"] == 29_999
