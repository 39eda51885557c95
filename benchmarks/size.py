"""How many bytes a value takes in PostgreSQL, by table: `DATABASE_URL=... python benchmarks/size.py [VALUES]`.

The database is filled, and should be empty but migrated. Two shapes are loaded by the bulk writer: a value a day of 100
assets of ten types, 20 assets in a transaction; and a value a month of each, a month in a transaction. The
figure is the growth of pg_database_size.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import batched
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")
sys.path.insert(0, str(ROOT))

import django  # noqa: E402

django.setup()  # models can be imported only then

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from assets.classification.seeds import TypeId  # noqa: E402
from assets.models import Asset, AssetSnapshot  # noqa: E402
from portfolios.models import Portfolio  # noqa: E402
from portfolios.services.households import create_household  # noqa: E402
from strata.audit import actor  # noqa: E402

ASSETS, DAYS, MONTHS = 100, 1000, 240
AT_ONCE = 20  # assets of a transaction
FIRST = date(2005, 1, 1)
SIZES = """
    SELECT relname, pg_table_size(oid), pg_indexes_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "values", nargs="?", type=int, default=1_000_000, help="how many of each shape, about"
    )
    wanted = parser.parse_args().values
    user = owner()
    for name, transactions, each in (
        ("a day", by_day, ASSETS * DAYS),
        ("a month", by_month, ASSETS * MONTHS),
    ):
        with actor.acting(user=user, channel="api", request_id="00000000-0000-0000-0000-000000000000"):
            households = [assets_of_a_household(user) for _ in range(max(1, wanted // each))]
            measure(name, (rows for assets in households for rows in transactions(assets)))


def owner() -> Any:
    return get_user_model().objects.create_user(username=f"size-{time.time_ns()}")


def assets_of_a_household(user: Any) -> list[Any]:
    household = create_household(user, name=f"Size {time.time_ns()}")
    portfolio = Portfolio.objects.create(
        household=household, name="All", base_currency="EUR", time_zone="UTC"
    )
    types = list(TypeId)[:10]
    return [
        Asset.objects.create(
            portfolio=portfolio, asset_type_id=types[number % 10], name=f"Asset {number}", currency="EUR"
        )
        for number in range(ASSETS)
    ]


def by_day(assets: list[Any]) -> Iterator[list[Any]]:
    days = [FIRST + timedelta(number) for number in range(DAYS)]
    return (snapshots(batch, days) for batch in batched(assets, AT_ONCE))


def by_month(assets: list[Any]) -> Iterator[list[Any]]:
    months = [date(FIRST.year + number // 12, number % 12 + 1, 28) for number in range(MONTHS)]
    return (snapshots(assets, [month]) for month in months)


def snapshots(assets: Iterable[Any], days: list[date]) -> list[Any]:
    random = Random(days[0].toordinal())
    return [
        AssetSnapshot(
            asset=asset,
            value=Decimal(random.randrange(10_000, 10_000_000)) / 100,
            on=day,
            observed_at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC),
        )
        for asset in assets
        for day in days
    ]


def measure(name: str, transactions: Iterable[list[Any]]) -> None:
    before, tables, started, count = database_size(), table_sizes(), time.process_time(), 0
    for rows in transactions:
        with transaction.atomic():
            count += len(AssetSnapshot.objects.bulk_create(rows))
    seconds = time.process_time() - started
    grown = (database_size() - before) / count
    print(f"{count:,} values, one {name}: {grown:.1f} bytes a value, {seconds:.1f} s of CPU in Python")
    for table, (heap, indexes) in table_sizes().items():
        more = (heap - tables[table][0]) / count, (indexes - tables[table][1]) / count
        if sum(more) >= 1:
            print(f"  {table}: {more[0]:.1f} and indexes {more[1]:.1f}")


def database_size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        size: int = cursor.fetchone()[0]
    return size


def table_sizes() -> dict[str, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(SIZES)
        return {name: (heap, indexes) for name, heap, indexes in cursor.fetchall()}


if __name__ == "__main__":
    main()
