"""The statements written by hand, for SQLite and PostgreSQL: read by way of models, a million values take minutes.

They know tables and columns, and nothing of what is made of them. Amounts are ten-thousandths, days are dates and
ids are UUIDs on both sides, whichever the database.
"""

from assets.valuation.sql.deltas import DeltaKey, add_deltas, deltas_by_day, deltas_by_period
from assets.valuation.sql.months import values_at_the_ends, values_in_months, write_months

__all__ = [
    "DeltaKey",
    "add_deltas",
    "deltas_by_day",
    "deltas_by_period",
    "values_at_the_ends",
    "values_in_months",
    "write_months",
]
