"""The instruments, categories and tags that imports made: the undo of the last import that used one removes it.

What a person has entered, or an import that is not undone, keeps what it needs (needs).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Q

from assets.models import Category, Instrument, PriceLoad, Tag
from imports.models import Import
from imports.services.planning.known_rows import made_by, made_by_any, made_by_imports, undone_beside
from imports.services.writing.commits import source_of_prices
from imports.services.writing.findings import Findings, edited_by_hand, in_household, users_of
from imports.services.writing.needs import Going, Parent, below_first, needed, parents_of, with_those_above
from strata.audit import deletions
from strata.audit.models import Deletion

PARENTS: tuple[Parent, ...] = (Instrument, Category, Tag)


def look_at_parents(row: Import, findings: Findings) -> None:
    """Which of the instruments, categories and tags that the import made others need, and which were changed by hand.

    A tag that others need is no reason against the undo.
    """
    own, related = made_by(row.pk), [row.pk, *undone_beside(row)]
    made_beside = Q(pk__in=made_by_any(related).values("asset_id"))
    categories = in_household(row, Category).filter(made_beside).values_list("pk", flat=True)
    beside = with_those_above(parents_of(findings.whole).union(categories))
    going = Going(findings.whole, set(findings.remove_actions), loads_of(row))
    made_beside |= Q(pk__among=list(made_by_imports(beside)))
    for model in PARENTS:
        rows = {parent.pk: parent for parent in in_household(row, model).filter(made_beside)}
        for pk in users_of(rows, row):
            del rows[pk]
        needed_ids = needed(model, rows.keys(), going)
        edited = edited_by_hand(rows.keys() - needed_ids)
        findings.parents[model] = set(rows)
        for pk, parent in rows.items():
            name = parent.symbol if model is Instrument else parent.name
            if pk in own & needed_ids:
                findings.in_use.add(pk)
                if model is not Tag:
                    findings.add_in_use(1, name)
            elif pk in edited:
                findings.add_edited(1, name)


def remove_parents(row: Import, findings: Findings, deletion: Deletion | None) -> int:
    """Removes the instruments, categories and tags that nothing needs now. Returns how many instruments.

    The prices of an instrument go with it; those of an instrument that stays are withdrawn. Instruments of assets
    that were hidden go with these, in the same deletion.
    """
    going = Going(loads=loads_of(row))
    unused = {model: ids - needed(model, ids, going) for model, ids in findings.parents.items()}
    instruments, ids = in_household(row, Instrument), unused[Instrument]
    if deletion is not None and ids:
        deletions.hide_along(deletion, instruments.filter(pk__among=list(ids)))
    else:
        for instrument in instruments.filter(pk__among=list(ids)):
            deletions.delete(instrument)
    in_household(row, Tag).filter(pk__among=list(unused[Tag])).delete()
    for category in below_first(in_household(row, Category).filter(pk__among=list(unused[Category]))):
        category.delete()
    return len(ids)


def loads_of(row: Import) -> list[UUID]:
    """The loads of prices that the commit wrote, at its own instant: another source may have the same name."""
    of_commit: dict[str, Any] = {"source": source_of_prices(row), "created_at": row.committed_at}
    loads = PriceLoad.objects.filter(household=row.portfolio.household_id, **of_commit)
    return list(loads.order_by("pk").values_list("pk", flat=True))
