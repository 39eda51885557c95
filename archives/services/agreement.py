"""Checks the rows of an archive against each other, as the services and the database would: each refusal names a line.

Rows are seen one by one. Of those of which there may be millions only hashes are kept.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from archives.files import refusals
from archives.rows.contents import member_of
from archives.rows.ids import Ids
from archives.rows.rules import number as exact_or_none
from archives.rows.tables import Row
from archives.services.spool import Spool, StoredRow
from assets.models import Transaction
from assets.rules.entries.lots import NAMES_LOTS
from assets.rules.entries.transfers import do_legs_agree
from reports.models import AllocationTarget
from reports.models.allocation_target import GROUPS
from strata.fields.numbers import exact_total

PARTS = 16  # in which hashes are sorted: a list of all of them would take four times their space
type Values = tuple[Any, ...]


class UniqueRows:
    """The unique constraints of a model. A null is equal to nothing, as in the databases."""

    def __init__(self, spool: Spool) -> None:
        self._spool, self._own_from = spool, spool.count  # before them are rows that were shared
        self._keys = [
            (fields, key_function(spool.names, fields, condition))
            for fields, condition in keys_of(spool.model)
        ]
        # Of those that are about all rows, where the values are.
        self._places = [
            None if condition else [spool.names.index(name) for name in fields]
            for fields, condition in keys_of(spool.model)
        ]
        self._hashes = [[array("q") for _ in range(PARTS)] for _ in self._keys]

    def see(self, rows: Sequence[StoredRow]) -> None:
        """The keys of rows without nulls are hashed together."""
        columns = list(zip(*rows, strict=True))
        for (_names, key), places, parts in zip(self._keys, self._places, self._hashes, strict=True):
            of_key = [columns[place] for place in places or ()]
            if places is None or any(None in column for column in of_key):
                hashes = [hash(values) for values in map(key, rows) if values is not None]
            else:
                hashes = list(map(hash, zip(*of_key, strict=True)))
            for hashed in hashes:
                parts[hashed % PARTS].append(hashed)

    def check(self) -> None:
        for (names, key), parts in zip(self._keys, self._hashes, strict=True):
            repeated = {hashed for part in parts for hashed in repeated_in(part)}
            if repeated:
                self._refuse_second(names, key, repeated)

    def _refuse_second(
        self, names: Sequence[str], key: Callable[[StoredRow], Values | None], repeated: set[int]
    ) -> None:
        seen: set[Values] = set()
        for place, row in enumerate(self._spool.rows()):
            values = key(row)
            if values is None or hash(values) not in repeated:
                continue
            if values in seen:
                why = _("An earlier row has the same %(names)s.") % {"names": ", ".join(names)}
                line = place - self._own_from + 1
                raise refusals.bad_row(member_of(self._spool.model), line if line > 0 else None, why)
            seen.add(values)


def repeated_in(hashes: array[int]) -> Iterator[int]:
    return (first for first, second in pairwise(sorted(hashes)) if first == second)


def keys_of(model: type[models.Model]) -> Iterator[tuple[Sequence[str], Mapping[str, Any]]]:
    """Of each constraint its fields, and the values of the rows that it is about."""
    primary_key: Any = model._meta.pk
    if isinstance(primary_key, models.UUIDField | models.OneToOneField):
        yield [primary_key.name], {}
    for rule in model._meta.constraints:
        if isinstance(rule, models.UniqueConstraint) and rule.fields:
            condition = simple_condition(rule.condition)
            if condition is not None:
                yield rule.fields, condition
    for field in model._meta.local_concrete_fields:
        if field.unique and not field.primary_key:
            yield [field.name], {}


def simple_condition(condition: Q | None) -> Mapping[str, Any] | None:
    """The values that fields must have; None for a condition that says more, which the database alone checks."""
    if condition is None:
        return {}
    pairs = [child for child in condition.children if isinstance(child, tuple) and "__" not in child[0]]
    if condition.negated or condition.connector != Q.AND or len(pairs) < len(condition.children):
        return None
    return dict(pairs)


def key_function(
    names: Sequence[str], fields: Sequence[str], condition: Mapping[str, Any]
) -> Callable[[StoredRow], Values | None]:
    places = [names.index(name) for name in fields]
    wanted = [(names.index(name), value) for name, value in condition.items()]

    def key(row: StoredRow) -> Values | None:
        values = tuple([row[place] for place in places])
        if None in values or any(row[place] != value for place, value in wanted):
            return None
        return values

    return key


class Transfers:
    """The legs of each transfer agree. One may be alone: the asset of the other was deleted.

    An archive does not show whether that is so or a line is missing: `alone` has the lines, by transfer.
    """

    def __init__(self) -> None:
        self.alone: dict[str, int] = {}
        self._legs: defaultdict[str, list[Values]] = defaultdict(list)

    def see(self, row: Row, line: int) -> None:
        transfer_id = row.get("transfer_id")
        if transfer_id is None:
            return
        legs = self._legs[transfer_id]
        legs.append((row["type"], row["on"], exact_or_none(row["quantity"])))
        if not do_legs_agree(legs):
            raise refusals.bad_row(member_of(Transaction), line, _("It does not agree with the other leg."))
        if len(legs) == 1:
            self.alone[transfer_id] = line
        else:
            self.alone.pop(transfer_id, None)


class Lots:
    """A sale names lots that are in the archive, or were there once, and no more than it sells."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    def see(self, row: Row, line: int) -> None:
        if not row.get("lots"):
            return
        units = exact_total(Decimal(lot["quantity"]) for lot in row["lots"])
        moved: Decimal = exact_or_none(row["quantity"]) or Decimal(0)
        if row["type"] not in NAMES_LOTS or units > abs(moved):
            why = _("The lots are more than the transaction moves.")
            raise refusals.bad_row(member_of(Transaction), line, why)
        for lot in row["lots"]:
            if lot["transaction_id"] not in self._ids.own:
                raise refusals.foreign_row(member_of(Transaction), line, "lots")


class Targets:
    """The targets of one grouping are 1 at most; of categories, those with the same parent."""

    def __init__(self, parents: Mapping[str, str | None]) -> None:
        self._parents = parents
        self._totals: defaultdict[Values, Decimal] = defaultdict(Decimal)

    def see(self, row: Row, line: int) -> None:
        columns = [AllocationTarget.column(field) for field in GROUPS.values()]
        named = [column for column in columns if row.get(column) is not None]
        if len(named) != 1:
            raise refusals.bad_row(member_of(AllocationTarget), line, _("It names not exactly one group."))
        parent = self._parents.get(row["category_id"]) if named == ["category_id"] else None
        group = row.get("portfolio_id"), named[0], parent
        self._totals[group] = exact_total([self._totals[group], Decimal(row["share"])])
        if self._totals[group] > 1:
            why = _("With the others of its kind before it, the shares are more than 1.")
            raise refusals.bad_row(member_of(AllocationTarget), line, why)
