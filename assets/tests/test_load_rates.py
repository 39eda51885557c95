"""load_rates: exact, append-only, all or nothing; and doctor's checks of rates and categories."""

from __future__ import annotations

import io
import threading
import zipfile
from datetime import date, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets import doctor
from assets.models import Category, ExchangeRate, RatesVersion
from assets.rates import readers
from assets.rates.readers import BadRates, RateQuote
from assets.rates.store import daily_rates
from demo import rates
from portfolios.models import Household
from strata.doctor import Level

ECB = "Date,USD,CYP,JPY,\n2026-10-30,1.1172,N/A,175.68,\n2026-10-29,1.1100,,175.60,\n"
OWN = "currency,on,units_per_euro\nUSD,2026-10-30,1.2\nxau,2026-10-30,0.000412345678901234\n"


def run(*args) -> str:
    out = io.StringIO()
    call_command("load_rates", *args, stdout=out)
    return out.getvalue()


@pytest.fixture
def file(tmp_path):
    def write(text: str | bytes, name: str = "rates.csv") -> str:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


def zipped(text: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("eurofxref-hist.csv", text)
    return content.getvalue()


def stored() -> set[tuple]:
    return set(daily_rates().values_list("currency", "on", "units_per_euro", "source"))


# --- reading ---


def test_the_shipped_file_is_read_exactly_and_whole():
    quotes, source = readers.quotes_in(readers.shipped_file())

    assert source == "ecb"
    assert len(quotes) > 200_000
    assert RateQuote("JPY", date(1999, 1, 4), Decimal("133.73")) in quotes
    assert RateQuote("TRL", date(1999, 1, 4), Decimal("372274")) in quotes


def test_what_has_no_rate_is_left_out():
    quotes, _ = readers.quotes_in(ECB.encode())

    assert {quote.currency for quote in quotes} == {"USD", "JPY"}
    assert len(quotes) == 4


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("USD,2026-10-30", "line 3: 2 columns instead of 3"),
        ("USD,2026-10-30,1,2", "line 3: 4 columns instead of 3"),
        ("ABC,2026-10-30,1.1", "line 3: ABC,2026-10-30,1.1: .*currency"),
        ("EUR,2026-10-30,1", "line 3: .*euro"),
        ("USD,30.10.2026,1.1", "line 3: .*YYYY-MM-DD"),
        ("USD,2026-02-30,1.1", "line 3: .*calendar"),
        ("USD,1700-01-01,1.1", "line 3: .*year"),
        ('USD,2026-10-30,"1,1"', "line 3: .*digits"),
        ("USD,2026-10-30,0", "line 3: .*greater than zero"),
        ("USD,2026-10-30,-1", "line 3: .*greater than zero"),
        ("USD,2026-10-30,NaN", "line 3: .*digits"),
        ("USD,2026-10-30,1.0000000000000000001", "line 3: .*decimal places"),
        ("USD,2026-10-30,1e20", "line 3: .*digits"),
        ("GBP,2026-10-30,1.9", "line 3: GBP on 2026-10-30 differs from line 2"),
        ('USD,2026-10-30,"1.1', "line 3: "),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_written(db, file, line, reason):
    path = file(f"currency,on,units_per_euro\nGBP,2026-10-30,0.83\n{line}\n")

    with pytest.raises(CommandError, match=reason) as refusal:
        run(path)
    assert refusal.value.returncode == 1
    assert not daily_rates().exists()


def test_a_bad_line_of_the_ecb_is_named():
    with pytest.raises(BadRates, match="line 3: 4 columns instead of 5"):
        readers.quotes_in(b"Date,USD,CYP,JPY,\n2026-10-30,1.1,N/A,175,\n2026-10-29,1.1,N/A,175\n")
    with pytest.raises(BadRates, match="line 2: USD,2026-10-30,1.1x"):
        readers.quotes_in(b"Date,USD,\n2026-10-30,1.1x,\n")


def test_every_complaint_is_counted():
    text = "currency,on,units_per_euro\n" + "USD,never,1\n" * 25

    with pytest.raises(BadRates, match="line 21: .*\nand 5 more"):
        readers.quotes_in(text.encode())


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\xff\xfe\n", b"PK\x03\x04broken", b"\x00"])
def test_what_is_no_file_of_rates_is_refused(content):
    with pytest.raises(BadRates):
        readers.quotes_in(content)


# --- writing ---


def test_a_csv_of_ones_own_is_manual_and_exact(db, file):
    run(file("\ufeff" + OWN))

    on = date(2026, 10, 30)
    assert stored() == {
        ("USD", on, Decimal("1.2"), "manual"),
        ("XAU", on, Decimal("0.000412345678901234"), "manual"),
    }


def test_loading_again_adds_nothing(db, file):
    run(file(zipped(ECB), "ecb.zip"))

    assert "Added 0 of 4" in run(file(zipped(ECB), "ecb.zip"))
    assert daily_rates().count() == 4


def test_a_corrected_rate_is_added_beside_the_old_one(db, file):
    for text in (ECB, ECB.replace("1.1172", "1.1173"), ECB):
        run(file(text))

    again = ExchangeRate.objects.filter(currency="USD", on=date(2026, 10, 30)).order_by("recorded_at", "id")
    assert [rate.units_per_euro for rate in again] == [
        Decimal("1.1172"),
        Decimal("1.1173"),
        Decimal("1.1172"),
    ]


def test_sources_do_not_hide_each_other(db, file):
    run(file(ECB))

    assert "Added 1 of 1" in run(file("currency,on,units_per_euro\nUSD,2026-10-30,1.1172\n"))


def test_dry_run_counts_and_writes_nothing(db, file):
    assert "Would add 4 of 4 rates (ecb)" in run(file(ECB), "--dry-run")
    assert not daily_rates().exists()


def test_a_stored_rate_passes_its_own_validation(db, file):
    run(file(OWN))

    for rate in daily_rates():
        rate.full_clean()
        assert timezone.now() - rate.recorded_at < timedelta(minutes=5)


def test_without_arguments_the_shipped_file_is_loaded_in_batches(db, monkeypatch):
    """As many queries for 4 rates as for 2."""
    RatesVersion.renew()  # else the first load inserts the version
    counts = []
    for content, added in (("Date,USD,JPY,\n2026-10-28,1.11,175.6,\n", 2), (ECB, 4)):
        monkeypatch.setattr(readers, "shipped_file", lambda content=content: zipped(content))
        with CaptureQueriesContext(connection) as queries:
            assert f"Added {added} of {added} rates (ecb)" in run()
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_a_missing_file_is_refused(db, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        run(str(tmp_path / "none.csv"))


# --- download ---


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            is_known = self.path == "/eurofxref-hist.zip"
            self.send_response(200 if is_known else 404)
            self.end_headers()
            self.wfile.write(zipped(ECB) if is_known else b"gone")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.server
def test_download_loads_what_the_server_sends(db, server):
    run("--download", "--url", f"{server}/eurofxref-hist.zip")

    assert ("USD", date(2026, 10, 29), Decimal("1.11"), "ecb") in stored()


@pytest.mark.server
def test_download_says_when_the_server_has_nothing(db, server):
    with pytest.raises(CommandError, match="404") as refusal:
        run("--download", "--url", f"{server}/none.zip")
    assert refusal.value.returncode == 3


def test_download_reads_no_files(db):
    with pytest.raises(CommandError, match="not a web address"):
        run("--download", "--url", "file:///etc/passwd")


# --- demo rates ---


def test_demo_rates_carry_the_last_ones_on_by_weekday(db, file):
    run(file(ECB))

    added = rates.fill_with_demo_rates(date(2026, 11, 3))

    assert added == 4
    assert rates.fill_with_demo_rates(date(2026, 11, 3)) == 0
    assert ("USD", date(2026, 11, 2), Decimal("1.1172"), "demo") in stored()
    assert not ExchangeRate.objects.filter(on__in=(date(2026, 10, 31), date(2026, 11, 1))).exists()


def test_demo_rates_need_rates_to_carry_on(db):
    assert rates.fill_with_demo_rates(date(2026, 11, 3)) == 0


# --- doctor ---


def test_doctor_tells_the_age_of_the_rates(db, settings):
    today = timezone.now().date()
    old = today - timedelta(days=settings.RATE_MAX_AGE_DAYS + 1)
    assert [level for level, _ in doctor.age_of_the_rates()] == [Level.WARN]

    ExchangeRate.objects.create(currency="USD", on=today, units_per_euro=Decimal(1), source="demo")
    ExchangeRate.objects.create(currency="USD", on=old, units_per_euro=Decimal(1), source="ecb")
    assert [level for level, _ in doctor.age_of_the_rates()] == [Level.WARN]

    ExchangeRate.objects.create(currency="USD", on=today, units_per_euro=Decimal(1), source="ecb")
    assert [level for level, _ in doctor.age_of_the_rates()] == [Level.OK]


def test_doctor_finds_categories_that_lead_in_a_circle(db):
    household = Household.objects.create(name="Alice's")
    upper = Category.objects.create(household=household, name="Upper")
    lower = Category.objects.create(household=household, name="Lower", parent=upper)
    assert [level for level, _ in doctor.categories_without_cycles()] == [Level.OK]

    Category.objects.filter(pk=upper.pk).update_unrecorded(parent=lower)

    assert [level for level, _ in doctor.categories_without_cycles()] == [Level.FAIL]
