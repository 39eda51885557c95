"""The tables of an archive, in the order in which they are restored, and the columns of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Any, cast

from django.conf import settings
from django.db import models
from django.db.models import Q, QuerySet

from assets.models import (
    Asset,
    AssetCategory,
    AssetOrder,
    AssetSnapshot,
    AssetTag,
    AssetType,
    Category,
    Depreciation,
    Growth,
    Instrument,
    InstrumentAction,
    Loan,
    LoanExtraPayment,
    LoanHoliday,
    LoanRate,
    PriceBlock,
    PriceLoad,
    Tag,
    Transaction,
)
from imports.models import Import, ImportBlock, ImportedRows
from portfolios.models import Household, Invitation, Membership, Portfolio
from reports.models import AllocationTarget, DismissedFinding, PortfolioSnapshot
from strata.fields.money import ExactField, MoneyField
from strata.fields.names import NameKeyField
from strata.tenancy.querysets import Owned, owner_of

# A row refers only to rows of models before its own, or of its own.
MODELS: tuple[type[models.Model], ...] = (
    Household,
    Membership,
    Invitation,
    AssetType,
    Category,
    Tag,
    Instrument,
    PriceLoad,
    PriceBlock,
    InstrumentAction,
    Portfolio,
    Asset,
    AssetOrder,
    AssetCategory,
    AssetTag,
    AssetSnapshot,
    Transaction,
    Loan,
    LoanRate,
    LoanExtraPayment,
    LoanHoliday,
    Depreciation,
    Growth,
    PortfolioSnapshot,
    AllocationTarget,
    DismissedFinding,
    Import,
    ImportedRows,
    ImportBlock,
)
PEOPLE = (Membership, Invitation)
# Of each model that all households share, the rows that a household's own refer to.
SHARED_MODELS = (AssetType, Instrument, PriceLoad, PriceBlock, InstrumentAction)
JOURNAL, SHARED, RATES = "journal.jsonl", "data/shared.jsonl", "data/rates.jsonl"
# It counts the writes of one installation: in another one it says nothing.
NOT_ARCHIVED = frozenset({"revision"})
# The file of a preview stays where it was sent: a preview ends with it.
KEPT_IMPORTS = ~Q(status=Import.Status.PREVIEW)


class Kind(Enum):
    """How a value is written in an archive. All but booleans, JSON and null are texts."""

    ID = auto()
    USER = auto()  # a username
    DAY = auto()
    INSTANT = auto()
    MONEY = auto()
    EXACT = auto()
    INTEGER = auto()
    BOOLEAN = auto()
    JSON = auto()
    BINARY = auto()  # hexadecimal
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is its key in a line, `attname` that of the model's attribute, `lookup` what is read."""

    name: str
    attname: str
    lookup: str
    kind: Kind
    field: Any

    @property
    def refers_to(self) -> type[models.Model] | None:
        """The model of the row that a foreign key names, unless it is a user."""
        return None if self.kind is Kind.USER else self.field.remote_field and self.field.remote_field.model

    @property
    def is_checked(self) -> bool:
        """Whether the row that it refers to must exist."""
        return bool(self.field.is_relation and self.field.db_constraint)


@cache
def columns_of(model: type[models.Model]) -> tuple[Column, ...]:
    """The columns that an archive has, by name."""
    fields: Any = model._meta.local_concrete_fields
    return tuple(sorted(map(column_of, filter(is_archived, fields)), key=lambda column: column.name))


def is_archived(field: Any) -> bool:
    """Keys of names are calculated when they are restored, and numbers of rows given in the order of the archive."""
    is_made = isinstance(field, NameKeyField | models.AutoField)
    return not is_made and field.name not in NOT_ARCHIVED


def column_of(field: Any) -> Column:
    if field.is_relation and field.remote_field.model._meta.label == settings.AUTH_USER_MODEL:
        return Column(field.name, field.attname, f"{field.name}__username", Kind.USER, field)
    return Column(field.attname, field.attname, field.attname, kind_of(field), field)


def kind_of(field: Any) -> Kind:
    target = field.target_field if field.is_relation else field
    return next((kind for types, kind in KINDS if isinstance(target, types)), Kind.TEXT)


KINDS: tuple[tuple[Any, Kind], ...] = (
    (models.UUIDField, Kind.ID),
    (models.DateTimeField, Kind.INSTANT),
    (models.DateField, Kind.DAY),
    (MoneyField, Kind.MONEY),
    (ExactField, Kind.EXACT),
    (models.BooleanField, Kind.BOOLEAN),
    (models.IntegerField, Kind.INTEGER),
    (models.JSONField, Kind.JSON),
    (models.BinaryField, Kind.BINARY),
)


@cache
def referred_models() -> frozenset[type[models.Model] | None]:
    """Those to whose rows others refer."""
    return frozenset(column.refers_to for model in MODELS for column in columns_of(model))


def member_of(model: type[models.Model]) -> str:
    return f"data/{model._meta.label_lower}.jsonl"


@cache
def models_by_member() -> dict[str, type[models.Model]]:
    return {member_of(model): model for model in MODELS}


@cache
def models_by_label() -> dict[str, type[models.Model]]:
    return {model._meta.label: model for model in MODELS}


def rows_of(model: type[models.Model], household_id: Any) -> QuerySet[Any]:
    """The rows of the household, by id."""
    rows = model._base_manager.order_by("pk")
    if model in (ImportBlock, ImportedRows):
        kept = Import.objects.filter(KEPT_IMPORTS, portfolio__household=household_id)
        return rows.filter(file_import__in=kept)
    rows = rows.filter(**in_household(model, household_id))
    return rows.filter(KEPT_IMPORTS) if model is Import else rows


def in_household(model: type[models.Model], household_id: Any) -> dict[str, Any]:
    """The filter. What is above the rows is a subquery, so that SQLite looks below it, and not at the rows of all."""
    owned = cast("type[Owned]", model)  # as all others are
    parent, _, above = owned.household_lookup.partition("__")
    if not above:
        return {parent or "pk": household_id}
    parents = owner_of(owned)._base_manager.filter(**{above: household_id})
    return {f"{parent}__in": parents}
