"""SQL written by hand, for SQLite and PostgreSQL: through the ORM, reading a million values takes minutes.

These modules know tables and columns, but not what is calculated from them. Amounts are in ten-thousandths, days are
dates and ids are UUIDs, on both databases.
"""

from assets.valuation.sql.deltas import OTHERS, DeltaKey, add_deltas, deltas_by_day, deltas_by_period
from assets.valuation.sql.months import values_at_the_ends, values_in_months, write_months
from assets.valuation.sql.points import (
    FIRST_DAY,
    NEWEST_DAY,
    NEWEST_VALUE,
    Point,
    amounts_on,
    given_points,
    sums_on,
)

__all__ = [
    "FIRST_DAY",
    "NEWEST_DAY",
    "NEWEST_VALUE",
    "OTHERS",
    "DeltaKey",
    "Point",
    "add_deltas",
    "amounts_on",
    "deltas_by_day",
    "deltas_by_period",
    "given_points",
    "sums_on",
    "values_at_the_ends",
    "values_in_months",
    "write_months",
]
