"""The measurements of `make bench` on one database, which DATABASE_URL names. Prints JSON. Called by bench.py.

M is 1,000 assets x 365 daily values in one portfolio, L is 1,000 x 3,650, T is many households of 20 x 120, and I is
15,000 transactions in 250 instruments with 782,500 prices (benchmarks/investments.py). All are in the same database.
Requests run in this process, so that the figures do not include the network, with the garbage collector set as in a
worker (gunicorn.conf.py). Memory is that of gunicorn's workers under load.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")
os.environ["ALLOWED_HOSTS"] = "testserver"

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Min  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from assets import valuation  # noqa: E402
from assets.models import AssetSnapshot, ExchangeRate  # noqa: E402
from assets.rates.store import rate_book  # noqa: E402
from benchmarks import archives, bulk, imports, investments, prices, units  # noqa: E402
from benchmarks.investments import Investor  # noqa: E402
from benchmarks.memory import peaks_under_load  # noqa: E402
from benchmarks.prepared import Prepared, prepared  # noqa: E402
from demo.rates import fill_with_demo_rates  # noqa: E402
from portfolios.models import Portfolio  # noqa: E402
from reports.calculations.intervals import days_between  # noqa: E402
from reports.calculations.net_worth import net_worth  # noqa: E402
from strata.accounts.models import User  # noqa: E402
from strata.accounts.services import issue_token  # noqa: E402

SIZES = {"M": (1000, 365, 365), "L": (1000, 3650, 3650), "T": (20, 120, 365)}
TOTAL_BARS = {"M": 10, "L": 10, "T": 2}
MONTHLY_BARS = {"M": 20, "L": 30, "T": 10}
DAILY_BARS = {"M": 20, "L": 60, "T": None}
API = "/api/v1"
BARE_TOTAL = """
    SELECT a.currency, SUM((SELECT s.value FROM assets_assetsnapshot s WHERE s.asset_id = a.id AND s."on" <= %s
    ORDER BY s."on" DESC, s.observed_at DESC LIMIT 1)) FROM assets_asset a
    WHERE a.portfolio_id = %s AND (a.disposed_on IS NULL OR a.disposed_on > %s) GROUP BY a.currency
