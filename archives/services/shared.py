"""The shared rows that an archive refers to: those of this database, or else rows of the household itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import batched
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
from archives.services.same_figures import Figures, figures_here
from assets.models import AssetType, Instrument, InstrumentAction, PriceBlock, PriceLoad

IDENTITY = ("isin", "symbol", "mic", "currency")
SYMBOLS_AT_A_TIME = 500
MODELS_BY_LABEL = {model._meta.label_lower: model for model in SHARED_MODELS}
# The columns that are read before a row is checked, which it is only where it becomes the household's own.
READ_UNCHECKED: dict[type[models.Model], Sequence[str]] = {
    AssetType: ("id", "code"),
    Instrument: ("id", *IDENTITY),
    PriceLoad: ("id",),
    PriceBlock: ("instrument_id", "load_id"),
    InstrumentAction: ("instrument_id",),
}

type Identity = tuple[str, ...]


class SharedRows:
    """A type is the same by its code, an instrument by ISIN, symbol, exchange and currency, and by its figures.

    What this database does not have becomes the household's own, with the prices and actions of the archive. `copied`
    are the symbols of those that it has with other prices, splits or units: they become the household's own too.
    """

    def __init__(self, container: Container, ids: Ids, users: UserIds, household_id: UUID) -> None:
        self._container, self._ids, self._users = container, ids, users
        self._household = str(container.manifest.household_id)
        self._needed_loads: set[str] | None = None
        self._here: dict[type[models.Model], set[str]] = defaultdict(set)
        self.copied: list[str] = []
        types = types_here()
        for _number, row in self._rows(AssetType):
            self._match(AssetType, row, types.get(row["code"]))
        self._match_instruments()

    def _match_instruments(self) -> None:
        shared_ids = dict(self._instruments_here())
        differing = self._differing(shared_ids) if shared_ids else set()
        for _number, row in self._rows(Instrument):
            pk = shared_ids.get(row["id"])
            if pk is not None and str(pk) in differing:
                self.copied.append(row["symbol"])
                pk = None
            self._match(Instrument, row, pk)

    def _instruments_here(self) -> Iterator[tuple[str, UUID]]:
        """The instruments of the archive that are here, by their ids in it: that of the same id, or else the oldest."""
        for batch in batched(self._rows(Instrument), SYMBOLS_AT_A_TIME):
            by_identity = instruments_here([row["symbol"] for _number, row in batch])
            for _number, row in batch:
                pks = by_identity.get(identity_of(row), [])
                if pks:
                    yield row["id"], next((pk for pk in pks if str(pk) == row["id"]), pks[0])

    def _differing(self, shared_ids: dict[str, UUID]) -> set[str]:
        as_of = self._container.manifest.instant
        archived = Figures({old: str(pk) for old, pk in shared_ids.items()}, as_of)
        for model in (Instrument, PriceLoad, PriceBlock, InstrumentAction):
            for _number, row in self._rows(model):
                archived.see(model, row)
        return archived.differing(figures_here(list(shared_ids.values()), as_of))

    def _rows(self, *wanted: type[models.Model]) -> Iterator[tuple[int, Row]]:
        """The rows of these models with their lines. They are read again each time: a forger may send a great many."""
        for number, line in enumerate(self._container.lines(SHARED), start=1):
            entry = parsed_line(line, SHARED, number)
            model = MODELS_BY_LABEL.get(str(entry.get("model")))
            row = entry.get("row")
            if model is None or type(row) is not dict or row.get("household_id") is not None:
                raise refusals.bad_row(SHARED, number, _("It is no row that households share."))
            for name in READ_UNCHECKED[model]:
                if type(row.get(name)) is not str:
                    raise refusals.bad_row(SHARED, number, f"{name}: a text is expected")
            if model in wanted:
                yield number, row

    def _match(self, model: type[models.Model], row: Row, pk: UUID | None) -> None:
        old: str = row["id"]
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
        for number, row in self._rows(model):
            if not self._is_needed(model, row):
                continue
            if "household_id" in table.keys:
                row = {**row, "household_id": self._household}
            yield table.row(row, number)

    def _is_needed(self, model: type[models.Model], row: Row) -> bool:
        if model in (AssetType, Instrument):
            return row["id"] not in self._here[model]
        if model is PriceLoad:
            if self._needed_loads is None:
                self._needed_loads = self._loads_of_own_instruments()
            return row["id"] in self._needed_loads
        return row["instrument_id"] not in self._here[Instrument]

    def _loads_of_own_instruments(self) -> set[str]:
        return {
            row["load_id"]
            for _number, row in self._rows(PriceBlock)
            if row["instrument_id"] not in self._here[Instrument]
        }


def identity_of(row: Row) -> Identity:
    return tuple(row[name] for name in IDENTITY)


def types_here() -> dict[str, UUID]:
    rows = AssetType.objects.filter(household=None).order_by()
    return dict(rows.values_list("code", "pk"))


def instruments_here(symbols: Sequence[str]) -> dict[Identity, list[UUID]]:
    """The shared instruments of each identity, the oldest first."""
    rows = Instrument.objects.filter(household=None, symbol__in=symbols).order_by("pk")
    by_identity: defaultdict[Identity, list[UUID]] = defaultdict(list)
    for pk, *identity in rows.values_list("pk", *IDENTITY):
        by_identity[tuple(identity)].append(pk)
    return by_identity
