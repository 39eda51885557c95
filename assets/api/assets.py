"""The API of assets: how they are read and written, labelled, disposed of and reinstated."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.filters import by_portfolio, category_filter, disposed_filter, read_id, type_filter
from assets.models import Asset
from assets.models.classification import Group
from assets.models.querysets import AssetQuerySet
from assets.services import disposal, labels
from assets.services.assets import ASSETS, create_asset
from assets.valuation import with_current_value
from portfolios.api.schema import in_path
from portfolios.models import Portfolio
from strata.api.fields import (
    BooleanSerializerField,
    CurrencySerializerField,
    DaySerializerField,
    ExactSerializerField,
    InstantSerializerField,
    ListSerializerField,
    MoneySerializerField,
    UUIDSerializerField,
)
from strata.api.history import EventSerializer
from strata.api.http.csv_renderer import TableRenderer
from strata.api.http.etags import etag_of
from strata.api.pagination import JournalCursorPaginator
from strata.api.parameters import (
    AS_OF,
    KNOWN_AT,
    UUID_SCHEMA,
    Parameter,
    choice,
    choice_filter,
    currency_filter,
    day_filter,
    id_filter,
    read_bool,
    read_text,
    search_filter,
)
from strata.api.serializers import HouseholdSerializer, StrictSerializer
from strata.api.views import path_id
from strata.api.viewsets import HouseholdModelViewSet, HouseholdViewSet
from strata.exceptions import Invalid, NotFound
from strata.fields.numbers import money_text, plain
from strata.tenancy.guards import rows_are_locked
from strata.tenancy.querysets import Owned

if TYPE_CHECKING:
    from assets.valuation.current import AssetWithValue

instant = InstantSerializerField().to_representation


class TypeOfAsset(StrictSerializer):
    id = UUIDSerializerField()
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # a field of this name, not the label of one
    group = serializers.CharField()


class NamedRow(StrictSerializer):
    id = UUIDSerializerField()
    name = serializers.CharField()


class BranchRow(NamedRow):
    parent_id = UUIDSerializerField(allow_null=True)


class FirstValue(StrictSerializer):
    """The first value of a new asset and its moment, which may be sent with the asset's own fields."""

    value = MoneySerializerField(write_only=True, required=False)
    observed_at = InstantSerializerField(write_only=True, required=False)
    on = DaySerializerField(write_only=True, required=False)


class LabelIds(ListSerializerField):
    """Ids of categories or tags. The list may exceed the limit for an asset: one that has more can lose some."""

    child = UUIDSerializerField()

    def __init__(self, **kwargs: Any) -> None:
        about = f"At most {labels.MOST_LABELS}; an asset that has more keeps them."
        super().__init__(write_only=True, required=False, max_length=1000, help_text=about, **kwargs)


def labels_shown(assets: Collection[UUID]) -> dict[UUID, dict[str, list[dict[str, str | None]]]]:
    """The categories and tags of each asset as the API shows them; a label of many assets is one object."""
    categories = labels.labels_of(assets, labels.CATEGORY_LABELS)
    tags = labels.labels_of(assets, labels.TAG_LABELS)
    category_shown = cache(
        lambda category: {
            "id": str(category.id),
            "name": category.name,
            "parent_id": category.parent_id and str(category.parent_id),
        }
    )
    tag_shown = cache(lambda tag: {"id": str(tag.id), "name": tag.name})
    return {
        pk: {
            "categories": [category_shown(category) for category in categories.get(pk, ())],
            "tags": [tag_shown(tag) for tag in tags.get(pk, ())],
        }
        for pk in assets
    }


LARGEST_PAGE = 8 * 2**20  # bytes of JSON


class AssetListSerializer(serializers.ListSerializer[Asset]):
    """Reads the categories and tags of a page together, and refuses a page that would be too large."""

    def to_representation(self, data: Any) -> list[dict[str, Any]]:
        rows: list[Asset] = list(data)
        cast("AssetSerializer", self.child).labels = labels_shown([row.pk for row in rows])
        page = super().to_representation(rows)
        if self.context["request"].accepted_renderer.format == TableRenderer.format:
            return page  # a CSV has no pages
        size = size_of(page) if may_be_large(page) else 0
        if size > LARGEST_PAGE and len(page) > 1:
            message = f"These assets are more than 8 MiB: ask for at most {len(page) * LARGEST_PAGE // size} a page."
            raise Invalid("page_size", message, "too_much")
        return page


