"""What would be deleted with a row, and what prevents it. Counted in SQL, not row by row."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models

from strata.tenancy.guards import cascading

SHOWN_HINDRANCES = 20


def count_below(rows: models.QuerySet[Any], counts: dict[str, int]) -> None:
    """Add to `counts` how many rows are deleted, these rows included, for each model that has a page."""
    count = rows.count()
    if count and rows.model in admin.site._registry:
        name = str(rows.model._meta.verbose_name_plural)
        counts[name] = counts.get(name, 0) + count
    for relation in cascading(rows.model) if count else ():
        below = relation.related_model._base_manager.filter(
            **{f"{relation.field.name}__in": rows.values("pk")}
        )
        count_below(below, counts)


def hindrances(rows: models.QuerySet[Any]) -> list[str]:
    """What prevents the deletion of these rows: rows that refer to them."""
    texts = []
    for relation in rows.model._meta.related_objects:
        if relation.on_delete in (models.PROTECT, models.RESTRICT):
            users = relation.related_model._base_manager.filter(
                **{f"{relation.field.name}__in": rows.values("pk")}
            )
            texts += [f"{row._meta.verbose_name}: {row}" for row in users[:SHOWN_HINDRANCES]]
    return texts
