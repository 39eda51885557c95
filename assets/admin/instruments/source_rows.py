"""The sources of an instrument's prices on its page, which superusers alone see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import HttpRequest

from assets.models import InstrumentSource, PriceSource
from assets.services.instruments.price_sources import SourceRow, put_sources, sources_of
from strata.admin.accounts.households import HouseholdInline
from strata.tenancy.writes import Service


def rows_of(instrument_id: UUID) -> dict[UUID, SourceRow]:
    return {
        link.source_id: SourceRow(link.source.name, link.symbol, link.priority)
        for link in sources_of(instrument_id)
    }


def add_source(instrument_id: UUID, *, source_id: UUID, **values: Any) -> InstrumentSource:
    name = PriceSource.objects.values_list("name", flat=True).get(pk=source_id)
    links = put_sources(instrument_id, [*rows_of(instrument_id).values(), SourceRow(name, **values)])
    return next(link for link in links if link.source_id == source_id)


def update_source(pk: UUID, changes: Mapping[str, Any]) -> InstrumentSource:
    link = InstrumentSource.objects.select_related("source").get(pk=pk)
    rows = rows_of(link.instrument_id)
    rows[link.source_id] = rows[link.source_id]._replace(
        **{name: value for name, value in changes.items() if name in SourceRow._fields}
    )
    links = put_sources(link.instrument_id, [*rows.values()])
    return next(each for each in links if each.source_id == link.source_id)


def delete_source(pk: UUID) -> None:
    link = InstrumentSource.objects.get(pk=pk)
    rows = rows_of(link.instrument_id)
    del rows[link.source_id]
    put_sources(link.instrument_id, [*rows.values()])


class SourceInline(HouseholdInline):
    """The one with the lowest priority is asked first. The source of a row stays."""

    model = InstrumentSource
    fk_name = "instrument"
    service = Service(create=add_source, update=update_source, delete=delete_source)
    fields = ("source", "symbol", "priority")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_superuser

    has_add_permission = has_view_permission
    has_change_permission = has_view_permission
    has_delete_permission = has_view_permission
