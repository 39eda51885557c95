"""The shared rows that an archive refers to: those of this database, or else rows of the household itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import models
from django.utils.translation import gettext as _

from archives.files import refusals
from archives.files.container import Container
from archives.rows.contents import SHARED, SHARED_MODELS
from archives.rows.ids import ID, IdIsTaken, Ids
from archives.rows.tables import Row, Table, parsed_line
from archives.rows.values import UserIds
from assets.models import AssetType, Instrument, PriceBlock, PriceLoad

IDENTITY = ("isin", "symbol", "mic", "currency")


class SharedRows:
    """A type is the same by its code, an instrument by ISIN, symbol, exchange and currency.

    What this database does not have becomes the household's own, with the prices and actions of the archive.
    """

    def __init__(self, container: Container, ids: Ids, users: UserIds, household_id: UUID) -> None:
        self._ids, self._users = ids, users
        self._household = str(container.manifest.household_id)
        self._rows: dict[type[models.Model], list[tuple[int, Row]]] = defaultdict(list)
        by_label = {model._meta.label_lower: model for model in SHARED_MODELS}
        for number, line in enumerate(container.lines(SHARED), start=1):
            entry = parsed_line(line, SHARED, number)
            model = by_label.get(str(entry.get("model")))
            row = entry.get("row")
            if model is None or type(row) is not dict or row.get("household_id") is not None:
                raise refusals.bad_row(SHARED, number, _("It is no row that households share."))
            self._rows[model].append((number, row))
        self._needed_loads: set[str] | None = None
        self._here: dict[type[models.Model], set[str]] = defaultdict(set)
        self._find(AssetType, types_here())
        self._find(Instrument, instruments_here(self._rows[Instrument]))

    def _find(self, model: type[models.Model], ids_here: dict[tuple[Any, ...], UUID]) -> None:
        names = ("code",) if model is AssetType else IDENTITY
        for _number, row in self._rows[model]:
            old, pk = str(row.get("id")), ids_here.get(tuple(row.get(name) for name in names))
            if pk is not None:
                self._here[model].add(old)
                self._ids.shared[old] = self._ids.known[model][old] = pk.hex
            else:
                self._keep(model, old)

    def _keep(self, model: type[models.Model], old: str) -> None:
        """The row becomes the household's own. Raises IdIsTaken where it cannot keep its id, and the others theirs."""
        self._ids.own.add(old)
        if not self._ids.remapped and ID.fullmatch(old) and model._base_manager.filter(pk=old).exists():
            raise IdIsTaken(old)

    def rows_of(self, model: type[models.Model]) -> Iterator[tuple[Any, ...]]:
        """Those that become the household's own."""
        if model not in SHARED_MODELS:
            return
        table = Table(model, SHARED, self._ids, self._users)
        for number, row in self._rows[model]:
            if not self._is_needed(model, row):
                continue
            if "household_id" in table.keys:
                row = {**row, "household_id": self._household}
            yield table.row(row, number)

    def _is_needed(self, model: type[models.Model], row: Row) -> bool:
        if model in (AssetType, Instrument):
            return row.get("id") not in self._here[model]
        if model is PriceLoad:
            if self._needed_loads is None:
                self._needed_loads = self._loads_of_own_instruments()
            return row.get("id") in self._needed_loads
        return row.get("instrument_id") not in self._here[Instrument]

    def _loads_of_own_instruments(self) -> set[str]:
        return {
            str(row.get("load_id"))
            for _number, row in self._rows[PriceBlock]
            if row.get("instrument_id") not in self._here[Instrument]
        }


def types_here() -> dict[tuple[Any, ...], UUID]:
    rows = AssetType.objects.filter(household=None).order_by()
    return {(code,): pk for pk, code in rows.values_list("pk", "code")}


def instruments_here(wanted: list[tuple[int, Row]]) -> dict[tuple[Any, ...], UUID]:
    """The oldest shared instrument of each identity."""
    symbols = [row.get("symbol") for _number, row in wanted if isinstance(row.get("symbol"), str)]
    rows = Instrument.objects.filter(household=None, symbol__in=symbols).order_by("-pk")
    return {tuple(identity): pk for pk, *identity in rows.values_list("pk", *IDENTITY)}