def may_be_large(page: list[dict[str, Any]]) -> bool:
    """Whether the page must be measured: a character of a note takes at most 6 bytes, a label at most 1,000."""
    labels = sum(len(row["categories"]) + len(row["tags"]) for row in page)
    return 6 * sum(len(row["notes"]) for row in page) + 1000 * labels + 4000 * len(page) > LARGEST_PAGE


def size_of(page: list[dict[str, Any]]) -> int:
    """The size of the page as JSON, in bytes. A label that many assets have is measured once."""
    labels = {id(label): label for row in page for label in (*row["categories"], *row["tags"])}
    sizes = {key: len(as_json(label)) for key, label in labels.items()}
    own = sum(len(as_json(row | {"categories": [], "tags": []})) for row in page)
    return own + sum(sizes[id(label)] + 1 for row in page for label in (*row["categories"], *row["tags"]))


as_json = JSONRenderer().render


class AssetSerializer(FirstValue, HouseholdSerializer):
    """Requests have ids (`portfolio_id`, `asset_type_id`, `category_ids`, `tag_ids`), answers have the rows."""

    portfolio_id = UUIDSerializerField(
        write_only=True,
        help_text="Another one moves the asset with its whole past: values, transactions and totals of all days.",
    )
    asset_type_id = UUIDSerializerField(write_only=True)
    currency = CurrencySerializerField(required=False)
    quantity = ExactSerializerField(required=False, allow_null=True)
    category_ids = LabelIds()
    tag_ids = LabelIds()
    disposed = BooleanSerializerField(read_only=True)
    disposed_on = DaySerializerField(read_only=True, allow_null=True)
    current_value = MoneySerializerField(read_only=True, allow_null=True)
    current_value_on = DaySerializerField(read_only=True, allow_null=True)
    asset_type = TypeOfAsset(read_only=True)
    portfolio = NamedRow(read_only=True)
    categories = BranchRow(many=True, read_only=True)
    tags = NamedRow(many=True, read_only=True)
    computed = frozenset({"current_value", "current_value_on", "disposed"})
    set_elsewhere = {
        "asset_type": "Send asset_type_id.",
        "portfolio": "Send portfolio_id.",
        "categories": "Send category_ids.",
        "tags": "Send tag_ids.",
        "disposed": "Use dispose or reinstate.",
        "disposed_on": "Use dispose or reinstate.",
    }

    labels: dict[UUID, dict[str, list[dict[str, str | None]]]] | None = None

    class Meta:
        model = Asset
        list_serializer_class = AssetListSerializer
        fields = (
            "id",
            "name",
            "currency",
            "quantity",
            "notes",
            "kind",
            "acquired_on",
            "disposed",
            "disposed_on",
            "current_value",
            "current_value_on",
            "created_at",
            "updated_at",
            "asset_type",
            "portfolio",
            "categories",
            "tags",
            "portfolio_id",
            "asset_type_id",
            "category_ids",
            "tag_ids",
            "value",
            "observed_at",
            "on",
        )
        validators = ()

    def to_representation(self, row: AssetWithValue) -> dict[str, Any]:
        """Written by hand: going through the serializer's fields takes most of a list's time."""
        portfolio, asset_type = row.portfolio, row.asset_type
        return {
            "id": str(row.pk),
            "name": row.name,
            "currency": row.currency,
            "quantity": None if row.quantity is None else plain(row.quantity),
            "notes": row.notes,
            "kind": row.kind,
            "acquired_on": row.acquired_on and row.acquired_on.isoformat(),
            "disposed": row.disposed_on is not None and row.disposed_on <= row.as_of,
            "disposed_on": row.disposed_on and row.disposed_on.isoformat(),
            "current_value": None if row.current_value is None else money_text(row.current_value),
            "current_value_on": row.current_value_on and row.current_value_on.isoformat(),
            "created_at": instant(row.created_at),
            "updated_at": instant(row.updated_at),
            "asset_type": {
                "id": str(asset_type.pk),
                "code": asset_type.code,
                "label": asset_type.label,
                "group": asset_type.group,
            },
            "portfolio": {"id": str(portfolio.pk), "name": portfolio.name},
            **(self.labels or labels_shown([row.pk]))[row.pk],
        }

    def computed_of(self, row: Asset) -> frozenset[str]:
        """`disposed` depends on today only if a disposal is recorded."""
        return self.computed if row.disposed_on else self.computed - {"disposed"}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        first = attrs.keys() & {"value", "observed_at", "on"}
        if first and self.partial:
            raise serializers.ValidationError({"value": "Only a new asset takes a value; add a snapshot."})
        if first and "value" not in first:
            raise serializers.ValidationError({"value": "A moment needs a value."}, code="required")
        return attrs


