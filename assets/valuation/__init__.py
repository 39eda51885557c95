"""The value of these assets on these days: the one interface between what is stored and every report.

Nothing outside of this package knows where a value comes from: see assets.valuation.protocol for the sources of values,
and assets.valuation.registry for which source values an asset.

The caller checks permissions: the ids of portfolios and assets must have come through `for_user`.
"""

from assets.valuation.current import (
    NewestPoint,
    first_value_day,
    newest_points,
    with_current_value,
    with_first_value,
)
from assets.valuation.formulas.shares import ShareChange
from assets.valuation.gaps import count_left_out, price_gaps
from assets.valuation.protocol import (
    EditTarget,
    Gap,
    MissingPrice,
    Origin,
    PriceGap,
    ValueDays,
    source_name,
)
from assets.valuation.reading import (
    COLUMNS,
    GROUPINGS,
    LABELS,
    REF_COLUMNS,
    AssetRef,
    SeriesReader,
    amounts_and_gaps_on,
    amounts_on,
    asset_refs,
    ref_of,
    totals_on,
    value_series,
)
from assets.valuation.registry import (
    edit_targets,
    has_market_price,
    is_by_hand,
    known_flows,
    origins,
    value_days,
    valued_at_market,
    valued_by_hand,
)
from assets.valuation.schedules import Drift, WhatIf, loan_drifts, loan_schedule
from assets.valuation.series import Totals, ValueSeries
from assets.valuation.shared_series import SharedSeries
from assets.valuation.sources.markets import unit_price
from assets.valuation.sources.planned_values import (
    PlannedValues,
    apply_planned,
    read_planned,
    valued_by_hand_alone,
)
from assets.valuation.whole_values import share_changes, whole_series

__all__ = [
    "COLUMNS",
    "GROUPINGS",
    "LABELS",
    "REF_COLUMNS",
    "AssetRef",
    "Drift",
    "EditTarget",
    "Gap",
    "MissingPrice",
    "NewestPoint",
    "Origin",
    "PlannedValues",
    "PriceGap",
    "SeriesReader",
    "ShareChange",
    "SharedSeries",
    "Totals",
    "ValueDays",
    "ValueSeries",
    "WhatIf",
    "amounts_and_gaps_on",
    "amounts_on",
    "apply_planned",
    "asset_refs",
    "count_left_out",
    "edit_targets",
    "first_value_day",
    "has_market_price",
    "is_by_hand",
    "known_flows",
    "loan_drifts",
    "loan_schedule",
    "newest_points",
    "origins",
    "price_gaps",
    "read_planned",
    "ref_of",
    "share_changes",
    "source_name",
    "totals_on",
    "unit_price",
    "value_days",
    "value_series",
    "valued_at_market",
    "valued_by_hand",
    "valued_by_hand_alone",
    "whole_series",
    "with_current_value",
    "with_first_value",
]
