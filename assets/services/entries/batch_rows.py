"""What the batches of values and of transactions share: rows of assets, refused by their numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from django.core.exceptions import ValidationError

from assets.models import Asset
from portfolios.models import Portfolio
from strata.audit.batches import record_batch
from strata.audit.models import Action
from strata.exceptions import Invalid, StrataError
from strata.tenancy.batches import Refusals
from strata.tenancy.writes import Precondition


class RowOfAnAsset(Protocol):
    @property
    def asset_id(self) -> UUID: ...


def refuse_by_asset(
    rows: Mapping[int, RowOfAnAsset],
    assets: Mapping[UUID, Asset],
    precondition: Precondition,
    refusals: Refusals,
) -> None:
    """Ask the precondition once for each asset, and refuse all rows of an asset that it refuses."""
    errors: dict[UUID, StrataError] = {}
    for pk, asset in assets.items():
        try:
            precondition(asset)
        except StrataError as error:
            error.field = error.field or "asset_id"
            errors[pk] = error
    if not errors:
        return
    for number, row in rows.items():
        if row.asset_id in errors:
            refusals.add(number, errors[row.asset_id])


def invalid_row(error: ValidationError, field: str) -> Invalid:
    """The refusal that names the field of the error, or `field` where it names none."""
    if hasattr(error, "error_dict"):
        field, (error, *_) = next(iter(error.error_dict.items()))
    return Invalid(field, error.messages[0], error.code or "invalid")


def record_batch_of_portfolios(assets: list[Asset], action: Action) -> None:
    """The entry of each portfolio; `assets` has the asset of each row that was written."""
    counts = Counter(asset.portfolio_id for asset in assets)
    record_batch(Portfolio, counts, action)
