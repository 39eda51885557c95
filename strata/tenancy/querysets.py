"""Access to the data: which rows a user may see and change, by the households that the user belongs to.

A row belongs to a household directly or through other rows: `belongs_to` of its model is the first step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from django.db import models
from django.db.models import Q

from strata.db.prepared import Prepared
from strata.exceptions import NotFound, resource_name
from strata.tenancy.roles import READERS, households_of, user_with_id_only

# Covariant as in the stubs of Django: what is annotated with more is still a queryset of its model.
Row = TypeVar("Row", bound="Owned", covariant=True)


def sees_rows(user: Any) -> bool:
    """Whether the user may see any row at all."""
    return bool(user.is_authenticated and user.is_active)


class HouseholdQuerySet(models.QuerySet[Row, Row]):
    """Rows of households. Every view, filter, report and export starts with `for_user`."""

    def for_user(self, user: Any, roles: tuple[str, ...] = READERS) -> Self:
        """The rows in households where the user has one of `roles`, and those that all households share."""
        if not sees_rows(user):
            return self.none()
        return self.filter(self._visible_to(user, roles))

    def _visible_to(self, user: Any, roles: tuple[str, ...]) -> Q:
        path = self.model.household_lookup
        own = Q(**{f"{path or 'pk'}__in": households_of(user, roles)})
        return own | Q(**{f"{path}__isnull": True}) if self.model.shared_when_unowned else own


class LazyLookup:
    """A path of a model, computed when it is first read: then Django knows all models."""

    def __init__(self, compute: Callable[[type[Owned]], str | None]) -> None:
        self.compute = compute

    def __set_name__(self, _owner: type, name: str) -> None:
        self.name = name

    def __get__(self, _row: object, model: type[Owned]) -> str | None:
        path = self.compute(model)
        setattr(model, self.name, path)
        return path


def path_to_household(model: type[Owned]) -> str:
    return joined(model.belongs_to, owner_of(model).household_lookup) if model.belongs_to else ""


def path_to_portfolio(model: type[Owned]) -> str | None:
    if model.is_derived or not model.belongs_to:
        return None
    rest = owner_of(model).portfolio_lookup
    return None if rest is None else joined(model.belongs_to, rest)


def owner_of(model: type[Owned]) -> type[Owned]:
    return cast("type[Owned]", model._meta.get_field(model.belongs_to).related_model)


def joined(step: str, rest: str) -> str:
    return f"{step}__{rest}" if rest else step


class Owned(models.Model):
    """A model whose rows belong to a household.

    `belongs_to` is the foreign key to the household, or to a row that belongs to it; "" on the household itself. Two
    paths follow from it: `household_lookup`, to the household, and `portfolio_lookup`, to the portfolio, which is ""
    on the portfolio itself, and None for rows in no portfolio and for derived ones, of which no write needs a lock.
    `shared_when_unowned`: everybody may read rows without a household. `history_readers` are the roles that may read
    the journal entries of the model. `is_derived`: the rows are calculated from others, and known of the present alone,
    so no statement may name the table while the past is read (see strata.audit.past).
    """

    belongs_to: str
    household_lookup: str = cast("Any", LazyLookup(path_to_household))
    portfolio_lookup: str | None = cast("Any", LazyLookup(path_to_portfolio))
    shared_when_unowned = False
    is_derived = False
    history_readers: tuple[str, ...] = READERS
    _held_guards: object = None  # see strata.tenancy.guards.note_guards

    objects = HouseholdQuerySet.as_manager()

    class Meta:
        abstract = True

    def owning_household_id(self) -> UUID | None:
        """The id of the household this row belongs to, along `household_lookup`."""
        return self._id_along(self.household_lookup)

    def owning_portfolio_id(self) -> UUID | None:
        """The id of the portfolio this row is in, along `portfolio_lookup`; None for a row in no portfolio."""
        return None if self.portfolio_lookup is None else self._id_along(self.portfolio_lookup)

    def knows_its_household(self) -> bool:
        """Whether the rows between it and its household are in memory, so that no query asks for them."""
        owner: Any = self
        for name in self.household_lookup.split("__")[:-1]:
            owner = owner._state.fields_cache.get(name)
            if owner is None:
                return False
        return True

    def _id_along(self, lookup: str) -> UUID | None:
        if not lookup:
            pk: UUID = self.pk
            return pk
        *parents, last = lookup.split("__")
        owner: Any = self
        for name in parents:
            owner = getattr(owner, name)
        owner_id: UUID | None = getattr(owner, f"{last}_id")
        return owner_id


def is_visible(model: type[Owned], user: Any, pk: UUID, **parents: UUID) -> bool:
    """Whether there is such a row below these parents, and the user may see it."""
    return sees_rows(user) and bool(_visible(model, tuple(parents))(user.pk, pk, *parents.values()))


def require_visible(model: type[Owned], user: Any, pk: UUID) -> None:
    """Raise NotFound where there is no such row, or the user may not see it. Before it is locked."""
    if not is_visible(model, user, pk):
        raise NotFound(resource_name(model))


@cache
def _visible(model: type[Owned], parents: tuple[str, ...]) -> Prepared[UUID]:
    def build(user_id: UUID, pk: UUID, *parent_ids: UUID) -> models.QuerySet[Owned, UUID]:
        rows = model.objects.for_user(user_with_id_only(user_id))
        rows = rows.filter(pk=pk, **dict(zip(parents, parent_ids, strict=True)))
        return rows.order_by().values_list("pk", flat=True)[:1]

    return Prepared(build, UUID, UUID, *(UUID for _ in parents))
