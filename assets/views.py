"""The API of assets: what there is, what it was worth, how it is sorted."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.utils import timezone
from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from assets import movements, taxonomy
from assets.classification.tree import subtree
from assets.models import (
    Asset,
    AssetSnapshot,
    AssetType,
    Category,
    ExchangeRate,
    Tag,
)
from assets.models import Transaction as AssetTransaction
from assets.models.market import RATES_STAND, WHO_ADDS_RATES
from assets.models.taxonomy import Group
from assets.serializers import (
    AssetSerializer,
    AssetSnapshotSerializer,
    AssetTypeSerializer,
    AttachSerializer,
    CategorySerializer,
    DisposalSerializer,
    ExchangeRateSerializer,
    TagSerializer,
    TransactionSerializer,
)
from assets.services.locks import locked_asset
from portfolios.api.mixins import InHousehold
from portfolios.models import Portfolio
from strata.api.fields import UUIDSerializerField
from strata.api.filters import (
    AS_OF,
    KNOWN_AT,
    UUID_SCHEMA,
    Parameter,
    by_choice,
    by_currency,
    by_day,
    by_id,
    choice,
    read_bool,
    read_text,
    searching,
)
from strata.api.pagination import Cursor, JournalCursor
from strata.api.viewsets import (
    CANONICAL_ID,
    EventSerializer,
    HouseholdModelViewSet,
    HouseholdViewSet,
    path_id,
)
from strata.days import local_day
from strata.exceptions import Conflict, Forbidden, NotFound
from strata.guards import Guards


def in_path(*names: str):
    return extend_schema(parameters=[OpenApiParameter(name, str, OpenApiParameter.PATH) for name in names])


def by_portfolio(name: str, about: str = "") -> Parameter:
    """404 for a portfolio that the caller cannot see, as the earlier API had it."""

    def apply(rows, ids, view):
        portfolios = Portfolio.objects.for_user(view.request.user)
        if portfolios.filter(pk__in=ids).count() != len(set(ids)):
            raise NotFound("portfolio", name)
        return rows.filter(portfolio__in=ids)

    return Parameter(read_id, apply, UUID_SCHEMA, about)


def category_filter(rows, ids, view):
    """Assets in the categories or anywhere below them."""
    named = Category.objects.for_user(view.request.user).filter(pk__in=ids).values("household")
    # nosemgrep: through-the-door - the households of categories that came through it
    rows_of_trees = Category.objects.filter(household__in=named)
    parents = dict(rows_of_trees.values_list("id", "parent_id"))
    return rows.in_category_tree(subtree([pk for pk in ids if pk in parents], parents))


def type_filter(rows, wanted, view):
    """By code or by id."""
    ids = [text for text in wanted if CANONICAL_ID.fullmatch(text)]
    return rows.filter(asset_type__in=ids) | rows.filter(asset_type__code__in=set(wanted) - set(ids))


def disposed_filter(rows, wanted, view):
    gone = {"disposed_on__lte": F("as_of")}
    return rows.filter(**gone) if wanted[0] else rows.exclude(**gone)


read_id = UUIDSerializerField().to_internal_value


class AssetTypeViewSet(InHousehold, HouseholdModelViewSet):
    thing = "asset_type"
    queryset = AssetType.objects.order_by("code", "id")
    serializer_class = AssetTypeSerializer
    duplicate = ("DUPLICATE_NAME", "code", "The code is taken.")
    parameters = {
        "group": by_choice("group", Group.values),
        "search": searching("code", "label_key__has_part"),
        "known_at": KNOWN_AT,
    }
    orderings = {"code": "code", "label": "label_key"}


class TagViewSet(InHousehold, HouseholdModelViewSet):
    thing = "tag"
    queryset = Tag.objects.order_by("name_key", "id")
    serializer_class = TagSerializer
    parameters = {
        "household": by_id("household"),
        "search": searching("name_key__has_part"),
        "known_at": KNOWN_AT,
    }
    orderings = {"name": "name_key", "created_at": "created_at"}


class CategoryViewSet(InHousehold, HouseholdModelViewSet):
    thing = "category"
    queryset = Category.objects.order_by("name_key", "id")
    serializer_class = CategorySerializer
    parameters = {
        "household": by_id("household"),
        "parent": by_id("parent"),
        "search": searching("name_key__has_part"),
        "known_at": KNOWN_AT,
    }
    orderings = {"name": "name_key", "created_at": "created_at"}

    def destroy(self, request, *args, **kwargs):
        category = self.get_object()
        if category.children.exists():
            raise Conflict("CATEGORY_HAS_CHILDREN", "Move or delete the categories below it first.")
        category.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(responses=CategorySerializer(many=True))
    @action(detail=True, url_path="children")
    def children(self, request, pk=None):
        """The categories that stand right below this one."""
        rows = self.filter_queryset(self.get_queryset()).filter(parent=self.find(pk))
        return self.get_paginated_response(self.get_serializer(self.paginate_queryset(rows), many=True).data)

    @extend_schema(request=AttachSerializer, responses=AssetSerializer)
    @action(detail=True, methods=["post"], url_path="assets")
    def assets(self, request, pk=None):
        """Puts an asset under the category, and answers the asset."""
        body = AttachSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        self.visible(pk)
        view = sibling(AssetViewSet, self)
        asset = view.find(str(body.validated_data["asset_id"]))
        category = self.visible(pk)
        self.require_unchanged(category)
        taxonomy.attach(asset, category)
        self.idempotency_household_id = category.household_id
        return view.answer(asset)

    def visible(self, text):
        """Read and not locked: the asset's household guards the category too, if it is of that household."""
        found = self.get_queryset().filter(pk=path_id(text, self.thing)).first()
        if found is None:
            raise NotFound(self.thing)
        return found


