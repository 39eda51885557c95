"""Moving an asset: a PUT or PATCH of its `portfolio_id`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.response import Response

from assets.models import Asset
from portfolios.models import Portfolio
from strata.api.viewsets import UpdateMixin
from strata.exceptions import NotFound
from strata.tenancy.querysets import Owned

NOTICE = "Strata-Notice"
MOVED = (
    "The whole past of the asset has moved with it: totals of days gone by have changed in both portfolios."
)
MOVED_OUT = (
    "The asset is in another household now, with its whole past: members of the one that it came from no longer see"
    " it, and totals of days gone by have changed in both portfolios."
)
has_notice = extend_schema(
    parameters=[
        OpenApiParameter(
            NOTICE,
            str,
            OpenApiParameter.HEADER,
            description="Only where `portfolio_id` has moved the asset: that its whole past has moved with it,"
            " and that it is in another household now, where it is.",
            response=[200],
        )
    ]
)


@extend_schema_view(update=has_notice, partial_update=has_notice)
class AssetMovesMixin(UpdateMixin):
    """The caller must be an editor in both portfolios. The answer says in a header what has moved."""

    notice: str | None = None  # what the header says; None where the asset stays

    def require_visible_references(self, changes: Mapping[str, Any]) -> None:
        if "portfolio_id" in changes:
            self.visible_portfolio(changes["portfolio_id"])

    def update_precondition(self, row: Owned, changes: Mapping[str, Any]) -> None:
        super().update_precondition(row, changes)
        asset = cast("Asset", row)
        destination_id = changes.get("portfolio_id", asset.portfolio_id)
        if destination_id != asset.portfolio_id:
            destination = self.visible_portfolio(destination_id)
            self.require_write_role(destination, "portfolio")
            # Only the locked row says for certain where it was.
            is_in_same_household = destination.household_id == asset.portfolio.household_id
            self.notice = MOVED if is_in_same_household else MOVED_OUT

    def visible_portfolio(self, pk: UUID) -> Portfolio:
        portfolio = Portfolio.objects.for_user(self.request.user).filter(pk=pk).first()
        if portfolio is None:
            raise NotFound("portfolio")
        return portfolio

    def respond_with(self, row: Any, code: int = status.HTTP_200_OK) -> Response:
        response = super().respond_with(row, code)
        if self.notice:
            response[NOTICE] = self.notice
        return response
