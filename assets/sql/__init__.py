"""The statements written by hand, for SQLite and PostgreSQL: read by way of models, a million values take minutes.

They know tables and columns, and nothing of what is made of them. Amounts are ten-thousandths, days are dates and
ids are UUIDs on both sides, whichever the database.
"""

from assets.sql.months import values_at_the_ends, values_in_months, values_of_months, write_months
from assets.sql.parts import Month, Values, whole
from assets.sql.rates import rates_in
from assets.sql.steps import Kind, add_steps, steps_by_day, steps_by_period
from assets.sql.totals import amounts_on, sums_on
from assets.sql.values import values_around, values_between

__all__ = [
    "Kind",
    "Month",
    "Values",
    "add_steps",
    "amounts_on",
    "rates_in",
    "steps_by_day",
    "steps_by_period",
    "sums_on",
    "values_around",
    "values_at_the_ends",
    "values_between",
    "values_in_months",
    "values_of_months",
    "whole",
    "write_months",
]
