"""The rates of some currencies in some spans of days."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date

from django.db import connection

from assets.sql.parts import CODES, DAY, DAYS, Days, fetched, told_spans

# Span by span in the index: left to itself, PostgreSQL compares every rate with every span.
_RATES_OF_A_SPAN = {
    "sqlite": """CROSS JOIN assets_exchangerate r
        WHERE r.currency = wanted.code AND r."on" >= span.eve AND r."on" <= span.on_day""",
    "postgresql": """CROSS JOIN LATERAL (
        SELECT * FROM assets_exchangerate e
        WHERE e.currency = wanted.code AND e."on" >= span.eve AND e."on" <= span.on_day OFFSET 0
    ) AS r""",
}
_RATES = {
    vendor: f"""
    WITH wanted AS ({CODES[vendor]}), span AS ({DAYS[vendor]})
    SELECT r.currency, {DAY[vendor].format('r."on"')}, CAST(r.units_per_euro AS TEXT), r.source
    FROM wanted CROSS JOIN span {_RATES_OF_A_SPAN[vendor]}
    ORDER BY r.currency, r."on", r.recorded_at, r.id"""  # noqa: S608 - made of our own words
    for vendor in CODES
}


def rates_in(
    currencies: Collection[str], spans: Sequence[tuple[date, date]]
) -> Iterator[tuple[str, date, str, str]]:
    """(currency, day, units per euro as they are stored, source); of one day what was recorded later comes later."""
    codes = list(currencies) if connection.vendor == "postgresql" else json.dumps(list(currencies))
    days = Days()
    for currency, on, units, source in fetched(_RATES[connection.vendor], [codes, *told_spans(spans)]):
        yield currency, days[on], units, source