def sibling(view_class, view):
    """Another viewset for the same request, whose path names none of its rows."""
    other = view_class()
    other.request, other.kwargs, other.args = view.request, {}, ()
    other.action, other.format_kwarg = "retrieve", None
    return other


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
    thing = "asset"
    queryset = Asset.objects.select_related("portfolio", "asset_type")
    serializer_class = AssetSerializer
    parameters = {
        "portfolio": by_portfolio("portfolio"),
        "portfolio_id": by_portfolio("portfolio_id", "The same as portfolio."),
        "type": Parameter(read_text, type_filter, about="A type's code or id."),
        "group": by_choice("asset_type__group", Group.values),
        "category": Parameter(read_id, category_filter, UUID_SCHEMA, "With all that stands below it."),
        "tag": by_id("tags"),
        "currency": by_currency(),
        "disposed": Parameter(read_bool, disposed_filter, {"type": "boolean"}, many=False),
        "acquired_from": by_day("acquired_on__gte"),
        "acquired_to": by_day("acquired_on__lte"),
        "disposed_from": by_day("disposed_on__gte"),
        "disposed_to": by_day("disposed_on__lte"),
        "search": searching("name_key__has_part", "notes"),
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

    def get_queryset(self):
        rows = super().get_queryset().order_by("name_key", "id")
        if self.action == "history":
            return rows  # which asks only whether they are there
        return rows.with_current_value(self.as_of, among=Portfolio.objects.for_user(self.request.user))

    def write(self, serializer, **given):
        portfolio, asset = serializer.validated_data.get("portfolio"), serializer.instance
        self.notice = None
        if asset is not None and portfolio is not None and portfolio.pk != asset.portfolio_id:
            same = portfolio.household_id == asset.portfolio.household_id
            self.notice = MOVED if same else MOVED_OUT
        return super().write(serializer, **given)

    @moves_its_past
    def update(self, request, *args, **kwargs):
        response = super().update(request, *args, **kwargs)
        if self.notice:
            response[NOTICE] = self.notice
        return response

    @moves_its_past
    def partial_update(self, request, *args, **kwargs):
        return self.update(request, *args, **kwargs)

    def filter_queryset(self, queryset):
        rows = super().filter_queryset(queryset)
        return rows.distinct() if "tag" in self.request.query_params else rows

    @extend_schema(responses=EventSerializer(many=True))
    @action(detail=True, pagination_class=JournalCursor, parameters=WITH_CHILDREN, orderings={})
    def history(self, request, *args, **kwargs):
        return self.journal()

    @extend_schema(request=DisposalSerializer, responses=AssetSerializer)
    @action(detail=True, methods=["post", "put"], url_path="dispose")
    def dispose(self, request, pk=None):
        """Counts nothing from `on` on, which is today where it is absent; `proceeds` make one DISPOSE.

        The same again is 200. Another day or other proceeds are 409 ALREADY_DISPOSED: reinstate it first.
        """
        body = DisposalSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asset = self.find(pk)
        on = body.validated_data.get("on") or local_day(timezone.now(), asset.portfolio.time_zone)
        movements.dispose(asset, on=on, proceeds=body.validated_data.get("proceeds"))
        return self.answer(asset)

    @extend_schema(request=None, responses=AssetSerializer)
    @action(detail=True, methods=["post"], url_path="reinstate")
    def reinstate(self, request, pk=None):
        """Takes a disposal back, with the DISPOSE that it made."""
        asset = self.find(pk)
        movements.reinstate(asset)
        return self.answer(asset)

    @in_path("tag_id")
    @extend_schema(request=None, responses={200: AssetSerializer, 204: None})
    @action(detail=True, methods=["post", "delete"], url_path="tags/(?P<tag_id>[^/]+)")
    def tag(self, request, pk=None, tag_id=None):
        """POST gives the asset the tag, DELETE takes it away."""
        return self.link(pk, taxonomy.TAGS, tag_id)

    @in_path("category_id")
    @extend_schema(request=None, responses={200: AssetSerializer, 204: None})
    @action(detail=True, methods=["post", "delete"], url_path="categories/(?P<category_id>[^/]+)")
    def category(self, request, pk=None, category_id=None):
        """POST puts the asset under the category, DELETE takes it away."""
        return self.link(pk, taxonomy.CATEGORIES, category_id)

    def link(self, pk, kind, label_id):
        """Attach (200 with the asset) or detach (204, attached or not)."""
        thing = kind.label._meta.model_name
        asset = self.find(pk)
        labels = kind.label.objects.for_user(self.request.user).filter(household=asset.portfolio.household_id)
        found = labels.filter(pk=path_id(label_id, thing)).first()
        if found is None:
            raise NotFound(thing)
        if self.request.method == "POST":
            taxonomy.attach(asset, found)
            return self.answer(asset)
        kind.link.objects.filter(asset=asset, **{thing: found}).delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class OfOneAsset(HouseholdModelViewSet):
    """Rows that are reached only through their own asset, which has each of them once by what they are `known_by`."""

    pagination_class = Cursor
    known_by: dict[str, Any] = {}

    @cached_property
    def asset(self):
        """The path's asset, asked for once a request; for a write with its portfolio locked."""
        pk = path_id(self.kwargs["asset_id"], "asset")
        rows = Asset.objects.for_user(self.request.user)
        if self.request.method not in SAFE_METHODS:
            return locked_asset(pk, assets=rows)
        asset = rows.select_related("portfolio").filter(pk=pk).order_by().first()
        if asset is None:
            raise NotFound("asset")
        return asset

    def lock(self, rows=None):
        """Its portfolio guards all that is below it."""
        if rows is None:
            self.require_writer(self.asset)
        return Guards(portfolios=frozenset([self.asset.portfolio_id]))

    def get_queryset(self):
        return super().get_queryset().filter(asset=self.asset)

    def get_serializer_context(self):
        context = super().get_serializer_context()
        return context if getattr(self, "swagger_fake_view", False) else {**context, "asset": self.asset}

    def write(self, serializer, **given):
        if serializer.instance is None:
            given["asset"] = serializer.context["asset"]
        self.written = {
            name: serializer.validated_data.get(name, getattr(serializer.instance, name, default))
            for name, default in self.known_by.items()
        }
        return super().write(serializer, **given)

    def handle_exception(self, exc):
        """With the row that exists already; asked for here, as the refusal has ended the transaction."""
        if isinstance(exc, Conflict) and exc.code == self.duplicate[0]:
            row = self.get_queryset().filter(**self.written).first()
            exc.existing = row and self.named(row)
        return super().handle_exception(exc)

    def named(self, row):
        path = self.request.path.rstrip("/")
        rows = path if self.request.method == "POST" else path.rpartition("/")[0]
        return {"id": str(row.pk), "link": self.request.build_absolute_uri(f"{rows}/{row.pk}")}

    def fresh(self, row):
        """As it was saved: nothing of it is worked out by the database."""
        return self.get_serializer(row).data


@in_path("asset_id")
class AssetSnapshotViewSet(OfOneAsset):
    thing = "snapshot"
    queryset = AssetSnapshot.objects.all()
    serializer_class = AssetSnapshotSerializer
    cursor_fields = ("on", "observed_at", "id")
    duplicate = (
        "DUPLICATE_SNAPSHOT",
        "observed_at",
        "The asset has a value at this instant: change that one, which `existing` names.",
    )
    known_by = {"on": None, "observed_at": None}
    parameters = {"start": by_day("on__gte"), "end": by_day("on__lte"), "known_at": KNOWN_AT}


@in_path("asset_id")
class TransactionViewSet(OfOneAsset):
    thing = "transaction"
    queryset = AssetTransaction.objects.all()
    serializer_class = TransactionSerializer
    cursor_fields = ("on", "position", "id")
    duplicate = (
        "DUPLICATE_TRANSACTION",
        "external_id",
        "The asset has a transaction with this source and id: change that one, which `existing` names.",
    )
    known_by = {"source": "", "external_id": None}
    parameters = {
        "start": by_day("on__gte"),
        "end": by_day("on__lte"),
        "type": by_choice("type", AssetTransaction.Type.values),
        "known_at": KNOWN_AT,
    }


class ExchangeRateViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.CreateModelMixin, HouseholdViewSet
):
    """Shared by all; only a superuser adds to them, and nobody alters them: a newer rate replaces an older one."""

    thing = "exchange_rate"
    queryset = ExchangeRate.objects.order_by("-on", "currency", "-id")
    serializer_class = ExchangeRateSerializer
    parameters = {
        "currency": by_currency(),
        "start": by_day("on__gte"),
        "end": by_day("on__lte"),
        "source": by_choice("source", ExchangeRate.Source.values),
        "known_at": KNOWN_AT,
    }

    def get_queryset(self):
        return self.queryset.all()

    def get_object(self):
        found = self.get_queryset().filter(pk=path_id(self.kwargs["pk"], self.thing)).first()
        if found is None:
            raise NotFound(self.thing)
        return found

    def create(self, request, *args, **kwargs):
        if not request.user.is_superuser:
            raise Forbidden(WHO_ADDS_RATES)
        return super().create(request, *args, **kwargs)

    def http_method_not_allowed(self, request, *args, **kwargs):
        raise MethodNotAllowed(request.method, f'Method "{request.method}" not allowed. {RATES_STAND}')

    def perform_create(self, serializer):
        super().perform_create(serializer)
        serializer.refuse_contradictions(serializer.data, but=serializer.ignored)
