"""For each route: who owns the rows it is about, and what a valid request to it sends."""

from __future__ import annotations

import io

from django.core.files.uploadedfile import SimpleUploadedFile

from archives.services.writing import write_archive
from portfolios.models import Portfolio
from tests.resources import PARTS, RESOURCES, id_of

ROUTES_WITHOUT_ROWS = {
    "public": {"live", "ready", "version", "openapi"},
    "everybody's": {"routes"},
    "login": {"login"},  # test_tokens, test_lockout
    "the caller's own": {"me", "password", "token-list", "invitation-list"},
}
# Superusers alone see these rows; for others a list of them is empty.
SUPERUSERS_SEE = {"price-source-detail", "price-source-history", "price-source-list"}
ROUTES_BY_OWNER = {
    **ROUTES_WITHOUT_ROWS,
    "one user's": {"token-detail", "invitation-detail", "invitation-accept"},
    "shared": {
        "exchange-rate-list",
        "exchange-rate-detail",
        "price-source-detail",
        "price-source-history",
        "price-source-list",
    },
    "the household's": {
        *(f"{name}-{part}" for name in RESOURCES for part in PARTS),
        "allocation",
        "allocation-chart.png",
        "allocation-chart.svg",
        "allocation-target-detail",
        "allocation-target-history",
        "allocation-target-list",
        "archive-list",
        "asset-category",
        "asset-chart.png",
        "asset-chart.svg",
        "asset-detail",
        "asset-dispose",
        "asset-history",
        "asset-holding",
        "asset-list",
        "asset-lots",
        "asset-ownership",
        "asset-performance",
        "asset-reinstate",
        "asset-schedule",
        "asset-snapshot-detail",
        "asset-snapshot-history",
        "asset-snapshot-list",
        "asset-tag",
        "asset-transfer",
        "asset-terms",
        "asset-value",
        "asset-values",
        "category-assets",
        "category-children",
        "change",
        "household-archive",
        "household-detail",
        "household-history",
        "import-commit",
        "import-detail",
        "import-history",
        "import-list",
        "import-rows",
        "import-undo",
        "household-invitation-list",
        "household-list",
        "instrument-action-detail",
        "instrument-action-history",
        "instrument-action-list",
        "income",
        "income-chart.png",
        "income-chart.svg",
        "instrument-detail",
        "instrument-history",
        "instrument-list",
        "instrument-fetch",
        "instrument-price-list",
        "instrument-sources",
        "lots",
        "me-summary",
        "member-detail",
        "member-list",
        "net-worth",
        "net-worth-chart.png",
        "net-worth-chart.svg",
        "performance",
        "performance-chart.png",
        "performance-chart.svg",
        "portfolio-allocation",
        "portfolio-asset-order",
        "portfolio-allocation-chart.png",
        "portfolio-allocation-chart.svg",
        "portfolio-change",
        "portfolio-detail",
        "portfolio-export",
        "portfolio-history",
        "portfolio-income",
        "portfolio-income-chart.png",
        "portfolio-income-chart.svg",
        "portfolio-list",
        "portfolio-net-worth",
        "portfolio-net-worth-chart.png",
        "portfolio-net-worth-chart.svg",
        "portfolio-finding",
        "portfolio-performance",
        "portfolio-performance-chart.png",
        "portfolio-performance-chart.svg",
        "portfolio-quality",
        "net-worth-statement.pdf",
        "portfolio-statement.pdf",
        "portfolio-snapshot-detail",
        "portfolio-snapshot-history",
        "portfolio-snapshot-list",
        "realised-gains",
        "recorded-transaction-list",
        "recorded-value-list",
        "transaction-batch",
        "transaction-detail",
        "transaction-history",
        "transaction-list",
        "undo",
        "price-batch",
        "value-batch",
    },
}


def another_portfolio(world) -> Portfolio:
    portfolios = Portfolio.objects.filter(household=world["household"]).exclude(pk=world["portfolio"].pk)
    return portfolios.first() or Portfolio.objects.create(
        household=world["household"], name="Secret elsewhere"
    )


def empty_body(world) -> dict:
    return {}


def archive_file(world) -> SimpleUploadedFile:
    file = io.BytesIO()
    write_archive(world["household"].pk, file)
    return SimpleUploadedFile("home.zip", file.getvalue())


