"""The API of assets: how they are read and written, labelled, disposed of and reinstated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, cast
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api import asset_rows
from assets.api.asset_rows import AssetRow
from assets.api.asset_serializers import AssetSerializer, DisposalSerializer
from assets.api.filters import (
    ASSET_FILTERS,
    PORTFOLIO_ID,
    disposed_filter,
    institution_filter,
    read_institution,
)
from assets.api.names import PORTFOLIOS
from assets.models import Asset
from assets.models.querysets import TIME_ZONES_OF_USER, AssetQuerySet, same_today
from assets.services import disposal, labels
from assets.services.asset_order import asset_order
from assets.services.assets import ASSETS, create_asset
from assets.valuation import computes, with_current_value
from portfolios.api.schema import in_path
from portfolios.models import Portfolio
from strata.api.history import EventSerializer
from strata.api.names import name_filter
from strata.api.pagination import JournalCursorPaginator
from strata.api.parameters import (
    KNOWN_AT,
    ON,
    TEXT,
    Parameter,
    choice,
    day_filter,
    read_bool,
    search_filter,
)
from strata.api.views import path_id
from strata.api.viewsets import HouseholdModelViewSet
from strata.exceptions import Invalid, NotFound
from strata.tenancy.guards import rows_are_locked
from strata.tenancy.querysets import Owned

WITH_CHILDREN = {
    "include": choice(["children"], "With the changes of its values, transactions, categories and tags.")
}


NOTICE = "Strata-Notice"
MOVED = (
    "The whole past of the asset has moved with it: totals of days gone by have changed in both portfolios."
)
MOVED_OUT = (
    "The asset is in another household now, with its whole past: members of the one that it came from no longer see"
    " it, and totals of days gone by have changed in both portfolios."
)
moves_its_past = extend_schema(
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


def day_scope(user: Any, on: date | None = None) -> dict[str, Any]:
    """What current values depend on: the day, by default today. The zones in place of it, where today is two days."""
    zones = frozenset(() if on else TIME_ZONES_OF_USER(user.pk))
    day = on or same_today(zones)
    return {"on": day} if day else {"zones": zones}


class AssetViewSet(HouseholdModelViewSet):
    resource_name = "asset"
    service = ASSETS
    queryset = Asset.objects.select_related("portfolio", "asset_type")
    serializer_class = AssetSerializer
    parameters = {
        **ASSET_FILTERS,
        "portfolio_id": PORTFOLIO_ID,
        "name": name_filter(),
        "institution": Parameter(
            read_institution, institution_filter, TEXT, 'In any spelling; "none" for assets without one.'
        ),
        "disposed": Parameter(
            read_bool,
            disposed_filter,
            {"type": "boolean"},
            "Whether it has been sold or given away.",
            many=False,
        ),
        "acquired_from": day_filter("acquired_on__gte", "Acquired on this day or later."),
        "acquired_to": day_filter("acquired_on__lte", "Acquired on this day or earlier."),
        "disposed_from": day_filter("disposed_on__gte", "Sold or given away on this day or later."),
        "disposed_to": day_filter("disposed_on__lte", "Sold or given away on this day or earlier."),
        "search": search_filter("name_key__has_part", "notes"),
        "on": ON,
        "known_at": KNOWN_AT,
    }
    orderings = {
        "name": "name_key",
        "created_at": "created_at",
        "updated_at": "updated_at",
        "acquired_on": "acquired_on",
        "disposed_on": "disposed_on",
        "current_value": "current_value",
        "currency": "currency",
        "own": "own_place name_key",
    }

    @classmethod
    def rows_for(cls, user: Any, **scope: Any) -> QuerySet[Asset]:
        rows = cast("AssetQuerySet[Asset]", super().rows_for(user).order_by("name_key", "id"))
        return with_current_value(rows, **scope) if scope else rows

    @cached_property
    def scope(self) -> dict[str, Any]:
        if self.action == "history":
            return {}  # it needs only to know that the row exists
        return day_scope(self.request.user, self.on)

    def is_prepared(self) -> bool:
        return super().is_prepared() and not computes()

    @classmethod
    def columns_for_list(cls, rows: QuerySet[Asset]) -> QuerySet[Any, Any]:
        return rows.values_list(*AssetRow._fields)

    def page_as_json(self, page: list[Any]) -> list[dict[str, Any]]:
        assets = asset_rows.as_json([AssetRow._make(row) for row in page])
        if not self.is_csv():  # it has no pages
            asset_rows.refuse_large(assets)
        return assets

    def as_json(self, row: Asset) -> Mapping[str, Any]:
        """With its present value, which a locked row does not have."""
        try:
            row = self.get_row(row.pk)
        except NotFound:
            # Its type, which all share and no lock guards, may be deleted: the error names it.
            if rows_are_locked():
                connection.check_constraints()
            raise
        return super().as_json(row)

    def create_row(self, values: dict[str, Any]) -> Asset:
        def precondition(portfolio: Owned) -> None:
            self.require_write_role(portfolio, "portfolio")

        portfolio = self.visible_portfolio(values.pop("portfolio_id"))
        return create_asset(portfolio.pk, **values, precondition=precondition)

    def visible_portfolio(self, pk: UUID) -> Portfolio:
        """Raises NotFound where the caller may not see it, before it is locked."""
        portfolio = Portfolio.objects.for_user(self.request.user).filter(pk=pk).first()
        if portfolio is None:
            raise NotFound("portfolio")
        return portfolio

    def require_visible_references(self, changes: Mapping[str, Any]) -> None:
        if "portfolio_id" in changes:
            self.visible_portfolio(changes["portfolio_id"])

    def update_precondition(self, row: Owned, changes: Mapping[str, Any]) -> None:
        """The caller must also be an editor where the asset moves to."""
        super().update_precondition(row, changes)
        asset, self.notice = cast("Asset", row), None
        destination_id = changes.get("portfolio_id", asset.portfolio_id)
        if destination_id != asset.portfolio_id:
            destination = self.visible_portfolio(destination_id)
            self.require_write_role(destination, "portfolio")
            same = destination.household_id == asset.portfolio.household_id
            self.notice = MOVED if same else MOVED_OUT

    @moves_its_past
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = super().update(request, *args, **kwargs)
        if self.notice:
            response[NOTICE] = self.notice
        return response

    @moves_its_past
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, **kwargs)

    def filter_queryset(self, queryset: Any) -> Any:
        if "own" in self.request.query_params.get("ordering", "").replace("-", "").split(","):
            queryset = queryset.with_own_place(asset_order(self.only_portfolio_asked()))
        return super().filter_queryset(queryset)

    def only_portfolio_asked(self) -> UUID:
        """The portfolio whose order is asked for, by id or name."""
        asked = self.read_parameters()
        named = PORTFOLIOS.ids(asked.get("portfolio", ()), self.request.user, "portfolio")
        ids = {*named, *asked.get("portfolio_id", ())}  # the filter checks that the caller may see the latter
        if len(ids) != 1:
            raise Invalid("ordering", "Each portfolio has its own order: send the one in portfolio=.")
        return cast("UUID", ids.pop())

    @extend_schema(responses=EventSerializer(many=True))
    @action(
        detail=True,
        pagination_class=JournalCursorPaginator,
        serializer_class=EventSerializer,
        parameters=WITH_CHILDREN,
        orderings={},
        is_list_action=True,
    )
    def history(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]  # by the class alone
        return self.journal()

    @extend_schema(request=DisposalSerializer, responses=AssetSerializer)
    @action(detail=True, methods=["post", "put"], url_path="dispose")
    def dispose(self, request: Request, pk: str) -> Response:
        """The asset counts nothing from `on` on (today if absent); `proceeds` records one DISPOSE.

        The same request again is 200. Another day or other proceeds are 409 ALREADY_DISPOSED: reinstate it first.
        """
        self.require_visible()
        body = DisposalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        return self.respond_with(disposal.dispose(self.row_id(), **given, precondition=self.precondition))

    @extend_schema(request=None, responses=AssetSerializer)
    @action(detail=True, methods=["post"], url_path="reinstate")
    def reinstate(self, request: Request, pk: str) -> Response:
        """Undoes a disposal, and deletes the DISPOSE that it recorded."""
        self.require_visible()
        return self.respond_with(disposal.reinstate(self.row_id(), precondition=self.precondition))

    @in_path("tag_id")
    @extend_schema(request=None, responses={200: AssetSerializer, 204: None})
    @action(detail=True, methods=["post", "delete"], url_path="tags/(?P<tag_id>[^/]+)")
    def tag(self, request: Request, pk: str, tag_id: str) -> Response:
        """POST gives the asset the tag, DELETE takes it away."""
        return self.link(labels.TAG_LABELS, tag_id)

    @in_path("category_id")
    @extend_schema(request=None, responses={200: AssetSerializer, 204: None})
    @action(detail=True, methods=["post", "delete"], url_path="categories/(?P<category_id>[^/]+)")
    def category(self, request: Request, pk: str, category_id: str) -> Response:
        """POST puts the asset under the category, DELETE takes it away."""
        return self.link(labels.CATEGORY_LABELS, category_id)

    def link(self, kind: labels.AnyLabelKind, text: str) -> Response:
        """Attach the label (200 with the asset) or detach it (204, even if it was not attached)."""
        self.require_visible()
        label_id, precondition = path_id(text, kind.name), self.precondition
        if self.request.method == "POST":
            asset = labels.attach(self.row_id(), label_id, kind, precondition=precondition)
            return self.respond_with(asset)
        labels.detach(self.row_id(), label_id, kind, precondition=precondition)
        return Response(status=status.HTTP_204_NO_CONTENT)
