"""`make bench`: how long the usual requests take beside millions of rows, as a table for the README.

Seeds the database that DATABASE_URL names (its own SQLite file where none is named) unless it holds a benchmark
household already. Requests run in this process, so that the figures are Strata's own and not the network's.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DATABASE_URL", f"sqlite:///{ROOT}/.data/bench.db")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")
os.environ.update(API_THROTTLE="off", ALLOWED_HOSTS="testserver", LOG_LEVEL="WARNING")

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from assets.models import AssetSnapshot  # noqa: E402
from portfolios.models import Portfolio  # noqa: E402
from strata.models import ApiToken, User  # noqa: E402

BARE_TOTAL = """
    SELECT a.currency, SUM((SELECT s.value FROM assets_assetsnapshot s WHERE s.asset_id = a.id AND s."on" <= %s
    ORDER BY s."on" DESC, s.observed_at DESC LIMIT 1)) FROM assets_asset a
    WHERE a.portfolio_id = %s AND (a.disposed_on IS NULL OR a.disposed_on > %s) GROUP BY a.currency
"""


def seed(households: int) -> Portfolio:
    call_command("migrate", verbosity=0)
    if not User.objects.filter(username="benchmark-1").exists():
        call_command("load_rates", verbosity=0)
        call_command("seed_benchmark", households=households, assets=1000, snapshots=365, verbosity=0)
    return Portfolio.objects.get(household__memberships__user__username="benchmark-1")


def median_ms(call, times: int) -> float:
    """The median of `times` calls after two to warm up, in milliseconds."""
    call(), call()
    took = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        took.append((time.perf_counter() - start) * 1000)
    return statistics.median(took)


def requests_of(portfolio: Portfolio) -> dict:
    """What is measured, by the name that the table gives it."""
    owner = portfolio.household.memberships.get().user
    _, secret = ApiToken.issue(owner, name="bench")
    client = Client(headers={"authorization": f"Bearer {secret}"})
    asset = portfolio.assets.order_by("id").first()
    pk = portfolio.pk.hex if connection.vendor == "sqlite" else str(portfolio.pk)

    def bare():
        with connection.cursor() as cursor:
            cursor.execute(BARE_TOTAL, ["2099-01-01", pk, "2099-01-01"])
            cursor.fetchall()

    def get(path, status=200):
        answer = client.get(f"/api/v1/{path}")
        if answer.status_code != status:
            raise SystemExit(f"{path}: {answer.status_code} {answer.content[:300]!r}")

    def post():
        body = '{"value": "1.00"}'
        answer = client.post(f"/api/v1/assets/{asset.pk}/snapshots", body, content_type="application/json")
        if answer.status_code != 201:
            raise SystemExit(f"snapshots: {answer.status_code} {answer.content[:300]!r}")

    return {
        "bare SQL of the total": bare,
        "empty authenticated request (GET tags)": lambda: get("tags"),
        "GET portfolios/{id}": lambda: get(f"portfolios/{portfolio.pk}"),
        "GET assets?page_size=200": lambda: get("assets?page_size=200"),
        "POST assets/{id}/snapshots": post,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=14, help="Each has 1,000 assets x 365 values.")
    parser.add_argument("--times", type=int, default=25)
    options = parser.parse_args()
    portfolio = seed(options.households)
    rows = AssetSnapshot.objects.count()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{connection.vendor}, {rows:,} snapshots\n\n| work | median ms | queries |\n| --- | ---: | ---: |")
    for name, call in requests_of(portfolio).items():
        with CaptureQueriesContext(connection) as seen:
            call()
            queries = len(seen)
        print(f"| {name} | {median_ms(call, options.times):.1f} | {queries} |")
    print(
        f"\npeak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"
    )


if __name__ == "__main__":
    main()
