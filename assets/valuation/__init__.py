"""The value of these assets on these days: the one interface between what is stored and every report.

Today values come from snapshots; other sources of values will be added here, and the layers above will not change.

The caller checks permissions: the portfolio ids must have come through `for_user`.
"""

from assets.valuation.current import with_current_value
from assets.valuation.reading import (
    COLUMNS,
    GROUPINGS,
    LABELS,
    AssetRef,
    amounts_on,
    asset_refs,
    first_day,
    totals_on,
    value_series,
)

__all__ = [
    "COLUMNS",
    "GROUPINGS",
    "LABELS",
    "AssetRef",
    "amounts_on",
    "asset_refs",
    "first_day",
    "totals_on",
    "value_series",
    "with_current_value",
]
