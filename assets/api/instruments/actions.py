"""The corporate actions of an instrument: those of a household, and those of all holders."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.utils.functional import cached_property
from rest_framework import mixins

from assets.api.instruments.instruments import IsinField
from assets.models import Instrument, InstrumentAction
from assets.services.instrument_actions import ACTIONS
from portfolios.api.fields import HouseholdId
from portfolios.api.mixins import HouseholdScopedMixin
from portfolios.api.schema import in_path
from strata.api.fields import DaySerializerField, UUIDSerializerField
from strata.api.history import HistoryMixin
from strata.api.parameters import KNOWN_AT, choice_filter, day_filter, id_filter
from strata.api.serializers import HouseholdSerializer
from strata.api.views import path_id
from strata.api.viewsets import CreateMixin, DeleteMixin, ListMixin
from strata.tenancy.querysets import require_visible


class InstrumentActionSerializer(HouseholdSerializer):
    household_id = HouseholdId(allow_null=True)
    instrument_id = UUIDSerializerField(read_only=True)
    on = DaySerializerField()
    to_instrument_id = UUIDSerializerField(required=False, allow_null=True)
    to_asset_id = UUIDSerializerField(required=False, allow_null=True)
    isin = IsinField(required=False, allow_blank=True)

    class Meta:
        model = InstrumentAction
        fields = (
            "id",
            "household_id",
            "instrument_id",
            "type",
            "on",
            "numerator",
            "denominator",
            "to_instrument_id",
            "to_asset_id",
            "cost_ratio",
            "cash",
            "cash_cost_ratio",
            "amount",
            "symbol",
            "isin",
            "created_at",
        )


@in_path("instrument_id")
class InstrumentActionViewSet(
    HouseholdScopedMixin, CreateMixin, DeleteMixin, HistoryMixin, mixins.RetrieveModelMixin, ListMixin
):
    resource_name = "instrument_action"
    service = ACTIONS
    queryset = InstrumentAction.objects.order_by("on", "id")
    serializer_class = InstrumentActionSerializer
    parameters = {
        "household": id_filter("household", "Of this household, by id."),
        "type": choice_filter("type", InstrumentAction.Type.values, "Of this type of action."),
        "start": day_filter("on__gte", "From this day on."),
        "end": day_filter("on__lte", "Up to this day."),
        "known_at": KNOWN_AT,
    }

    @property
    def instrument_id(self) -> UUID:
        return path_id(self.kwargs["instrument_id"], "instrument")

    def require_parents(self) -> None:
        require_visible(Instrument, self.request.user, self.instrument_id)

    @cached_property
    def scope(self) -> dict[str, Any]:
        self.require_parents()
        return {"instrument": self.instrument_id}

    def create_row(self, values: dict[str, Any]) -> Any:
        return super().create_row({**values, "instrument_id": self.instrument_id})

    def default_household_id(self, values: dict[str, Any]) -> UUID:
        """That of the instrument; for a shared one the oldest that the caller owns."""
        # nosemgrep: rows-through-for-user - require_parents has looked it up with it
        owner = Instrument.objects.filter(pk=self.instrument_id).values_list("household", flat=True).first()
        return cast("UUID", owner) or super().default_household_id(values)
