"""The API of assets: how they are read and written, labelled, disposed of and reinstated."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from assets.api.filters import by_portfolio, category_filter, disposed_filter, read_id, type_filter
from assets.models import Asset, AssetSnapshot, AssetType
from assets.models.classification import Group
from assets.models.querysets import AssetQuerySet
from assets.services import classification, disposal
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
    checked,
)
from strata.api.history import EventSerializer
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
from strata.api.serializers import HouseholdSerializer, RelatedId, StrictSerializer
from strata.api.views import path_id
from strata.api.viewsets import HouseholdModelViewSet
from strata.audit.clock import written_at
from strata.exceptions import Conflict, Invalid, NotFound
from strata.fields.dates import local_day, resolve_instant_and_day
from strata.fields.numbers import money_text, plain

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
        about = f"At most {classification.MOST_LABELS}; an asset that has more keeps them."
        super().__init__(write_only=True, required=False, max_length=1000, help_text=about, **kwargs)


def labels_shown(assets: Collection[UUID]) -> dict[UUID, dict[str, list[dict[str, str | None]]]]:
    """The categories and tags of each asset as the API shows them; a label of many assets is one object."""
    categories = classification.labels_of(assets, classification.CATEGORIES)
    tags = classification.labels_of(assets, classification.TAGS)
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

    portfolio_id = RelatedId(
        Portfolio._base_manager,
        "portfolio",
        write_only=True,
        help_text="Another one moves the asset with its whole past: values, transactions and totals of all days.",
    )
    asset_type_id = RelatedId(AssetType.objects, "asset_type", write_only=True)
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
        portfolio = attrs.get("portfolio")
        if portfolio is not None:
            self.require_editor(portfolio)
        if "value" not in attrs and attrs.keys() & {"observed_at", "on"}:
            raise serializers.ValidationError({"value": "A moment needs a value."}, code="required")
        if self.instance is None:
            attrs.setdefault("currency", attrs["portfolio"].base_currency)
        elif attrs.keys() & {"value", "observed_at", "on"}:
            raise serializers.ValidationError({"value": "Only a new asset takes a value; add a snapshot."})
        self._refuse_new_currency(attrs)
        self._refuse_late_acquisition(attrs)
        classification.check_labels(self.instance, attrs)
        return attrs

    def _refuse_new_currency(self, attrs: dict[str, Any]) -> None:
        row = self.instance
        if row is not None and attrs.get("currency", row.currency) != row.currency and row.has_entries():
            raise Conflict("CURRENCY_IN_USE", "It has values or transactions in its currency.", "currency")

    def _refuse_late_acquisition(self, attrs: dict[str, Any]) -> None:
        row, on = self.instance, attrs.get("acquired_on")
        if row and on and row.disposed_on and row.acquired_on != on > row.disposed_on:
            message = f"It lies after {row.disposed_on}, when it was disposed of."
            raise serializers.ValidationError({"acquired_on": message})

    def create(self, attrs: dict[str, Any]) -> Asset:
        categories, tags = attrs.pop("category_ids", ()), attrs.pop("tag_ids", ())
        first = {name: attrs.pop(name) for name in ("value", "observed_at", "on") if name in attrs}
        asset: Asset = super().create(attrs)
        classification.label(asset, category_ids=categories, tag_ids=tags)
        if first:
            moment = (first.get("observed_at"), first.get("on"))
            at, on = checked(resolve_instant_and_day, *moment, asset.portfolio.time_zone, written_at())
            AssetSnapshot.objects.create(asset=asset, value=first["value"], observed_at=at, on=on)
        return asset

    def update(self, asset: Asset, attrs: dict[str, Any]) -> Asset:
        labels = {name: attrs.pop(name) for name in ("category_ids", "tag_ids") if name in attrs}
        changed: Asset = super().update(asset, attrs)
        classification.label(changed, **labels)
        return changed


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


class AssetViewSet(HouseholdModelViewSet):
    resource_name = "asset"
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
        return with_current_value(rows, self.as_of, portfolios=Portfolio.objects.for_user(self.request.user))

    def save_serializer(self, serializer: Any, **given: Any) -> Any:
        portfolio, asset = serializer.validated_data.get("portfolio"), serializer.instance
        self.notice = None
        if asset is not None and portfolio is not None and portfolio.pk != asset.portfolio_id:
            same = portfolio.household_id == asset.portfolio.household_id
            self.notice = MOVED if same else MOVED_OUT
        return super().save_serializer(serializer, **given)

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
    @action(detail=True, pagination_class=JournalCursorPaginator, parameters=WITH_CHILDREN, orderings={})
    def history(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]  # by the class alone
        return self.journal()

    @extend_schema(request=DisposalSerializer, responses=AssetSerializer)
    @action(detail=True, methods=["post", "put"], url_path="dispose")
    def dispose(self, request: Request, pk: str) -> Response:
        """The asset counts nothing from `on` on (today if absent); `proceeds` records one DISPOSE.

        The same request again is 200. Another day or other proceeds are 409 ALREADY_DISPOSED: reinstate it first.
        """
        body = DisposalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asset = self.get_row(pk)
        on = body.validated_data.get("on") or local_day(timezone.now(), asset.portfolio.time_zone)
        disposal.dispose(asset, on=on, proceeds=body.validated_data.get("proceeds"))
        return self.respond_with(asset)

    @extend_schema(request=None, responses=AssetSerializer)
    @action(detail=True, methods=["post"], url_path="reinstate")
    def reinstate(self, request: Request, pk: str) -> Response:
        """Undoes a disposal, and deletes the DISPOSE that it recorded."""
        asset = self.get_row(pk)
        disposal.reinstate(asset)
        return self.respond_with(asset)

    @in_path("tag_id")
    @extend_schema(request=None, responses={200: AssetSerializer, 204: None})
    @action(detail=True, methods=["post", "delete"], url_path="tags/(?P<tag_id>[^/]+)")
    def tag(self, request: Request, pk: str, tag_id: str) -> Response:
        """POST gives the asset the tag, DELETE takes it away."""
        return self.link(pk, classification.TAGS, tag_id)

    @in_path("category_id")
    @extend_schema(request=None, responses={200: AssetSerializer, 204: None})
    @action(detail=True, methods=["post", "delete"], url_path="categories/(?P<category_id>[^/]+)")
    def category(self, request: Request, pk: str, category_id: str) -> Response:
        """POST puts the asset under the category, DELETE takes it away."""
        return self.link(pk, classification.CATEGORIES, category_id)

    def link(self, pk: str, kind: classification.AnyLabelKind, label_id: str) -> Response:
        """Attach the label (200 with the asset) or detach it (204, even if it was not attached)."""
        thing = kind.name
        asset = self.get_row(pk)
        labels = kind.label.objects.for_user(self.request.user).filter(household=asset.portfolio.household_id)
        label = labels.filter(pk=path_id(label_id, thing)).first()
        if label is None:
            raise NotFound(thing)
        if self.request.method == "POST":
            classification.attach(asset, label)
            return self.respond_with(asset)
        classification.detach(asset, label)
        return Response(status=status.HTTP_204_NO_CONTENT)
