"""SQL of reports, written by hand for SQLite and PostgreSQL: through the ORM, reading a million values takes minutes.

These modules know tables and columns, but not what is calculated from them. Amounts are in ten-thousandths, days are
dates and ids are UUIDs, on both databases.
"""

from assets.valuation.sql.deltas import OTHERS, first_day_of_deltas, months_of_deltas
from assets.valuation.sql.forgotten import Forgotten, forgotten_among
from assets.valuation.sql.gaps import gaps_between, gaps_of_assets
from assets.valuation.sql.months import (
    last_values_of_months,
    values_at_the_ends,
    values_in_months,
)
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
    "Forgotten",
    "Point",
    "amounts_on",
    "first_day_of_deltas",
    "forgotten_among",
    "gaps_between",
    "gaps_of_assets",
    "given_points",
    "last_values_of_months",
    "months_of_deltas",
    "sums_on",
    "values_at_the_ends",
    "values_in_months",
]
