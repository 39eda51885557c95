"""The ETag of a report: whether a client's copy is still current, without loading the report.

A report depends on the portfolios (every write in one, and every rate, raises its revision), on the names and targets
of their households, on today, on the version of Strata, and on RATE_MAX_AGE_DAYS. For names there are two counts: how
many there are, and how often one was changed or deleted; the journal gives the latter, which only grows. No two states
have the same two counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import F, Func, IntegerField, Model, QuerySet

from assets.models import AssetType, Category, Tag
from portfolios.models import Portfolio
from reports.models import AllocationTarget
from reports.queries.defaults import today_of, with_demo_mark
from strata import __version__
from strata.audit.journal import changes_of
from strata.db.prepared import Prepared
from strata.tenancy.querysets import sees_rows
from strata.tenancy.roles import user_with_id_only

NAMED = (AssetType, Category, Tag, AllocationTarget)
LABELS = [model._meta.label for model in NAMED]
COUNTS = (
    *(f"{model._meta.model_name}_count" for model in NAMED),
    "shared_type_count",
    "changed_names",
    "changed_shared_names",
)


def with_etag_counts(portfolios: QuerySet[Portfolio]) -> QuerySet[Portfolio]:
    """Adds the counts of the names of each portfolio's household, and of the shared names."""
    return portfolios.annotate(**names_counted())


def _of_user(user_id: UUID) -> QuerySet[Portfolio]:
    rows = Portfolio.objects.for_user(user_with_id_only(user_id)).order_by("created_at", "id")
    return with_etag_counts(with_demo_mark(rows))


def _named(user_id: UUID, ids: list[UUID]) -> QuerySet[Portfolio]:
    return _of_user(user_id).filter(pk__among=ids)


PORTFOLIOS_OF_USER, NAMED_PORTFOLIOS = Prepared(_of_user, UUID), Prepared(_named, UUID, list)


def portfolios_of_user(user: Any, ids: Collection[UUID] | None = None) -> list[Portfolio]:
    """The portfolios that the user may see, or those of them with these ids, in order of creation.

    With the counts of an ETag, and the mark of with_demo_mark. Every report begins with them.
    """
    if not sees_rows(user):
        return []
    return PORTFOLIOS_OF_USER(user.pk) if ids is None else NAMED_PORTFOLIOS(user.pk, list(ids))


def names_counted() -> dict[str, Func]:
    """The counts, as COUNTS names them."""
    own, shared = "household_id = %(expressions)s", "household_id IS NULL"
    journal, changed = changes_of(LABELS)
    rows = [
        *((model, own) for model in NAMED),
        (AssetType, shared),
        (journal, f"{changed} AND {own}"),
        (journal, f"{changed} AND {shared}"),
    ]
    return {name: number_of(model, condition) for name, (model, condition) in zip(COUNTS, rows, strict=True)}


def number_of(model: type[Model], condition: str) -> Func:
    """SQL that counts the rows that meet the condition. Building querysets for this takes longer than counting."""
    template = f"(SELECT COUNT(*) FROM {model._meta.db_table} WHERE {condition})"  # noqa: S608 - made of our own words
    return Func(F("household_id"), template=template, output_field=IntegerField())


def report_etag(portfolios: Iterable[Portfolio], *asked: str) -> str:
    """An ETag of the state on which the answer to `asked` depends; call it before the report is calculated."""
    rows = sorted(
        (
            str(portfolio.pk),
            portfolio.revision,
            *(getattr(portfolio, name) for name in COUNTS),
            str(today_of(portfolio)),
        )
        for portfolio in portfolios
    )
    state = (__version__, settings.RATE_MAX_AGE_DAYS, asked, rows)
    return f'"{hashlib.sha256(repr(state).encode()).hexdigest()[:32]}"'
