"""SQL that reads the rates of several currencies in several spans of days."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from datetime import date
from uuid import UUID

from django.db import connection

from strata.db.params import CODES, DAY, DAYS, Days, fetch_rows, parse_id, span_params


def rates_version() -> UUID | None:
    """Changes with every write of rates (assets.models.RatesVersion); None where there is no row."""
    return next((parse_id(version) for (version,) in fetch_rows(_VERSION, [])), None)


_VERSION = "SELECT version FROM assets_ratesversion"
# Looks up each span in the index: without OFFSET 0 PostgreSQL compares every rate with every span.
_RATES_OF_A_SPAN = {
    "sqlite": """CROSS JOIN assets_exchangerate r
        WHERE r.currency = wanted.code AND r."on" >= span.eve AND r."on" <= span.on_day""",
    "postgresql": """CROSS JOIN LATERAL (
        SELECT * FROM assets_exchangerate e
        WHERE e.currency = wanted.code AND e."on" >= span.eve AND e."on" <= span.on_day OFFSET 0
    ) AS r""",
}
# For currencies with a lasting rate, the last rate before a span: it may still hold. A demo rate never ends one.
_RATES_BEFORE_A_SPAN = """wanted
    JOIN (
        SELECT currency, MIN("on") AS since FROM assets_exchangerate WHERE {lasting} GROUP BY currency
    ) lasting_rate ON lasting_rate.currency = wanted.code
    JOIN span ON span.eve > lasting_rate.since
    JOIN assets_exchangerate r ON r.currency = wanted.code AND r."on" = (
        SELECT MAX(n."on") FROM assets_exchangerate n
        WHERE n.currency = wanted.code AND n."on" < span.eve AND n.source <> 'demo'
    )"""
# Written exactly as in the partial index of lasting rates: otherwise SQLite does not use it and reads all rates.
_LASTING = {"sqlite": '"lasting" = 1', "postgresql": "lasting"}
_COLUMNS = (
    'r.currency, r."on", CAST(r.units_per_euro AS TEXT) AS units, r.source, r.lasting, r.recorded_at, r.id'
)
_RATES = {
    vendor: f"""
    WITH wanted AS ({CODES[vendor]}), span AS ({DAYS[vendor]}),
    rate AS (
        SELECT {_COLUMNS} FROM wanted CROSS JOIN span {_RATES_OF_A_SPAN[vendor]}
        UNION ALL SELECT {_COLUMNS} FROM {_RATES_BEFORE_A_SPAN.format(lasting=_LASTING[vendor])}
    )
    SELECT currency, {DAY[vendor].format('"on"')}, units, source, lasting
    FROM rate ORDER BY currency, "on", recorded_at, id"""  # noqa: S608 - constants only
    for vendor in CODES
}


def rates_in(
    currencies: Collection[str], spans: Sequence[tuple[date, date]]
) -> Iterator[tuple[str, date, str, str, bool]]:
    """(currency, day, units per euro as stored, source, lasting) of each span, and of earlier rates that still hold.

    The rates of one currency and day are in the order of recording.
    """
    codes = list(currencies) if connection.vendor == "postgresql" else json.dumps(list(currencies))
    days = Days()
    for currency, on, units, source, lasting in fetch_rows(
        _RATES[connection.vendor], [codes, *span_params(spans)]
    ):
        yield currency, days[on], units, source, bool(lasting)
