"""A small file of our own for each format. What every format has to pass is tested with all of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings

from imports.tests.files import DAYS_DOWN, LONG_AMERICAN, WIDE_GERMAN, ods, xlsx
from imports.tests.strata_databases import strata_database
from imports.tests.test_transactions import GERMAN, WITH_IDS

OWN = Path(__file__).parent / "samples"
REAL = Path(settings.BASE_DIR).parent / "shared" / "samples"


class Sample(NamedTuple):
    """`options` answer what the file does not say."""

    format: str
    data: bytes
    options: Mapping[str, Any] = {}
    file_name: str = "file"


def own(name: str) -> bytes:
    return (OWN / name).read_bytes()


def real_sample(name: str) -> bytes:
    """A file that people arrived with. They are beside the repository and not in it."""
    if not REAL.is_dir():  # where they are, none may be missing
        pytest.skip("the real samples are not beside the repository")
    return (REAL / name).read_bytes()


SAMPLES = {
    "wide": Sample("networth", WIDE_GERMAN),
    "long": Sample("networth", LONG_AMERICAN),
    "down": Sample("networth", DAYS_DOWN, {"currency": "EUR"}),
    "xlsx": Sample(
        "networth",
        xlsx({"A": [["Date", "Asset", "Value", "Currency"], ["2025-01-31", "Fund", 1, "EUR"]]}),
    ),
    "ods": Sample("networth", ods({"A": [["asset (EUR)", "2025-01-31"], ["House", 5.5]]})),
    "bookings": Sample("transactions", GERMAN),
    "ids": Sample("transactions", WITH_IDS),
    "strata-json": Sample("strata-json", own("strata-backup.json")),
    "strata-sqlite": Sample("strata-sqlite", strata_database(has_portfolios=False)),
    "strata-portfolios": Sample("strata-sqlite", strata_database(has_portfolios=True)),
    "ghostfolio-json": Sample("ghostfolio-json", own("ghostfolio.json")),
    "ghostfolio-csv": Sample("ghostfolio-csv", own("ghostfolio.csv")),
    "performance-account": Sample(
        "portfolio-performance-csv",
        own("portfolio-performance-account.csv"),
        {"account": "Konto"},
    ),
    "performance-depot": Sample("portfolio-performance-csv", own("portfolio-performance-depot.csv")),
    "performance-quotes": Sample(
        "portfolio-performance-csv",
        b"Date;Quote\n2024-01-02;98,55\n2024-01-03;99,1\n2024-01-04;0\n2024-01-05;-1\n2024-01-32;5\n",
        {"symbol": "SIE", "currency": "EUR"},
    ),
    "wealthfolio": Sample("wealthfolio-csv", own("wealthfolio.csv")),
    "wealthfolio-holdings": Sample("wealthfolio-csv", own("wealthfolio-holdings.csv")),
    "firefly": Sample("firefly-csv", own("firefly.csv")),
    "homebox": Sample("homebox", own("homebox.csv"), {"currency": "EUR"}),
    "actual": Sample("actual-csv", own("actual.csv"), {"currency": "EUR"}),
    "ynab": Sample("ynab-csv", own("ynab.csv")),
    "sure": Sample("sure-csv", own("sure.csv"), {"currency": "EUR"}),
    "sure-accounts": Sample("sure-csv", own("sure-accounts.csv"), {"on": "2024-01-31"}),
    "mint": Sample("mint-csv", own("mint.csv"), {"currency": "USD"}),
    "performance-xml": Sample("portfolio-performance-xml", own("portfolio-performance.xml")),
    "ofx": Sample("ofx", own("statement.ofx")),
    "ofx-broker": Sample("ofx", own("broker.qfx")),
    "camt": Sample("camt", own("camt053.xml")),
    "mt940": Sample("mt940", own("statement.sta")),
    "trade-republic": Sample("trade-republic-csv", own("trade-republic.csv")),
    "schwab": Sample("schwab-csv", own("schwab.csv")),
    "flex": Sample("ibkr-flex", own("flex.xml")),
    "trades": Sample("transactions", own("trades.csv")),
    "beancount": Sample("beancount", own("journal.beancount")),
    "ledger": Sample("ledger", own("journal.ledger")),
}