class DisposalSerializer(StrictSerializer):
    """`on` is today if it is absent. `proceeds` records one DISPOSE; without it none is recorded."""

    on = DaySerializerField(required=False)
    proceeds = MoneySerializerField(required=False, allow_null=True)

    def validate_proceeds(self, value: Decimal | None) -> Decimal | None:
        if value is not None and value < 0:
            raise serializers.ValidationError("Proceeds are not negative.")
        return value


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


def with_values(rows: AssetQuerySet[Asset], user: Any, on: date | None = None) -> AssetQuerySet[Asset]:
    """The assets with what their answers show of their values. All of them are the user's."""
    return with_current_value(rows, on, portfolios=Portfolio.objects.for_user(user))


def require_visible_asset(pk: UUID, user: Any) -> None:
    """Raises NotFound where the user may not see the asset."""
    if not Asset.objects.for_user(user).filter(pk=pk).exists():
        raise NotFound("asset")


def asset_response(view: HouseholdViewSet, asset: Asset) -> Response:
    """The asset as its GET shows it, for a view of another resource."""
    user = view.request.user
    row = with_values(AssetViewSet.queryset.all().for_user(user), user).get(pk=asset.pk)
    data = AssetSerializer(row, context=view.get_serializer_context()).data
    return Response(data, headers={"ETag": etag_of(data)})


class AssetViewSet(HouseholdModelViewSet):
    resource_name = "asset"
    service = ASSETS
    queryset = Asset.objects.select_related("portfolio", "asset_type")
    serializer_class = AssetSerializer
    parameters = {
        "portfolio": by_portfolio("portfolio"),
        "portfolio_id": by_portfolio("portfolio_id", "The same as portfolio."),
        "type": Parameter(read_text, type_filter, about="A type's code or id."),
        "group": choice_filter("asset_type__group", Group.values),
        "category": Parameter(read_id, category_filter, UUID_SCHEMA, "With all categories below it."),
        "tag": id_filter("tags"),
        "currency": currency_filter(),
        "disposed": Parameter(read_bool, disposed_filter, {"type": "boolean"}, many=False),
        "acquired_from": day_filter("acquired_on__gte"),
        "acquired_to": day_filter("acquired_on__lte"),
        "disposed_from": day_filter("disposed_on__gte"),
        "disposed_to": day_filter("disposed_on__lte"),
        "search": search_filter("name_key__has_part", "notes"),
        "on": AS_OF,
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
    }

    def get_queryset(self) -> QuerySet[Asset]:
        rows = cast("AssetQuerySet[Asset]", super().get_queryset().order_by("name_key", "id"))
        if self.action == "history":
            return rows  # history needs only to know that the row exists
        return with_values(rows, self.request.user, self.as_of)

    def shown(self, row: Asset) -> Mapping[str, Any]:
        """With its present value, which a locked row does not have."""
        try:
            row = self.get_row(row.pk)
        except NotFound:
            # Its type, which all share and no lock guards, may be deleted: the error names it.
            if rows_are_locked():
                connection.check_constraints()
            raise
        return super().shown(row)

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
        rows = super().filter_queryset(queryset)
        return rows.distinct() if "tag" in self.request.query_params else rows

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
