"""Writes price sources, which are of the whole installation, and which of them an instrument has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from assets.models import Instrument, InstrumentSource, PriceSource
from assets.prices.providers.formats import PLACEHOLDERS
from assets.prices.providers.sources import PROVIDERS
from assets.rules.instruments.instruments import validate_quote_unit
from assets.rules.instruments.price_sources import (
    validate_address,
    validate_decimal,
    validate_delimiter,
    validate_path,
)
from assets.services.normal_values import normalised
from strata.exceptions import Conflict, Invalid, NotFound
from strata.fields.names import name_key
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    conflict_if_duplicate,
    delete_row,
    locked_row,
    save_changes,
)

NAME_IS_TAKEN = Conflict("DUPLICATE_NAME", _("There is a price source with this name."), "name")
CHECKS: Mapping[str, Callable[[str], str]] = {
    "url": partial(validate_address, placeholders=PLACEHOLDERS),
    "rows_path": validate_path,
    "date_field": validate_path,
    "price_field": validate_path,
    "delimiter": validate_delimiter,
    "decimal": validate_decimal,
    "unit": validate_quote_unit,
}


@atomic_write
def create_source(
    household_id: None = None, *, precondition: Precondition = always, **values: Any
) -> PriceSource:
    """The precondition gets the row before it is there: only superusers make sources."""
    source = PriceSource(**normalised(values, CHECKS))
    precondition(source)
    refuse_without_address(source)
    with conflict_if_duplicate(PriceSource, NAME_IS_TAKEN, key={"name_key": name_key(source.name)}):
        source.save()
    return source


@atomic_write
def update_source(
    source_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> PriceSource:
    source = locked_row(PriceSource.objects.all(), source_id, "price_source")
    precondition(source)
    changes = normalised(changes, CHECKS)
    key = {"name_key": name_key(changes.get("name", source.name))}
    with conflict_if_duplicate(PriceSource, NAME_IS_TAKEN, key=key):
        save_changes(source, changes)
    refuse_without_address(source)
    return source


def delete_source(source_id: UUID, *, precondition: Precondition = always) -> None:
    delete_row(PriceSource.objects.all(), source_id, "price_source", precondition)


def refuse_without_address(source: PriceSource) -> None:
    if PROVIDERS[source.source_type].has_address and "{symbol}" not in source.url:
        raise Invalid("url", _("Send an address with {symbol} in it."), "BAD_ADDRESS")


SOURCES = Service(create=create_source, update=update_source, delete=delete_source)


# --- which sources an instrument has ---


class SourceRow(NamedTuple):
    """By which symbol the source with this name knows the instrument; the lowest priority is asked first."""

    source: str
    symbol: str
    priority: int


@atomic_write
def put_sources(
    instrument_id: UUID, rows: Sequence[SourceRow], *, precondition: Precondition = always
) -> list[InstrumentSource]:
    """Replace the sources of an instrument. 404 PRICE_SOURCE_NOT_FOUND, 400 for a source that is there twice."""
    instrument = locked_row(Instrument.objects.all(), instrument_id, "instrument")
    precondition(instrument)
    wanted = found_sources(rows)
    present = {link.source_id: link for link in InstrumentSource.objects.filter(instrument=instrument)}
    for source_id in present.keys() - wanted.keys():
        present.pop(source_id).delete()
    for source_id, row in wanted.items():
        values = {"symbol": row.symbol, "priority": row.priority}
        if source_id in present:
            save_changes(present[source_id], values)
        else:
            present[source_id] = InstrumentSource.objects.create(
                instrument=instrument, source_id=source_id, **values
            )
    return sources_of(instrument_id)


def found_sources(rows: Sequence[SourceRow]) -> dict[UUID, SourceRow]:
    keys = {name_key(row.source) for row in rows}
    ids = dict(PriceSource.objects.filter(name_key__in=keys).values_list("name_key", "pk"))
    wanted: dict[UUID, SourceRow] = {}
    for number, row in enumerate(rows):
        pk = ids.get(name_key(row.source))
        if pk is None:
            raise NotFound("price_source", f"[{number}].source")
        if pk in wanted:
            raise Invalid(f"[{number}].source", _("It is in the list twice."), "DUPLICATE_ROW")
        wanted[pk] = row
    return wanted


def sources_of(instrument_id: UUID) -> list[InstrumentSource]:
    """In the order in which they are asked."""
    links = InstrumentSource.objects.filter(instrument=instrument_id).select_related("source")
    return list(links.order_by("priority", "id"))
