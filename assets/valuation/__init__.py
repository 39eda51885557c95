"""The value of these assets on these days: the one interface between what is stored and every report.

Nothing outside of this package knows where a value comes from: see assets.valuation.protocol for the sources of values,
and assets.valuation.registry for which source values an asset.

The caller checks permissions: the ids of portfolios and assets must have come through `for_user`.
"""

from assets.valuation.current import with_current_value, with_first_value
from assets.valuation.protocol import EditTarget, ValueDays
from assets.valuation.reading import (
    COLUMNS,
    GROUPINGS,
    LABELS,
    AssetRef,
    amounts_on,
    asset_refs,
    totals_on,
    value_series,
)
from assets.valuation.registry import computes, edit_targets, value_days
from assets.valuation.series import Totals, ValueSeries

__all__ = [
    "COLUMNS",
    "GROUPINGS",
    "LABELS",
    "AssetRef",
    "EditTarget",
    "Totals",
    "ValueDays",
    "ValueSeries",
    "amounts_on",
    "asset_refs",
    "computes",
    "edit_targets",
    "totals_on",
    "value_days",
    "value_series",
    "with_current_value",
    "with_first_value",
]
