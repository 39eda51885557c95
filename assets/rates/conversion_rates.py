"""The legal rates at which currencies were replaced by the euro: units for one euro, fixed from the day of joining.

Article 1 of Council Regulation (EC) No 2866/98 of 31 December 1998 (OJ L 359, 31.12.1998, p. 1) as amended by
Regulations (EC) No 1478/2000 (GRD), 1086/2006 (SIT), 1134/2007 and 1135/2007 (CYP, MTL), 694/2008 (SKK), (EU) No
671/2010 (EEK), 870/2013 (LVL), 851/2014 (LTL), 2022/1208 (HRK) and that of 8 July 2025 (BGN). A test compares them
with the last reference rates of the European Central Bank.

For a currency that joins later: add it here, and a migration that calls `add_conversion_rates` again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

JOINED = {
    date(1999, 1, 1): {
        "ATS": "13.7603",
        "BEF": "40.3399",
        "DEM": "1.95583",
        "ESP": "166.386",
        "FIM": "5.94573",
        "FRF": "6.55957",
        "IEP": "0.787564",
        "ITL": "1936.27",
        "LUF": "40.3399",
        "NLG": "2.20371",
        "PTE": "200.482",
    },
    date(2001, 1, 1): {"GRD": "340.750"},
    date(2007, 1, 1): {"SIT": "239.640"},
    date(2008, 1, 1): {"CYP": "0.585274", "MTL": "0.429300"},
    date(2009, 1, 1): {"SKK": "30.1260"},
    date(2011, 1, 1): {"EEK": "15.6466"},
    date(2014, 1, 1): {"LVL": "0.702804"},
    date(2015, 1, 1): {"LTL": "3.45280"},
    date(2023, 1, 1): {"HRK": "7.53450"},
    date(2026, 1, 1): {"BGN": "1.95583"},
}


def rate_id(number: int) -> UUID:
    """The same id on every installation, like the ids of shared types."""
    return UUID(f"00000000-0000-7000-8001-{number:012}")


def conversion_rates(recorded_at: datetime) -> Iterator[dict[str, Any]]:
    """The values of ExchangeRate rows: lasting, with the source `ecb`."""
    rates = [(code, on, units) for on, joined in JOINED.items() for code, units in joined.items()]
    for number, (code, on, units) in enumerate(rates, start=1):
        yield {
            "id": rate_id(number),
            "currency": code,
            "on": on,
            "units_per_euro": Decimal(units),
            "source": "ecb",
            "lasting": True,
            "recorded_at": recorded_at,
        }


def add_conversion_rates(rates: Any, recorded_at: datetime) -> None:
    """Add the rates that are not stored yet. `rates` is a migration's plain queryset: nothing goes to the journal."""
    rows = list(conversion_rates(recorded_at))
    known = set(rates.filter(id__in=[row["id"] for row in rows]).values_list("id", flat=True))
    rates.bulk_create(rates.model(**row) for row in rows if row["id"] not in known)
