"""Databases of the earlier Stratas, as small as they can be."""

from __future__ import annotations

import sqlite3

SCHEMA = """
CREATE TABLE asset_types (id TEXT PRIMARY KEY, code TEXT, label TEXT, "group" TEXT);
CREATE TABLE categories (id TEXT PRIMARY KEY, name TEXT, parent_id TEXT);
CREATE TABLE tags (id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE assets (id TEXT PRIMARY KEY, name TEXT, quantity NUMERIC, disposed BOOLEAN, asset_type_id TEXT{of_assets});
CREATE TABLE asset_snapshots (id TEXT PRIMARY KEY, asset_id TEXT, value NUMERIC, observed_at TEXT, created_at TEXT);
CREATE TABLE portfolio_snapshots (id TEXT PRIMARY KEY, value NUMERIC, observed_at TEXT);
CREATE TABLE transactions (id TEXT PRIMARY KEY, asset_id TEXT, type TEXT, unit_price NUMERIC, quantity NUMERIC,
    currency TEXT, occurred_at TEXT);
CREATE TABLE asset_categories (asset_id TEXT, category_id TEXT);
CREATE TABLE asset_tags (asset_id TEXT, tag_id TEXT);
INSERT INTO asset_types VALUES ('t1', 'CASH', 'Cash', 'FINANCIAL_ASSETS'), ('t2', 'LOAN', 'Loan', 'LIABILITIES');
INSERT INTO categories VALUES ('c1', 'Home', NULL);
INSERT INTO tags VALUES ('g1', 'Shared');
INSERT INTO asset_snapshots VALUES ('s1', 'a1', 12.5, '2024-01-31 12:00:00.000000', ''),
    ('s2', 'a2', {owed}, 1706702400000, ''), ('s3', 'a1', '13', '2024-02-29T12:00:00', '');
INSERT INTO transactions VALUES ('x1', 'a1', 'INCOME', 5, 1, 'EUR', '2024-02-01');
INSERT INTO asset_categories VALUES ('a1', 'c1');
INSERT INTO asset_tags VALUES ('a1', 'g1');
CREATE VIEW everything AS SELECT * FROM assets;
"""
PORTFOLIOS = """
CREATE TABLE portfolios (id TEXT PRIMARY KEY, name TEXT, base_currency TEXT);
INSERT INTO portfolios VALUES ('p1', 'Home', 'CHF');
INSERT INTO assets VALUES ('a1', 'Purse', 1, 0, 't1', 'p1'), ('a2', 'Debt', 1, 0, 't2', 'p1');
"""
ASSETS = "INSERT INTO assets VALUES ('a1', 'Purse', 1, 0, 't1'), ('a2', 'Debt', 1, 0, 't2');"


def strata_database(*, has_portfolios: bool, more: str = "") -> bytes:
    """What is owed has a sign only in the one with portfolios."""
    connection = sqlite3.connect(":memory:")
    of_assets = ", portfolio_id TEXT" if has_portfolios else ""
    connection.executescript(SCHEMA.format(of_assets=of_assets, owed="-900" if has_portfolios else "900"))
    connection.executescript((PORTFOLIOS if has_portfolios else ASSETS) + more)
    data = connection.serialize()
    connection.close()
    return data
