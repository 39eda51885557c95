"""Providers: answers are read exactly, and limits of time, size and address hold, also after redirects."""

from __future__ import annotations

import gzip
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest

from assets.prices.providers import http
from assets.prices.providers.addresses import addresses_of, is_allowed, is_public
from assets.prices.providers.formats import (
    BadAnswer,
    FeedRow,
    Layout,
    Span,
    address,
    csv_rows,
    day_text,
    json_rows,
    last_of_each_day,
)
from assets.prices.providers.http import FetchFailed, Limits, fetch, pause_of
from assets.prices.providers.sources import PROVIDERS
from assets.rules.instruments.prices import read_day, read_price
from assets.tests.feed_server import feed_server
from strata.exceptions import Invalid

pytestmark = pytest.mark.on_sqlite  # no database can change it

# --- formats ---

TWO_DAYS = [FeedRow("2024-01-02", Decimal("12.50")), FeedRow("2024-01-03", Decimal("13"))]


@pytest.mark.parametrize(
    ("content", "layout"),
    [
        (
            b'{"data": {"prices": [{"date": "2024-01-02", "close": 12.50}, {"date": "2024-01-03", "close": "13"}]}}',
            Layout("data.prices"),
        ),
        (b'[["2024-01-02T00:00:00Z", 12.5], ["2024-01-03T00:00:00Z", 13]]', Layout("", "0", "1")),
        (b'{"prices": [[1704153600000, 12.5], [1704240000000, 13]]}', Layout("prices", "0", "1")),
        (
            b'[{"bar": {"t": 1704153600, "c": 12.5}}, {"bar": {"t": 1704240000, "c": 13}}]',
            Layout("", "bar.t", "bar.c"),
        ),
    ],
)
def test_json_is_read_by_the_paths_of_the_source(content, layout):
    assert json_rows(content, layout) == TWO_DAYS


def test_csv_is_read_by_the_columns_of_the_source():
    content = "\ufeffSchluss;Datum\r\n12,50;2024-01-02\r\n13;2024-01-03\r\n".encode()
    layout = Layout("", "Datum", "Schluss", delimiter=";", decimal=",")
    assert csv_rows(content, layout) == TWO_DAYS


def test_what_the_source_leaves_out_stays_for_the_rules_to_refuse():
    rows = json_rows(b'[{"date": "2024-01-02", "close": null}, {"date": "x", "close": 0}, {}]', Layout())
    assert rows == [FeedRow("2024-01-02", None), FeedRow("x", 0), FeedRow(None, None)]


def test_a_number_is_read_exactly_and_cut_to_18_places():
    rows = json_rows(
        b'[{"date": "a", "close": 0.1}, {"date": "b", "close": 1.2345678901234567e-5}]', Layout()
    )
    assert [row.price for row in rows] == [Decimal("0.1"), Decimal("0.000012345678901235")]


def test_a_price_is_converted_to_the_quoted_unit():
    (row,) = json_rows(b'[{"date": "a", "close": "0.4567"}]', Layout(unit=Fraction(100)))
    assert row.price == Decimal("45.67")


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"data": 1}', b"[" * 100_000])
def test_an_answer_that_is_no_json_with_rows_is_bad(content):
    with pytest.raises(BadAnswer):
        json_rows(content, Layout("data"))


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe", b"date\n2024-01-02\n"])
def test_an_answer_without_the_columns_is_bad(content):
    with pytest.raises(BadAnswer):
        csv_rows(content, Layout())


@pytest.mark.parametrize("value", [True, None, 10**30, {}, []])
def test_what_is_no_day_is_none(value):
    assert day_text(value) is None


@pytest.mark.parametrize(
    "number", ["1e99999999999999999999", "1e999999999", "-1e999999999", "1." + "3" * 300_000]
)
def test_a_number_that_nobody_can_reckon_with_is_no_day_and_no_price(number):
    (row,) = json_rows(f'[{{"date": {number}, "close": {number}}}]'.encode(), Layout())
    refused = read_price(row.price)
    assert isinstance(read_day(row.on, date(2024, 1, 1)), Invalid) and isinstance(refused, Invalid)


def test_a_place_with_leading_zeros_is_none_of_a_list():
    assert json_rows(b'[["2024-01-02", 1]]', Layout("", "0", "0000000001234")) == [("2024-01-02", None)]


