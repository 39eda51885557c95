"""What a household's rows need from what all households share: types, instruments with their prices, exchange rates."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Min, Q, QuerySet

from archives.rows.contents import MODELS, Column, Kind, columns_of, models_by_label, rows_of
from archives.rows.lines import Block, encoded, lines_of
from assets.models import AssetType, ExchangeRate, Instrument, InstrumentAction, PriceBlock, PriceLoad
from assets.rules.instruments.exchange_rates import EURO
from portfolios.models import Household
from strata.fields.currencies import CurrencyField

NEEDED = (AssetType, Instrument)


class Needs:
    """What the rows of a household and the images of its journal refer to."""

    def __init__(self, household_id: UUID) -> None:
        self.household_id = household_id
        self.ids: dict[type[models.Model], set[UUID]] = {model: set() for model in NEEDED}
        self.currencies: set[str] = set()
        for model in MODELS:
            self._note_rows(rows_of(model, household_id).order_by())
        self._note_instruments_of_actions()
        self.currencies.update(self.instruments().values_list("currency", flat=True))

    def _note_rows(self, rows: QuerySet[Any]) -> None:
        model: type[models.Model] = rows.model
        for column in needing(model):
            values = rows.values_list(column.attname, flat=True).distinct()
            self._note(column, values)

    def note_image(self, label: str, image: Mapping[str, Any]) -> None:
        for column in needing(models_by_label()[label]):
            if value := image.get(column.attname):
                self._note(column, [UUID(value) if column.kind is Kind.ID else value])

    def _note(self, column: Column, values: Any) -> None:
        target = column.refers_to
        into: set[Any] = self.currencies if target is None else self.ids[target]
        into.update(value for value in values if value)

    def _note_instruments_of_actions(self) -> None:
        """A shared instrument may have become another one, which a holder then has."""
        new = self.ids[Instrument]
        while new:
            actions = InstrumentAction.objects.filter(household=None, instrument__in=new)
            new = set(actions.values_list("to_instrument_id", flat=True)) - {None} - self.ids[Instrument]
            self.ids[Instrument] |= new

    def shared(self, model: type[models.Model]) -> QuerySet[Any]:
        rows = model._base_manager.filter(household=None).order_by("pk")
        return rows.filter(pk__in=self.ids[model])

    def instruments(self) -> QuerySet[Any]:
        """The shared ones, with their prices and actions."""
        return self.shared(Instrument)


@cache
def needing(model: type[models.Model]) -> tuple[Column, ...]:
    """The columns that name a currency, a type or an instrument."""
    return tuple(
        column
        for column in columns_of(model)
        if column.refers_to in NEEDED or isinstance(column.field, CurrencyField)
    )


def shared_lines(needs: Needs) -> Iterator[Block]:
    """The rows of each model in the order in which they are restored."""
    instruments = list(needs.instruments().values_list("pk", flat=True))
    blocks = PriceBlock.objects.filter(load__household=None, instrument__in=instruments).order_by("pk")
    loads = PriceLoad.objects.filter(pk__in=blocks.order_by().values("load")).order_by("pk")
    actions = InstrumentAction.objects.filter(household=None, instrument__in=instruments).order_by("pk")
    for rows in (needs.shared(AssetType), needs.instruments(), loads, blocks, actions):
        label = rows.model._meta.label_lower
        for block in lines_of(rows):
            yield [encoded({"model": label, "row": json.loads(line)}) for line in block]


def rate_lines(needs: Needs) -> Iterator[Block]:
    """The rates of all currencies but the euro, for the days with values; lasting ones of all days."""
    currencies = sorted(needs.currencies - {EURO})
    rates = ExchangeRate.objects.filter(currency__in=currencies).order_by("recorded_at", "pk")
    # nosemgrep: rows-through-for-user - as write_archive
    if not Household.objects.filter(pk=needs.household_id, is_demo=True).exists():
        rates = rates.exclude(source=ExchangeRate.Source.DEMO)
    if since := first_day(needs):
        since = max(since, date(2, 1, 1)) - timedelta(days=settings.RATE_MAX_AGE_DAYS)
        rates = rates.filter(Q(on__gte=since) | Q(lasting=True))
    return lines_of(rates) if currencies else iter(())


def first_day(needs: Needs) -> date | None:
    """The first day that any row is about; None where no row has one."""
    days: list[date] = []
    for model in MODELS:
        names = [column.attname for column in columns_of(model) if column.kind is Kind.DAY]
        if names:
            rows = rows_of(model, needs.household_id).order_by()
            days += filter(None, rows.aggregate(**{f"first_{name}": Min(name) for name in names}).values())
    years = price_years(needs.ids[Instrument])
    return min([*days, *(date(year, 1, 1) for year in years)], default=None)


def price_years(instrument_ids: Collection[UUID]) -> list[int]:
    first = PriceBlock.objects.filter(instrument__in=instrument_ids).aggregate(first=Min("year"))["first"]
    return [] if first is None else [first]
