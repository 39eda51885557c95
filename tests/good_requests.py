"""Whose rows each route is about, and what a good request to it sends."""

from __future__ import annotations

HAS_NO_ROWS = {
    "public": {"live", "ready", "version", "openapi"},
    "everybody's": {"routes"},
    "login": {"login"},  # test_tokens, test_lockout
    "the caller's own": {"me", "password", "token-list", "invitation-list"},
}
WHOSE = {
    **HAS_NO_ROWS,
    "one user's": {"token-detail", "invitation-detail", "invitation-accept"},
    "shared": {"exchange-rate-list", "exchange-rate-detail"},
    "the household's": {
        "allocation",
        "allocation-chart.png",
        "allocation-chart.svg",
        "allocation-target-detail",
        "allocation-target-history",
        "allocation-target-list",
        "asset-category",
        "asset-detail",
        "asset-dispose",
        "asset-history",
        "asset-list",
        "asset-reinstate",
        "asset-snapshot-detail",
        "asset-snapshot-history",
        "asset-snapshot-list",
        "asset-tag",
        "asset-type-detail",
        "asset-type-history",
        "asset-type-list",
        "category-assets",
        "category-children",
        "category-detail",
        "category-history",
        "category-list",
        "change",
        "household-detail",
        "household-history",
        "household-invitation-list",
        "household-list",
        "member-detail",
        "member-list",
        "net-worth",
        "net-worth-chart.png",
        "net-worth-chart.svg",
        "portfolio-allocation",
        "portfolio-allocation-chart.png",
        "portfolio-allocation-chart.svg",
        "portfolio-change",
        "portfolio-detail",
        "portfolio-history",
        "portfolio-list",
        "portfolio-net-worth",
        "portfolio-net-worth-chart.png",
        "portfolio-net-worth-chart.svg",
        "portfolio-finding",
        "portfolio-quality",
        "portfolio-snapshot-detail",
        "portfolio-snapshot-history",
        "portfolio-snapshot-list",
        "tag-detail",
        "tag-history",
        "tag-list",
        "transaction-detail",
        "transaction-history",
        "transaction-list",
    },
}


def key(world, thing) -> str:
    return str(world[thing].pk)


def nothing(world) -> dict:
    return {}


BODIES = {
    "allocation-target-detail": lambda world: {"share": "0.2"},
    "allocation-target-list": lambda world: {
        "share": "0.2",
        "tag_id": key(world, "tag"),
        "portfolio_id": key(world, "portfolio"),
    },
    "asset-category": nothing,
    "asset-detail": lambda world: {"name": "New", "portfolio_id": key(world, "portfolio")},
    "asset-dispose": lambda world: {"on": "2199-12-31"},
    "asset-list": lambda world: {
        "name": "New",
        "portfolio_id": key(world, "portfolio"),
        "asset_type_id": key(world, "asset-type"),
        "category_ids": [key(world, "category")],
        "tag_ids": [key(world, "tag")],
    },
    "asset-reinstate": nothing,
    "asset-snapshot-detail": lambda world: {"value": "2"},
    "asset-snapshot-list": lambda world: {"value": "2"},
    "asset-tag": nothing,
    "asset-type-detail": lambda world: {"label": "New"},
    "asset-type-list": lambda world: {"code": "NEW", "label": "New", "household_id": key(world, "household")},
    "category-assets": lambda world: {"asset_id": key(world, "asset")},
    "category-detail": lambda world: {"name": "New"},
    "category-list": lambda world: {"name": "New", "household_id": key(world, "household")},
    "exchange-rate-list": lambda world: {"currency": "USD", "on": "2026-02-01", "units_per_euro": "1.1"},
    "household-detail": lambda world: {"name": "New"},
    "household-invitation-list": lambda world: {"username": "newcomer", "role": "viewer"},
    "household-list": lambda world: {"name": "New"},
    "invitation-accept": nothing,
    "member-detail": lambda world: {"role": "editor"},
    "password": lambda world: {"current_password": "wrong", "new_password": "staple of a new kind"},
    "portfolio-detail": lambda world: {"name": "New"},
    "portfolio-finding": lambda world: {"reason": "Known."},
    "portfolio-list": lambda world: {"name": "New", "household_id": key(world, "household")},
    "portfolio-snapshot-detail": lambda world: {"note": "New"},
    "portfolio-snapshot-list": lambda world: {"on": "2026-01-31"},
    "tag-detail": lambda world: {"name": "New"},
    "tag-list": lambda world: {"name": "New", "household_id": key(world, "household")},
    "transaction-detail": lambda world: {"type": "EXPENSE"},
    "transaction-list": lambda world: {"type": "INCOME", "amount": "1"},
}
QUERIES: dict[str, dict[str, str]] = {}  # what a GET of a route needs in its query, by the route's name