def test_an_address_has_the_symbol_quoted():
    span = Span(date(2024, 1, 2), date(2024, 1, 3))
    filled_in = address(
        "https://x/{symbol}?f={start}&t={end_epoch}&c={currency}", "A/B ?&#{start}", "EUR", span
    )
    assert filled_in == "https://x/A%2FB%20%3F%26%23%7Bstart%7D?f=2024-01-02&t=1704326400&c=eur"


def test_coingecko_gives_the_last_price_of_each_day(monkeypatch):
    asked = []
    content = b'{"prices": [[1704153600000, 1.5], [1704200000000, 1.75], [1704240000000, 2]]}'
    monkeypatch.setattr(
        "assets.prices.providers.sources.fetch", lambda url, limits: asked.append(url) or content
    )
    span = Span(date(2024, 1, 2), date(2024, 1, 3))
    rows = PROVIDERS["coingecko"].prices("", Layout(), "bitcoin", "EUR", span, Limits(1, 100))
    assert rows == [FeedRow("2024-01-02", Decimal("1.75")), FeedRow("2024-01-03", 2)]
    assert asked[0].endswith(
        "/coins/bitcoin/market_chart/range?vs_currency=eur&from=1704153600&to=1704326400"
    )


def test_the_last_row_of_a_day_is_kept():
    rows = [FeedRow("a", 1), FeedRow("b", 2), FeedRow("a", 3)]
    assert list(last_of_each_day(rows)) == [FeedRow("a", 3), FeedRow("b", 2)]


def test_yfinance_runs_in_a_process_of_its_own_and_may_be_missing():
    span = Span(date(2024, 1, 2), date(2024, 1, 3))
    with pytest.raises(FetchFailed, match="yfinance is not installed"):
        PROVIDERS["yfinance"].prices("", Layout(), "VWCE.DE", "EUR", span, Limits(60, 10**6))


# --- addresses ---


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1%eth0",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
def test_private_addresses_are_not_public(text):
    assert not is_public(text)