"""


# --- the datasets ---


def seed(households: int) -> dict[str, Portfolio]:
    """The three datasets, created where they are missing: benchmark-1 is M, benchmark-2 is L, all others are T."""
    call_command("migrate", verbosity=0)
    if not User.objects.filter(username="benchmark-1").exists():
        call_command("load_rates", verbosity=0)
    # The shipped file ends some weeks ago. Without rates up to today, all foreign assets would be left out.
    fill_with_demo_rates(timezone.now().date(), recorded_as=ExchangeRate.Source.MANUAL)
    existing = User.objects.filter(username__startswith="benchmark-").count()
    for first, wanted, size in ((0, 1, "M"), (1, 2, "L"), (2, households + 2, "T")):
        if (missing := wanted - max(existing, first)) > 0:
            assets, snapshots, span = SIZES[size]
            call_command(
                "seed_benchmark",
                households=missing,
                assets=assets,
                snapshots=snapshots,
                span_days=span,
                verbosity=0,
            )
    names = {"M": "benchmark-1", "L": "benchmark-2", "T": "benchmark-3"}
    return {size: Portfolio.objects.get(household__name=name, name=name) for size, name in names.items()}


class Caller:
    """The owner of a dataset, who sends requests to the API."""

    def __init__(self, portfolio: Portfolio) -> None:
        self.portfolio = portfolio
        owner = portfolio.household.memberships.get().user
        _, self.secret = issue_token(owner, name="bench")
        self.client = Client(headers={"authorization": f"Bearer {self.secret}"})
        if not owner.is_staff:  # needed for the admin
            owner.is_staff = True
            owner.save()
        self.browser = Client()
        self.browser.force_login(owner, backend="django.contrib.auth.backends.ModelBackend")
        self.assets = list(portfolio.assets.order_by("id").values_list("id", flat=True)[:20])
        values = AssetSnapshot.objects.filter(asset=self.assets[0])
        self.first = values.aggregate(first=Min("on"))["first"]
        self.turns = count(1)

    @property
    def path(self) -> str:
        return f"portfolios/{self.portfolio.pk}"

    def get(self, path: str, *, status: int = 200, **headers: str):
        answer = self.client.get(f"{API}/{path}", headers=headers)
        if answer.status_code != status:
            raise SystemExit(f"{path}: {answer.status_code} {answer.content[:300]!r}")
        return answer

    def first_page(self) -> None:
        """The dashboard, in a browser that is logged in."""
        answer = self.browser.get("/admin/")
        if answer.status_code != 200:
            raise SystemExit(f"/admin/: {answer.status_code}")

    def patch(self) -> None:
        turn = next(self.turns)
        body = json.dumps({"notes": f"Note {turn}"})
        answer = self.client.patch(f"{API}/assets/{self.assets[1]}", body, content_type="application/json")
        if answer.status_code != 200:
            raise SystemExit(f"assets: {answer.status_code} {answer.content[:300]!r}")

    def update_values(self, **asked: object) -> dict:
        """What the script of the page Update values is answered."""
        body = {"portfolio": str(self.portfolio.pk), "on": "", **asked}
        answer = self.browser.post("/admin/update-values/", json.dumps(body), content_type="application/json")
        if answer.status_code != 200 or not answer.json():
            raise SystemExit(f"/admin/update-values/: {answer.status_code} {answer.content[:300]!r}")
        return answer.json()

    def open_update_values(self) -> None:
        answer = self.browser.get(f"/admin/update-values/?portfolio={self.portfolio.pk}")
        if answer.status_code != 200:
            raise SystemExit(f"/admin/update-values/: {answer.status_code}")

    def save_all_values(self) -> Callable[[], None]:
        """Each call saves a value for every asset, as the page does: with the states that it was answered last."""
        seen = {str(pk): "" for pk in self.portfolio.assets.values_list("pk", flat=True)}
        # Near the values before: otherwise each is a jump, of which the data checks have more work.
        values = AssetSnapshot.objects.filter(asset__portfolio=self.portfolio).order_by("on")
        last = {str(pk): int(value) for pk, value in values.values_list("asset_id", "value")}

        def save() -> None:
            turn = next(self.turns)
            rows = [
                {"asset": pk, "text": f"{last[pk] + turn}", "note": "", "seen": state}
                for pk, state in seen.items()
            ]
            saved = self.update_values(action="save", rows=rows, confirmed=True)
            for row in saved.get("conflicts", ()):
                seen[row["asset"]] = row["state"]["seen"]
            for pk, state in saved.get("rows", {}).items():
                seen[pk] = state["seen"]

        save()
        return save

    def answers(self, path: str) -> bool:
        return self.client.get(f"{API}/{path}").status_code == 200

    def send(self, method: str, path: str, body: object, *, status: int = 200) -> dict:
        """The answer to a request with a JSON body, which may be text already."""
        text = body if isinstance(body, str) else json.dumps(body)
        answer = self.client.generic(method, f"{API}/{path}", text, content_type="application/json")
        if answer.status_code != status:
            raise SystemExit(f"{path}: {answer.status_code} {answer.content[:300]!r}")
        return answer.json()

    def post(self, *, on: date | None = None) -> None:
        turn = next(self.turns)
        body = {"value": f"{turn}.00"}
        if on:
            body["observed_at"] = f"{on}T11:00:{turn % 60:02d}.{time.time_ns() // 1000 % 10**6:06d}Z"
        answer = self.client.post(
            f"{API}/assets/{self.assets[0]}/snapshots", json.dumps(body), content_type="application/json"
        )
        if answer.status_code != 201:
            raise SystemExit(f"snapshots: {answer.status_code} {answer.content[:300]!r}")

    def post_batch(self, on: date, *, replaces: bool) -> None:
        """A value for each of a thousand assets: that of the day is replaced, or the day gets one more."""
        turn, ids = next(self.turns), self.portfolio.assets.order_by("id").values_list("id", flat=True)[:1000]
        second = f"{turn % 60:02d}.{time.time_ns() // 1000 % 10**6:06d}"
        moment = {"on": str(on)} if replaces else {"observed_at": f"{on}T11:00:{second}Z"}
        rows = [{"asset_id": str(pk), "value": f"{turn}.00", **moment} for pk in ids]
        answer = self.client.post(
            f"{API}/values:batch",
            json.dumps({"if_exists": "replace", "rows": rows}),
            content_type="application/json",
        )
        if answer.status_code != 200 or answer.json()["replaced" if replaces else "created"] != len(rows):
            raise SystemExit(f"values:batch: {answer.status_code} {answer.content[:300]!r}")

    def post_prices(self, count: int) -> Callable[[], None]:
        bodies = prices.batches(self.portfolio.household, count)

        def post() -> None:
            answer = self.client.post(f"{API}/prices:batch", next(bodies), content_type="application/json")
            if answer.status_code != 200 or answer.json()["created"] != count:
                raise SystemExit(f"prices:batch: {answer.status_code} {answer.content[:300]!r}")

        return post

    def net_worth_over_time(self, interval: str) -> Callable[[], object]:
        """By the API where it has this report, else by the same functions."""
        path = f"{self.path}/net-worth?interval={interval}&start={self.first}"
        if self.answers(path):
            return lambda: self.get(path)
        days = days_between(self.first, timezone.now().date(), interval)
        return lambda: self.series(days)

    def series(self, days: list[date]) -> list:
        totals = valuation.totals_on([self.portfolio.pk], days)
        rates = rate_book({"EUR", *(code for _, code in totals.columns)}, start=days[0], end=days[-1])
        return net_worth(totals, currency="EUR", places=2, rates=rates)

    def bare(self) -> None:
        pk = self.portfolio.pk.hex if connection.vendor == "sqlite" else str(self.portfolio.pk)
        with connection.cursor() as cursor:
            cursor.execute(BARE_TOTAL, ["2099-01-01", pk, "2099-01-01"])
            cursor.fetchall()


# --- what is measured: name, bar in ms, the work ---

type Work = tuple[str, float | None, Callable[[], object]]


def works(callers: dict[str, Caller], investor: Investor | None) -> Iterator[Work]:
    yield from of_single_requests(callers["M"], callers["L"])
    for size, caller in callers.items():
        yield from of_net_worth(size, caller)
    yield from of_change(callers["M"])
    yield from of_the_slowest(callers["M"], callers["L"])
    if investor is not None:
        yield from investments.works(investor)


def of_single_requests(medium: Caller, large: Caller) -> Iterator[Work]:
    back = large.first + timedelta(days=100)
    yield "M: bare SQL of the total", None, medium.bare
    yield "M: empty authenticated request (GET tags)", None, lambda: medium.get("tags")
    yield "M: GET portfolios/{id}", 8, lambda: medium.get(medium.path)
    yield "M: GET assets?page_size=200", 80, lambda: medium.get("assets?page_size=200")
    yield "M: GET assets/{id}", 6, lambda: medium.get(f"assets/{medium.assets[1]}")
    yield "M: PATCH assets/{id}", 20, medium.patch
    yield "M: POST assets/{id}/snapshots", 15, medium.post
    day = medium.first + timedelta(days=100)
    for words, replaces in (("new", False), ("replaced", True)):
        batch = partial(medium.post_batch, day, replaces=replaces)
        yield f"M: POST values:batch, 1,000 values, {words}", 1000, batch
    yield from bulk.works(medium)
    yield "L: POST assets/{id}/snapshots, back-dated", 10, lambda: large.post(on=back)


def of_net_worth(size: str, caller: Caller) -> Iterator[Work]:
    ids, day = [caller.portfolio.pk], caller.first + timedelta(days=100)
    now = timezone.now().date()
    yield f"{size}: total now", TOTAL_BARS[size], lambda: valuation.amounts_on(ids, now)
    yield f"{size}: total on a day", TOTAL_BARS[size], lambda: valuation.amounts_on(ids, day)
    yield f"{size}: monthly net worth", MONTHLY_BARS[size], caller.net_worth_over_time("month")
    yield f"{size}: daily net worth", DAILY_BARS[size], caller.net_worth_over_time("day")
    again = f"{caller.path}/net-worth?interval=day&start={caller.first}"
    if caller.answers(again):
        tag = caller.get(again)["ETag"]
        headers = {"if-none-match": tag}
        yield f"{size}: daily net worth, 304", 5, lambda: caller.get(again, status=304, **headers)


def of_change(caller: Caller) -> Iterator[Work]:
    now = timezone.now().date()
    for name, start in (("30 days", now - timedelta(days=30)), ("its whole span", caller.first)):
        path = f"net-worth/change?portfolio={caller.portfolio.pk}&start={start}&end={now}"
        yield f"M: change by asset, {name}", 60, lambda path=path: caller.get(path)


def of_the_slowest(medium: Caller, large: Caller) -> Iterator[Work]:
    for size, caller, bar in (("M", medium, 40), ("L", large, 250)):
        path = (
            f"net-worth?portfolio={caller.portfolio.pk}&interval=month&group_by=category&start={caller.first}"
        )
        yield f"{size}: monthly net worth by category", bar, lambda caller=caller, path=path: caller.get(path)
    yield "M: Update values, opened", 300, medium.open_update_values
    yield "M: Update values, 1,000 saved", 1000, medium.save_all_values()
    yield "M: quality", 100, lambda: medium.get(f"{medium.path}/quality")
    yield "M: the dashboard", 150, medium.first_page
    yield "M: the dashboard, after a write", 150, Prepared(medium.post, medium.first_page)


def median_ms(call: Callable[[], object], times: int) -> float:
    """The median of `times` calls in milliseconds, after two calls to warm up."""
    call(), call()
    durations = []
    for _ in range(times):
        work = prepared(call)
        start = time.perf_counter()
        work()
        durations.append((time.perf_counter() - start) * 1000)
    return statistics.median(durations)


def rows(
    callers: dict[str, Caller], investor: Investor | None, options: argparse.Namespace
) -> Iterator[tuple]:
    for name, bar, call in works(callers, investor):
        if not re.search(options.only, name):
            continue
        work = prepared(call)
        with CaptureQueriesContext(connection) as seen:
            work()
        figure = median_ms(call, options.times)
        print(f"{connection.vendor} {name}: {figure:.1f}", file=sys.stderr)
        yield name, bar, figure, len(seen)
    medium, large = callers["M"], callers["L"]
    of_investments = [] if investor is None else investments.works(investor)
    yield from units.rows(medium, large, options.only, [*of_the_slowest(medium, large), *of_investments])
    if investor is not None and re.search(options.only, "I: 782,500 prices loaded from a file"):
        yield from investments.load_of_prices(investor.portfolio.household)
    if re.search(options.only, "M: rows imported"):
        yield from imports.by_requests(medium)
    if re.search(options.only, "M: archive and restore"):
        yield from archives.of_household(medium, callers["T"])
        yield from archives.during_import(medium, callers["T"])
    if re.search(options.only, "memory") and options.seconds:
        yield from imports.by_command(medium)
        yield from memory(callers, options.seconds)


def memory(callers: dict[str, Caller], seconds: int) -> Iterator[tuple]:
    """The largest peak of any worker, in MiB: first with everyday requests, then with long reports too."""
    medium, large = callers["M"], callers["L"]
    daily = [medium.path, "assets?page_size=200", "portfolios"]
    yield "memory of a worker, MiB", 150, max(peaks_under_load(medium.secret, daily, seconds)), None
    for caller, bar in ((medium, 200), (large, 200)):
        size = "M" if caller is medium else "L"
        reports = [
            f"{caller.path}/net-worth?interval=day",
            f"net-worth/change?portfolio={caller.portfolio.pk}&start={caller.first}",
            f"net-worth?portfolio={caller.portfolio.pk}&interval=month&group_by=type",
        ]
        answered = [path for path in reports if caller.answers(path)]
        if answered:
            peak = max(peaks_under_load(caller.secret, [*daily[1:], caller.path, *answered], seconds))
            yield f"{size}: memory of a worker with reports, MiB", bar, peak, None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=2000)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--only", default="")
    parser.add_argument("--no-investments", action="store_true")
    options = parser.parse_args()
    callers = {size: Caller(portfolio) for size, portfolio in seed(options.households).items()}
    investor = None if options.no_investments else Investor.seeded(Caller)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    measured = list(rows(callers, investor, options))
    vendor = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[connection.vendor]
    print(json.dumps({"vendor": vendor, "snapshots": AssetSnapshot.objects.count(), "rows": measured}))


if __name__ == "__main__":
    main()