BODIES = {
    **{f"{name}-list": resource.body for name, resource in RESOURCES.items()},
    **{f"{name}-detail": resource.changed_body or resource.body for name, resource in RESOURCES.items()},
    "archive-list": lambda world: {
        "file": archive_file(world),
        "mode": "replace",
        "household_id": id_of(world, "household"),
        "confirm": world["household"].name,
    },
    "allocation-target-detail": lambda world: {"share": "0.2"},
    "allocation-target-list": lambda world: {
        "share": "0.2",
        "tag_id": id_of(world, "tag"),
        "portfolio_id": id_of(world, "portfolio"),
    },
    "asset-category": empty_body,
    "asset-detail": lambda world: {"name": "New", "portfolio_id": id_of(world, "portfolio")},
    "asset-dispose": lambda world: {"on": "2199-12-31"},
    "asset-list": lambda world: {
        "name": "New",
        "portfolio_id": id_of(world, "portfolio"),
        "asset_type_id": id_of(world, "asset-type"),
        "category_ids": [id_of(world, "category")],
        "tag_ids": [id_of(world, "tag")],
    },
    "asset-reinstate": empty_body,
    "asset-snapshot-detail": lambda world: {"value": "2"},
    "asset-snapshot-list": lambda world: {"value": "2"},
    "asset-tag": empty_body,
    "asset-transfer": lambda world: {"to_portfolio_id": str(another_portfolio(world).pk)},
    "instrument-action-list": lambda world: {
        "type": "split",
        "on": "2025-01-31",
        "numerator": 2,
        "denominator": 1,
    },
    "asset-ownership": lambda world: {"shares": [{"on": "2025-01-01", "share": "0.5"}]},
    "asset-terms": lambda world: {"valuation": "growth", "rate": "0.04"},
    "instrument-detail": lambda world: {"symbol": "NEW", "name": "New", "currency": "EUR"},
    "instrument-list": lambda world: {
        "household_id": id_of(world, "household"),
        "symbol": "NEW",
        "name": "New",
        "currency": "EUR",
    },
    "asset-value": lambda world: {"value": "2"},
    "category-assets": lambda world: {"asset_id": id_of(world, "asset")},
    "exchange-rate-list": lambda world: {"currency": "USD", "on": "2026-02-01", "units_per_euro": "1.1"},
    "household-detail": lambda world: {"name": "New"},
    "household-invitation-list": lambda world: {"username": "newcomer", "role": "viewer"},
    "household-list": lambda world: {"name": "New"},
    "import-commit": empty_body,
    "import-detail": lambda world: {"options": {"currency": "EUR"}},
    "import-list": lambda world: {
        "file": SimpleUploadedFile("new.csv", b"account,date,balance,currency\nNew,2026-01-31,1,EUR\n"),
        "portfolio_id": id_of(world, "portfolio"),
    },
    "import-undo": empty_body,
    "invitation-accept": empty_body,
    "me": lambda world: {"language": "de", "number_format": None, "date_format": "DD.MM.YYYY"},
    "member-detail": lambda world: {"role": "editor"},
    "password": lambda world: {"current_password": "wrong", "new_password": "staple of a new kind"},
    "portfolio-asset-order": lambda world: {"asset_ids": [id_of(world, "asset")]},
    "portfolio-detail": lambda world: {"name": "New"},
    "portfolio-finding": lambda world: {"reason": "Known."},
    "portfolio-list": lambda world: {"name": "New", "household_id": id_of(world, "household")},
    "portfolio-snapshot-detail": lambda world: {"note": "New"},
    "portfolio-snapshot-list": lambda world: {"on": "2026-01-31"},
    "transaction-batch": lambda world: {
        "rows": [{"asset_id": id_of(world, "asset"), "type": "INCOME", "amount": "1"}]
    },
    "transaction-detail": lambda world: {"type": "EXPENSE"},
    "transaction-list": lambda world: {"type": "INCOME", "amount": "1"},
    "undo": empty_body,
    "instrument-fetch": empty_body,
    "instrument-sources": lambda world: [{"source": world["price-source"].name, "symbol": "NEW"}],
    "price-source-detail": lambda world: {
        "name": "New",
        "source_type": "csv",
        "url": "https://example.org/{symbol}.csv",
    },
    "price-source-list": lambda world: {
        "name": "New",
        "source_type": "csv",
        "url": "https://example.org/{symbol}.csv",
    },
    "instrument-price-list": lambda world: {"on": "2026-01-31", "price": "12.34"},
    "price-batch": lambda world: {
        "on_error": "refuse",
        "rows": [{"instrument_id": id_of(world, "instrument"), "on": "2026-01-31", "price": "12.34"}],
    },
    "value-batch": lambda world: {
        "rows": [{"asset_id": id_of(world, "asset"), "on": "2026-01-31", "value": "2"}]
    },
}
FORMATS = {
    "archive-list": "multipart",
    "import-list": "multipart",
}  # of bodies that are not JSON, by route name
QUERIES: dict[str, dict[str, str]] = {}  # required query parameters of a GET, by route name