@pytest.mark.parametrize("text", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are(text):
    assert is_public(text)


def test_a_setting_allows_a_host_with_any_port_or_with_one():
    assert is_allowed("NAS.local.", 80, {"nas.local"})
    assert is_allowed("127.0.0.1", 8080, {"127.0.0.1:8080"})
    assert not is_allowed("127.0.0.1", 8081, {"127.0.0.1:8080"})
    assert is_allowed("[::1]", 80, {"::1"})


# --- fetching ---


@pytest.fixture
def feed():
    with feed_server() as running:
        yield running


def limits(feed, **changes) -> Limits:
    return Limits(
        **{"seconds": 5, "most_bytes": 10_000, "private_hosts": {f"127.0.0.1:{feed.port}"}} | changes
    )


def reason(url, limit, pauses=None) -> str:
    with pytest.raises(FetchFailed) as failed:
        fetch(url, limit, pause=(pauses if pauses is not None else []).append, jitter=lambda low, high: high)
    return failed.value.reason


def test_an_answer_is_fetched_and_unpacked(feed):
    feed.give("/a", gzip.compress(b"hello"), Content_Encoding="gzip")
    assert fetch(feed.url("/a?x=1"), limits(feed)) == b"hello"
    assert feed.asked == ["/a?x=1"]


def test_a_private_address_is_refused_before_anything_is_sent(feed):
    for host in ("127.0.0.1", "localhost"):
        assert reason(feed.url("/a", host), limits(feed, private_hosts=())) == "refused address"
    assert feed.asked == []


def test_a_redirect_to_a_private_address_is_refused(feed):
    with feed_server() as inside:
        inside.give("/secret", b"secret")
        feed.give("/a", status=302, Location=inside.url("/secret"))
        assert reason(feed.url("/a"), limits(feed)) == "refused address"
        assert inside.asked == []


def test_a_redirect_to_an_allowed_address_is_followed_but_not_for_ever(feed):
    feed.give("/a", status=302, Location="/b")
    feed.give("/b", b"here")
    assert fetch(feed.url("/a"), limits(feed)) == b"here"
    feed.give("/loop", status=302, Location="/loop")
    assert reason(feed.url("/loop"), limits(feed)) == "too many redirects"
    feed.give("/file", status=302, Location="file:///etc/passwd")
    assert reason(feed.url("/file"), limits(feed)) == "refused address"


def test_an_answer_that_is_too_large_is_refused_also_packed(feed):
    feed.give("/large", b"x" * 10_001)
    assert reason(feed.url("/large"), limits(feed)) == "too large"
    feed.give("/bomb", gzip.compress(b"0" * 10_000_000), Content_Encoding="gzip")
    assert reason(feed.url("/bomb"), limits(feed)) == "too large"


def test_an_answer_that_never_ends_is_cut_off(feed):
    def drip(stream):
        while not feed.stopped.wait(0.05):
            stream.write(b"x")
            stream.flush()

    feed.give("/slow", drip)
    assert reason(feed.url("/slow"), limits(feed, seconds=0.4)) == "timeout"


def test_a_redirect_at_the_last_moment_gets_no_time_of_its_own(feed, monkeypatch):
    """Its connection is made when the others were cut off."""

    def drip(stream):
        for _ in range(60):
            stream.write(b"x")
            stream.flush()
            feed.stopped.wait(0.05)

    def slowly_resolved(*args):
        feed.stopped.wait(0.2 * len(feed.asked))
        return addresses_of(*args)

    monkeypatch.setattr(http, "addresses_of", slowly_resolved)
    feed.give("/a", status=302, Location="/b", Connection="close")
    feed.give("/b", drip)
    assert reason(feed.url("/a"), limits(feed, seconds=0.1)) == "timeout"
    assert feed.asked == ["/a"]


def test_a_name_that_is_not_resolved_in_time_is_given_up(feed, monkeypatch):
    """The resolver of the system may take minutes."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **options: feed.stopped.wait(20) and [])
    start = time.monotonic()
    assert reason("http://a.example/", limits(feed, seconds=0.3)) == "timeout"
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("host", ["a.invalid", "a" * 64 + ".example", "a..b.example"])
def test_a_name_that_is_none_is_no_answer(feed, host):
    assert reason(f"http://{host}/", limits(feed)).startswith("no answer")


def test_the_reason_says_whether_there_is_such_a_name_or_such_a_server(feed):
    assert reason("http://a.invalid/", limits(feed)) == "no answer: gaierror"
    with feed_server() as stopped:
        address_of_none = stopped.url("/a")
    allowed = {"127.0.0.1"}
    assert reason(address_of_none, limits(feed, private_hosts=allowed)) == "no answer: ConnectionRefusedError"


def test_a_server_that_says_nothing_is_given_up(feed):
    feed.give("/silent", lambda stream: feed.stopped.wait(), Content_Length="10")
    assert reason(feed.url("/silent"), limits(feed, seconds=0.3)) == "timeout"


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def bytes_of(text: bytes) -> list[bytes]:
    return [text[place : place + 1] for place in range(len(text))]


SLOW = {
    "the status": bytes_of(b"HTTP/1.1 " + b"0" * 500),
    "a header": [OK, *bytes_of(b"X: " + b"a" * 500)],
    "headers": [OK, *(b"X-%d: 1\r\n" % number for number in range(90))],
    "the size of a chunk": [CHUNKED, *bytes_of(b"0" * 500)],
    "chunks": [CHUNKED, *[b"1\r\nx\r\n"] * 500],
    "a body": [OK + b"Content-Length: 500\r\n\r\n", *bytes_of(b"x" * 499)],
    "the body of a redirect": [
        b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 500\r\n\r\n",
        *bytes_of(b"x" * 499),
    ],
    "the body of a refusal": [
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 500\r\n\r\n",
        *bytes_of(b"x" * 499),
    ],
}


@pytest.mark.parametrize("slow", SLOW)
def test_what_comes_byte_by_byte_ends_in_time(feed, slow):
    """Each byte would begin a time limit of its own: half a second is given, and the feed would take 25."""
    feed.give_raw("/", *SLOW[slow], pause=0.05)
    start = time.monotonic()
    outcome = reason(feed.url("/"), limits(feed, seconds=0.5))
    assert time.monotonic() - start < 5
    assert outcome in ("timeout", "HTTP 403", "too many redirects")


ENDLESS = {
    "interim answers": [b"HTTP/1.1 100 Continue\r\n\r\n" * 1000],
    "a header": [OK + b"X: ", b"x" * 65_536],
    "headers": [OK, b"X: y\r\n" * 1000],
    "a body": [OK + b"\r\n", b"x" * 65_536],
    "the size of a chunk": [CHUNKED, b"0" * 65_536],
    "the end of chunks": [CHUNKED + b"0\r\n", b"X: y\r\n" * 1000],
}


@pytest.mark.parametrize("endless", ENDLESS)
def test_what_never_ends_is_left_in_time(feed, endless):
    feed.give_raw("/", *ENDLESS[endless], again=True)
    start = time.monotonic()
    outcome = reason(feed.url("/"), limits(feed, seconds=0.5))
    assert time.monotonic() - start < 5
    assert outcome == "timeout" or outcome == "too large" or outcome.startswith("no answer")


def test_a_redirect_loop_has_one_time_limit(feed):
    """Each of its answers comes in time, and all of them together do not."""
    feed.give_raw("/", b"", b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", pause=0.4)
    start = time.monotonic()
    assert reason(feed.url("/"), limits(feed, seconds=0.6)) == "timeout"
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("length", "outcome"), [(b"100", "timeout"), (b"4, 100", "no answer: InvalidHeader")]
)
def test_a_length_that_is_not_sent_is_no_answer(feed, length, outcome):
    feed.give_raw("/", OK + b"Content-Length: " + length + b"\r\n\r\nhalf")
    start = time.monotonic()
    assert reason(feed.url("/"), limits(feed, seconds=0.5)) == outcome
    assert time.monotonic() - start < 5


PRICES = b"date,close\n" + b"".join(b"2024-01-%02d,1234.75\n" % day for day in range(1, 32))


@pytest.mark.parametrize("missing", [1, 8, 9, 20])
def test_packed_prices_that_are_cut_off_are_none(feed, missing):
    """The last of them would be another number: 12 of 1234.75. The length says what was sent."""
    feed.give("/", gzip.compress(PRICES)[:-missing], Content_Encoding="gzip")
    assert reason(feed.url("/"), limits(feed)) == "cut off"


def test_packed_prices_with_a_wrong_check_sum_are_none(feed):
    packed = bytearray(gzip.compress(PRICES))
    packed[-8] ^= 1
    feed.give("/", bytes(packed), Content_Encoding="gzip")
    assert reason(feed.url("/"), limits(feed)) == "broken gzip"
    feed.give("/plain", PRICES, Content_Encoding="gzip")
    assert reason(feed.url("/plain"), limits(feed)) == "broken gzip"


def test_packed_parts_that_follow_each_other_are_one_answer(feed):
    parts = gzip.compress(PRICES[:100]) + gzip.compress(PRICES[100:])
    feed.give("/", parts, Content_Encoding="gzip")
    assert fetch(feed.url("/"), limits(feed)) == PRICES
    feed.give("/more", parts + b"\0" * 100, Content_Encoding="x-gzip")
    assert fetch(feed.url("/more"), limits(feed)) == PRICES


def test_an_answer_that_is_packed_twice_is_refused(feed):
    """A few kilobytes are a terabyte then."""
    twice = gzip.compress(gzip.compress(PRICES))
    for encoding in ("gzip, gzip", "br", "deflate"):
        feed.give(f"/{encoding[:2]}", twice, Content_Encoding=encoding)
        assert reason(feed.url(f"/{encoding[:2]}"), limits(feed)) == "unknown encoding"


def test_a_broken_answer_is_no_answer(feed):
    feed.give("/half", lambda stream: stream.write(b"half"), Content_Length="100")
    assert reason(feed.url("/half"), limits(feed)).startswith("no answer")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_429_and_5xx_are_asked_again_with_growing_pauses(feed, status):
    feed.give("/a", status=status)
    pauses = []
    assert reason(feed.url("/a"), limits(feed), pauses) == f"HTTP {status}"
    assert (len(feed.asked), pauses) == (4, [2, 4, 8])


def test_retry_after_is_respected_up_to_30_seconds(feed):
    feed.give("/a", status=429, Retry_After="7")
    feed.give("/a", b"now")
    pauses = []
    assert fetch(feed.url("/a"), limits(feed), pause=pauses.append) == b"now"
    assert pauses == [7]
    feed.give("/b", status=429, Retry_After="31")
    assert reason(feed.url("/b"), limits(feed), pauses) == "HTTP 429"
    assert pauses == [7]


def test_404_is_not_asked_again(feed):
    assert reason(feed.url("/none"), limits(feed)) == "HTTP 404"
    assert len(feed.asked) == 1


LONG_ZONE = "Tue, 02 Jan 2024 00:00:10 +99999999999999"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5", 5), ("", None), ("soon", None), (LONG_ZONE, None), ("Tue, 02 Jan 2024 00:00:10 GMT", 10)],
)
def test_retry_after_is_seconds_or_an_instant(text, seconds):
    assert pause_of({"Retry-After": text}, datetime(2024, 1, 2, tzinfo=UTC)) == seconds
