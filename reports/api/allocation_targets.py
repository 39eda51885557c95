"""The API of allocation targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast
from uuid import UUID

from rest_framework import serializers

from assets.api.names import ASSET_TYPES, CATEGORIES, PORTFOLIOS, TAGS, NameableRow
from portfolios.api.fields import STAYS_IN_ITS_HOUSEHOLD, HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from reports.models import AllocationTarget
from reports.models.allocation_target import GROUPS
from reports.services.allocation_targets import GROUP_COLUMNS, TARGETS
from strata.api.fields import CurrencySerializerField, UUIDSerializerField
from strata.api.names import TakesNames, named_filter
from strata.api.parameters import KNOWN_AT, id_filter
from strata.api.viewsets import HouseholdModelViewSet
from strata.exceptions import NotFound
from strata.tenancy.guards import rows_referred_to
from strata.tenancy.querysets import Owned

KEEPS_ITS_GROUP = "A target keeps its group: make another one."


class AllocationTargetSerializer(TakesNames):
    """A target names exactly one group, and keeps it: another group needs another target."""

    household_id = HouseholdId()
    portfolio_id = UUIDSerializerField(required=False, allow_null=True)
    group_by = serializers.ChoiceField(read_only=True, choices=list(GROUPS))
    asset_type_id = UUIDSerializerField(required=False, allow_null=True)
    category_id = UUIDSerializerField(required=False, allow_null=True)
    tag_id = UUIDSerializerField(required=False, allow_null=True)
    currency = CurrencySerializerField(required=False, allow_null=True)
    asset_id = UUIDSerializerField(required=False, allow_null=True)
    portfolio = NameableRow(rows=PORTFOLIOS, write_only=True, required=False, allow_null=True)
    type = NameableRow(rows=ASSET_TYPES, write_only=True, required=False, allow_null=True)
    category = NameableRow(rows=CATEGORIES, write_only=True, required=False, allow_null=True)
    tag = NameableRow(rows=TAGS, write_only=True, required=False, allow_null=True)
    named = {"portfolio": "portfolio_id", "type": "asset_type_id", "category": "category_id", "tag": "tag_id"}
    immutable = {
        "household_id": STAYS_IN_ITS_HOUSEHOLD,
        **dict.fromkeys(("portfolio_id", *GROUP_COLUMNS), KEEPS_ITS_GROUP),
    }
    required_for_put = ("share",)

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
            "portfolio",
            "type",
            "category",
            "tag",
        )

    def refuse_changes_of_fixed_fields(self, row: Any, shown: Callable[[], Mapping[str, Any]]) -> None:
        """404 for a row that the caller may not see; any other is refused, because a target keeps its group."""
        columns = self.immutable.keys() & self.validated_data.keys() - {"household_id"}
        sent = {name: self.validated_data[name] for name in columns}
        changed = {name: value for name, value in sent.items() if value != getattr(row, name)}
        for field, rows in rows_referred_to(AllocationTarget, changed).items():
            if not cast("Any", rows).for_user(self.context["request"].user).exists():
                raise NotFound(field)
        super().refuse_changes_of_fixed_fields(row, shown)


class AllocationTargetViewSet(HouseholdScopedMixin, HouseholdModelViewSet):
    """The share of what is owned that a group of an allocation is meant to have."""

    resource_name = "allocation_target"
    queryset = AllocationTarget.objects.order_by("created_at", "id")
    serializer_class = AllocationTargetSerializer
    service = TARGETS
    parameters = {
        "household": id_filter("household", "Of this household, by id."),
        "portfolio": named_filter("portfolio", PORTFOLIOS, "portfolio"),
        "known_at": KNOWN_AT,
    }

    def default_household_id(self, values: dict[str, Any]) -> UUID:
        """That of the first row which the target names and the caller may see; a shared type decides nothing."""
        referred: Iterable[Any] = rows_referred_to(AllocationTarget, values).values()
        for rows in referred:
            row: Owned | None = rows.for_user(self.request.user).first()
            household_id = row.owning_household_id() if row else None
            if household_id is not None:
                return household_id
        return super().default_household_id(values)
