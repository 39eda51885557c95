"""How portfolios, their stored totals and targets are read and written: a portfolio is shown with its total."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from assets.models import Asset, AssetType, Category, Tag
from portfolios.api.fields import HouseholdId
from portfolios.models import Household, Portfolio
from reports.models import AllocationTarget, PortfolioSnapshot
from reports.models.allocation_target import GROUPS
from reports.queries import bring_up_to_date, portfolio_totals
from strata.api.fields import (
    BooleanSerializerField,
    CurrencySerializerField,
    DaySerializerField,
    InstantSerializerField,
    NoteSerializerField,
    UUIDSerializerField,
)
from strata.api.serializers import HouseholdSerializer, RelatedId, StrictSerializer
from strata.exceptions import NotFound
from strata.money import money_text

OWNED = ("portfolio", "asset_type", "category", "tag", "asset")


class MissingRateSerializer(StrictSerializer):
    """`currency` has no rate on the day, so that the amount is left out."""

    currency = CurrencySerializerField()
    on = DaySerializerField()
    amount = serializers.CharField()
    amount_currency = CurrencySerializerField(
        required=False,
        help_text="Of the amount, where it is not `currency`: then it is the currency of the report that lacks a rate.",
    )

    def to_representation(self, gap):
        return gap  # as a Total has it, and as it is stored: JSON already


@extend_schema_field(MissingRateSerializer(many=True))
class MissingRates(serializers.ReadOnlyField):
    """As a total has them: plain values already. PostgreSQL stores an object's members in an order of its own."""

    def to_representation(self, gaps):
        members = ("currency", "on", "amount", "amount_currency")
        return [{name: gap[name] for name in members if name in gap} for gap in gaps]


class PortfolioListSerializer(serializers.ListSerializer):
    """Counts the totals of a page together, in a fixed number of queries."""

    def to_representation(self, data):
        rows = list(data)
        self.child.totals = portfolio_totals(rows, self.context.get("on"))
        return super().to_representation(rows)


class PortfolioSerializer(HouseholdSerializer):
    """`total_value` is in `base_currency`; `missing_rates` names what it leaves out when it is not `complete`."""

    household_id = HouseholdId()
    base_currency = CurrencySerializerField(required=False)
    total_value = serializers.CharField(read_only=True)
    total_value_on = DaySerializerField(read_only=True)
    complete = BooleanSerializerField(read_only=True)
    missing_rates = MissingRates()
    totals = None
    computed = frozenset({"total_value", "total_value_on", "complete", "missing_rates"})

    class Meta:
        model = Portfolio
        list_serializer_class = PortfolioListSerializer
        fields = (
            "id",
            "household_id",
            "name",
            "base_currency",
            "time_zone",
            "total_value",
            "total_value_on",
            "complete",
            "missing_rates",
            "created_at",
            "updated_at",
        )
        validators = ()
        extra_kwargs = {"time_zone": {"required": False}}

    def to_representation(self, portfolio):
        totals = self.totals or portfolio_totals([portfolio], self.context.get("on"))
        total = totals[portfolio.pk]
        portfolio.total_value = money_text(total.value)
        portfolio.total_value_on = total.on
        portfolio.complete, portfolio.missing_rates = total.complete, total.missing_rates
        return super().to_representation(portfolio)


class AllocationTargetSerializer(HouseholdSerializer):
    """A target names exactly one group, and keeps it: for another group there is another target."""

    household_id = HouseholdId()
    portfolio_id = RelatedId(Portfolio.objects, "portfolio", required=False, allow_null=True)
    group_by = serializers.ChoiceField(read_only=True, choices=list(GROUPS))
    asset_type_id = RelatedId(AssetType.objects, "asset_type", required=False, allow_null=True)
    category_id = RelatedId(Category.objects, "category", required=False, allow_null=True)
    tag_id = RelatedId(Tag.objects, "tag", required=False, allow_null=True)
    currency = CurrencySerializerField(required=False, allow_null=True)
    asset_id = RelatedId(Asset.objects, "asset", required=False, allow_null=True)
    needed_by_put = ("share",)

    class Meta:
        model = AllocationTarget
        fields = (
            "id",
            "household_id",
            "portfolio_id",
            "group_by",
            "asset_type_id",
            "group",
            "category_id",
            "tag_id",
            "currency",
            "asset_id",
            "share",
            "created_at",
            "updated_at",
        )
        validators = ()

    def validate(self, attrs):
        attrs = super().validate(attrs)
        if self.instance is None:
            self.settle_household(attrs)
        else:
            self.refuse_another_group(attrs)
        return attrs

    def settle_household(self, attrs):
        """That of the rows it names, where no other is given; 404 for rows of two households."""
        rows = {field: attrs[field] for field in OWNED if attrs.get(field) is not None}
        for field, row in rows.items():
            owner = row.owning_household_id()
            if owner is not None and attrs.setdefault("household", Household(pk=owner)).pk != owner:
                raise NotFound(field)

    def refuse_another_group(self, attrs):
        for field in (*OWNED, "group", "currency"):
            column = AllocationTarget.column(field)
            given = attrs.get(field)
            if field in attrs and getattr(given, "pk", given) != getattr(self.instance, column):
                raise serializers.ValidationError({column: "A target keeps its group: make another one."})


class PortfolioSnapshotListSerializer(serializers.ListSerializer):
    """Counts a page's outdated totals together."""

    def to_representation(self, data):
        rows = list(data)
        bring_up_to_date(rows)
        return super().to_representation(rows)


class PortfolioSnapshotSerializer(HouseholdSerializer):
    """`value` is the total of that day as it is known now, whatever was corrected since it was taken."""

    portfolio_id = UUIDSerializerField(read_only=True)
    value = serializers.CharField(read_only=True)
    currency = serializers.CharField(read_only=True)
    observed_at = InstantSerializerField(read_only=True)
    on = DaySerializerField(required=False)
    note = NoteSerializerField(required=False, allow_blank=True)
    complete = BooleanSerializerField(read_only=True)
    manual = BooleanSerializerField(read_only=True)
    missing_rates = MissingRates()
    needed_by_put = ()
    computed = frozenset({"value", "currency", "complete", "missing_rates"})

    class Meta:
        model = PortfolioSnapshot
        list_serializer_class = PortfolioSnapshotListSerializer
        fields = (
            "id",
            "portfolio_id",
            "value",
            "currency",
            "on",
            "observed_at",
            "complete",
            "missing_rates",
            "note",
            "manual",
            "created_at",
        )
        validators = ()

    def validate(self, attrs):
        attrs = super().validate(attrs)
        if self.instance is not None and attrs.get("on", self.instance.on) != self.instance.on:
            raise serializers.ValidationError({"on": "A snapshot stays on its day: take another one."})
        return attrs

    def to_representation(self, row):
        if self.parent is None:
            bring_up_to_date([row])
        return super().to_representation(row)
