"""Undoes an import: removes exactly what it made, and gives what it changed its earlier content back.

What another import has changed, or needs, stays until that one is undone too (overlaps).

Of a large import everything is compared before the locks are taken, and again only where something was written since.
The assets that go with all their rows are hidden then, and removed in steps (docs/decisions/0048).

Only rows of the import's own household are looked at: an asset may have moved to another one since, and ids in an
import that came with an archive were written by anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Count, Exists, Max, OuterRef
from django.utils.translation import gettext

from assets.models import (
    Asset,
    AssetCategory,
    AssetSnapshot,
    AssetTag,
    Category,
    Instrument,
    InstrumentAction,
    PriceLoad,
    Tag,
    Transaction,
)
from assets.services.entries.disposal import OF_A_DISPOSAL
from assets.services.entries.transactions import update_transaction
from assets.services.instrument_actions import delete_action
from assets.services.instruments.withdrawals import lock_loads, withdraw_loads
from imports.models import Import, ImportedRows
from imports.services import errors
from imports.services.blocks import blocks_of
from imports.services.planning.decisions import columns_of
from imports.services.planning.known_rows import forget, made_by_imports, used_by
from imports.services.planning.outcomes import ROW_TYPES
from imports.services.planning.quantities import PREFIX, changed_by_hand
from imports.services.writing.commits import locked_import, source_of_prices
from imports.services.writing.overlaps import Overlaps
from imports.services.writing.quantities import StatedQuantities
from portfolios.models import Portfolio
from strata.audit import actor, deletions
from strata.audit.clock import written_at
from strata.audit.journal import was_changed_after
from strata.audit.locating import located
from strata.audit.models import Deletion
from strata.audit.tracking import TrackedModel
from strata.tenancy.writes import Precondition, always, atomic_write

MOST_ERRORS = 1_000
IDS_AT_A_TIME = 5_000


@dataclass(slots=True)
class Findings:
    """What an undo has to do, and what is in its way."""

    remove: list[UUID] = field(default_factory=list)  # values
    restore: dict[UUID, dict[str, Any]] = field(default_factory=dict)  # values, and what they were before
    remove_transactions: list[UUID] = field(default_factory=list)
    restore_transactions: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    remove_actions: list[UUID] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    in_use: set[UUID] = field(default_factory=set)  # assets and instruments that stay, for others
    whole: set[UUID] = field(default_factory=set)  # assets that go with all their rows
    lines: dict[UUID, int] = field(default_factory=dict)  # the first line of each asset
    assets: list[UUID] = field(default_factory=list)  # that the import wrote rows of, or made

    def add_error(self, line: int, code: str, message: str) -> None:
        if len(self.errors) < MOST_ERRORS:
            self.errors.append({"field": f"line {line}", "code": code, "message": message})


@dataclass(frozen=True, slots=True)
class Compared:
    """What an undo has found, and the state of the household at the beginning."""

    state: str
    findings: Findings
    stated: StatedQuantities


def compare(import_id: UUID) -> Compared | None:
    """Look at all that the import wrote, without any lock: of many rows it takes seconds. None without a commit."""
    row = (
        Import.objects.filter(pk=import_id, status=Import.Status.COMMITTED)
        .select_related("portfolio")
        .first()
    )
    return None if row is None else compared(row)


def compared(row: Import) -> Compared:
    state, findings, stated = state_before_undo(row), Findings(), StatedQuantities(row)
    look_at_rows(row, findings, stated)
    look_at_assets(row, findings, stated)
    return Compared(state, findings, stated)


@atomic_write
def undo_import(
    import_id: UUID,
    *,
    force: bool = False,
    before: Compared | None = None,
    precondition: Precondition = always,
) -> Import:
    """Undo a committed import. A second undo changes nothing and gives the same answer. `before` is of `compare`.

    409 IMPORT_EDITED names what was changed or deleted since, and what others use; with `force` changed rows are
    removed too, and what is in use stays. 409 IMPORT_NOT_COMMITTED for a preview.
    """
    row = locked_import(import_id)
    precondition(row)
    if row.status == Import.Status.UNDONE:
        return row
    if row.status != Import.Status.COMMITTED:
        raise errors.again(errors.NOT_COMMITTED)
    if before is None or before.state != state_before_undo(row):
        before = compared(row)
    if before.findings.errors and not force:
        raise errors.EditedSince(before.findings.errors)
    lock_loads(loads_of(row))
    with actor.caused_by(f"import:{row.pk}"):
        write(row, before.findings, before.stated)
    return row


def in_household(row: Import, model: type[TrackedModel]) -> Any:
    """For look-ups by ids. The household is asked of each row: by a join SQLite begins with the household, and reads
    all rows that it has.
    """
    household_id = row.portfolio.household_id
    if not model.portfolio_lookup:
        return model._base_manager.filter(**{model.household_lookup: household_id})
    own = Portfolio._base_manager.filter(pk=OuterRef(f"{model.portfolio_lookup}_id"), household=household_id)
    return model._base_manager.filter(Exists(own))


def look_at_rows(row: Import, findings: Findings, stated: StatedQuantities) -> None:
    """Compare each value, transaction and action that the import wrote with what it is now.

    Corrections of quantities follow from what the files say is held: other imports change them.
    """
    findings.remove_transactions += stated.without_use()
    kinds = (("value", AssetSnapshot), ("transaction", Transaction), ("action", InstrumentAction))
    overlaps = Overlaps(row)
    findings.assets = used_by(row.pk)
    for _, rows in blocks_of(row.pk):
        items = [(record["l"], item) for record in rows for item in record["b"]]
        for row_type, model in kinds:
            own = [(line, item) for line, item in items if item["row_type"] == row_type]
            ids = [UUID(item["id"]) for _, item in own]
            of_model = in_household(row, model).order_by()
            stored = {each.pk: each for each in located(of_model, ids, findings.assets)} if ids else {}
            for line, item in own:
                stored_row = stored.get(UUID(item["id"]))
                if stored_row is None and is_gone_by_import(item):
                    continue
                if stored_row is None:
                    findings.add_error(line, "DELETED", gettext("It was deleted since."))
                elif isinstance(stored_row, InstrumentAction):
                    look_at_action(line, item, stored_row, findings)
                elif isinstance(stored_row, Transaction) and stated.is_remembered(stored_row):
                    look_at_correction(line, item, stored_row, findings)
                elif overlaps.is_changed_later(stored_row.pk):
                    look_at_change(line, stored_row, findings)
                else:
                    before = overlaps.before(stored_row.pk, item["before"])
                    look_at(line, {**item, "before": before}, stored_row, findings)


def look_at_action(line: int, item: dict[str, Any], stored: InstrumentAction, findings: Findings) -> None:
    as_imported = (date.fromisoformat(item["on"]), item["numerator"], item["denominator"])
    if (stored.on, stored.numerator, stored.denominator) != as_imported:
        findings.add_error(line, "EDITED", gettext("It was changed since."))
    findings.remove_actions.append(stored.pk)


def look_at_correction(line: int, item: dict[str, Any], stored: Transaction, findings: Findings) -> None:
    findings.lines.setdefault(stored.asset_id, line)
    if is_edited(stored, item) and changed_by_hand([stored.pk]):
        findings.add_error(line, "EDITED", gettext("It was changed since."))


def look_at_change(line: int, stored: AssetSnapshot | Transaction, findings: Findings) -> None:
    findings.lines.setdefault(stored.asset_id, line)
    findings.in_use.add(stored.asset_id)
    findings.add_error(line, "IN_USE", gettext("A later import has changed it."))


def is_gone_by_import(item: dict[str, Any]) -> bool:
    """Whether the undo of another import has removed the correction of a quantity."""
    is_correction = item.get("external_id", "").startswith(PREFIX)
    return is_correction and not changed_by_hand([UUID(item["id"])])


def look_at(line: int, item: dict[str, Any], stored: AssetSnapshot | Transaction, findings: Findings) -> None:
    findings.lines.setdefault(stored.asset_id, line)
    if is_edited(stored, item):
        findings.add_error(line, "EDITED", gettext("It was changed since."))
    is_value = isinstance(stored, AssetSnapshot)
    if item["before"] is None:
        (findings.remove if is_value else findings.remove_transactions).append(stored.pk)
    else:
        (findings.restore if is_value else findings.restore_transactions)[stored.pk] = item["before"]


def is_edited(stored: AssetSnapshot | Transaction, item: dict[str, Any]) -> bool:
    if isinstance(stored, AssetSnapshot):
        as_imported = (date.fromisoformat(item["on"]), Decimal(item["value"]), item.get("note", stored.note))
        return (stored.on, stored.value, stored.note) != as_imported
    return any(getattr(stored, name) != value for name, value in columns_of(item).items())


def look_at_assets(row: Import, findings: Findings, stated: StatedQuantities) -> None:
    """Which of the assets that this import made are in use by others, or were changed since; and which will go."""
    asset_ids = [UUID(pk) for pk in row.result["made_assets"]]
    removed = {*findings.remove, *findings.remove_transactions}
    look_at_instruments(row, findings, findings.in_use)
    candidates = made_by_imports(used_by(row.pk))
    going = candidates - users_of(candidates, row)
    for asset in in_household(row, Asset).filter(pk__in={*asset_ids, *going}):
        has_others = has_other_rows(asset.pk, removed)
        if asset.pk in going and not has_others and not stated.is_stated_by_others(asset.pk):
            findings.whole.add(asset.pk)
        if asset.pk not in asset_ids:
            continue
        line = findings.lines.get(asset.pk, 1)
        if has_others:
            findings.in_use.add(asset.pk)
            findings.add_error(
                line, "IN_USE", gettext("%(name)s has rows from elsewhere.") % {"name": asset.name}
            )
        elif was_changed(row, asset.pk):
            findings.add_error(line, "EDITED", gettext("%(name)s was changed since.") % {"name": asset.name})


def look_at_instruments(row: Import, findings: Findings, in_use: set[UUID]) -> None:
    """Which of the instruments that imports made and this one used have assets that no import made."""
    candidates = made_by_imports(used_by(row.pk))
    for instrument in in_household(row, Instrument).filter(pk__in=candidates - users_of(candidates, row)):
        others = Asset.objects.filter(instrument=instrument).exclude(pk__in=candidates)
        if deletions.without_hidden(others).exists():
            in_use.add(instrument.pk)
            words = {"name": instrument.symbol}
            findings.add_error(1, "IN_USE", gettext("%(name)s has assets from elsewhere.") % words)


def has_other_rows(asset_id: UUID, removed: set[UUID]) -> bool:
    """The sale that a disposal has recorded goes with the asset."""
    return any(
        pk not in removed
        for model, left_out in ((AssetSnapshot, {}), (Transaction, OF_A_DISPOSAL))
        for pk in model._base_manager.filter(asset_id=asset_id)
        .exclude(**left_out)
        .order_by()
        .values_list("pk", flat=True)
        .iterator(IDS_AT_A_TIME)
    )


def was_changed(row: Import, asset_id: UUID) -> bool:
    """Whether somebody has changed the asset since the commit."""
    return was_changed_after(asset_id, row.committed_at)


def state_before_undo(row: Import) -> str:
    """If it is the same, all that an undo looks at is."""
    household_id = row.portfolio.household_id
    portfolios = Portfolio.objects.filter(household=household_id).order_by("pk")
    parts: list[Any] = [list(portfolios.values_list("pk", "revision"))]
    for model in (Import, Instrument, InstrumentAction):
        rows = model._base_manager.filter(**{model.household_lookup: household_id})
        parts.append(rows.aggregate(Count("pk"), Max("updated_at")))
    return repr(parts)


def write(row: Import, findings: Findings, stated: StatedQuantities) -> None:
    removed: Counter[str] = Counter()
    removed["value"], removed["transaction"] = len(findings.remove), len(findings.remove_transactions)
    is_large = removed["value"] + removed["transaction"] > deletions.MOST_AT_ONCE
    hidden = findings.whole if is_large else set()
    remove_rows(AssetSnapshot, findings.remove, findings.assets, hidden)
    remove_rows(Transaction, findings.remove_transactions, findings.assets, hidden)
    restore_values(findings.restore, findings.assets)
    for pk, before in findings.restore_transactions.items():
        update_transaction(pk, columns_of(before))
    for pk in findings.remove_actions:
        delete_action(pk)
    removed["action"] = len(findings.remove_actions)
    forget(row.pk)
    changed_corrections = stated.settle(row.format, without=hidden)
    deletion = None
    if hidden:
        deletion = deletions.hide_rows(
            Asset.objects.filter(pk__among=list(hidden)), row.portfolio.household_id
        )
    gone = assets_without_use(row)
    if gone:
        Asset.objects.filter(pk__in=[asset.pk for asset in gone]).delete()
    removed["asset"] = len(hidden) + len(gone)
    removed["instrument"] = remove_what_has_no_use(row, deletion)
    removed["price"] = withdraw_loads(loads_of(row))
    row.status, row.undone_at = Import.Status.UNDONE, written_at()
    row.result = {
        **row.result,
        "removed": {name: removed[name] for name in ROW_TYPES},
        "restored": {
            "value": len(findings.restore),
            "transaction": len(findings.restore_transactions) + changed_corrections,
        },
        "kept": kept_of(findings.in_use),
    }
    row.save()


def remove_rows(
    model: type[AssetSnapshot] | type[Transaction],
    ids: list[UUID],
    asset_ids: Collection[UUID],
    hidden: Collection[UUID],
) -> None:
    """Those of hidden assets go with these."""
    of_model: models.QuerySet[Any] = model.objects.all()
    for batch in batched(ids, IDS_AT_A_TIME):
        rows: Any = located(of_model, batch, asset_ids)
        if hidden:
            rows.exclude(asset__pk__among=list(hidden)).delete()
        else:
            rows.delete(known=list(batch))


def restore_values(earlier: dict[UUID, dict[str, Any]], asset_ids: Collection[UUID]) -> None:
    ids, values = list(earlier), AssetSnapshot.objects.select_related("asset")
    for start in range(0, len(ids), IDS_AT_A_TIME):
        rows = list(located(values, ids[start : start + IDS_AT_A_TIME], asset_ids))
        for snapshot in rows:
            before = earlier[snapshot.pk]
            snapshot.value, snapshot.note = Decimal(before["value"]), before["note"]
        AssetSnapshot.objects.update_each(rows, ["value", "note"])


def assets_without_use(row: Import) -> list[Asset]:
    """The assets that imports made, that this one used, and that nothing is left of: the last user removes them."""
    candidates = made_by_imports(used_by(row.pk))
    still_used = users_of(candidates, row)
    return [
        asset
        for asset in deletions.without_hidden(in_household(row, Asset).filter(pk__in=candidates - still_used))
        if not has_other_rows(asset.pk, set())
    ]


def remove_what_has_no_use(row: Import, deletion: Deletion | None) -> int:
    """Removes instruments, tags and categories that imports made and nothing needs. Returns how many instruments.

    The prices of an instrument go with it; those of an instrument that stays are withdrawn. Instruments of assets
    that were hidden go with these, in the same deletion.
    """
    candidates = made_by_imports(used_by(row.pk))
    unused = candidates - users_of(candidates, row)
    held = deletions.without_hidden(Asset.objects.filter(instrument__in=unused)).values("instrument")
    instruments = in_household(row, Instrument).filter(pk__in=unused, actions=None, actions_into=None)
    ids = list(instruments.exclude(pk__in=held).values_list("pk", flat=True))
    if deletion is not None and ids:
        deletions.hide_along(deletion, Instrument.objects.filter(pk__in=ids))
    else:
        for instrument in Instrument.objects.filter(pk__in=ids):
            deletions.delete(instrument)
    with_tag, in_category = (
        deletions.without_hidden(links._base_manager.filter(**{f"{name}__in": unused})).values(name)
        for links, name in ((AssetTag, "tag"), (AssetCategory, "category"))
    )
    in_household(row, Tag).filter(pk__in=unused).exclude(pk__in=with_tag).delete()
    unused_categories = in_household(row, Category).filter(pk__in=unused, children=None)
    while categories := list(unused_categories.exclude(pk__in=in_category)):
        for category in categories:
            category.delete()
    return len(ids)


def loads_of(row: Import) -> list[UUID]:
    """The loads of prices that the commit wrote, at its own instant: another source may have the same name."""
    of_commit: dict[str, Any] = {"source": source_of_prices(row), "created_at": row.committed_at}
    loads = PriceLoad.objects.filter(household=row.portfolio.household_id, **of_commit)
    return list(loads.order_by("pk").values_list("pk", flat=True))


def users_of(asset_ids: Iterable[UUID], row: Import) -> set[UUID]:
    """Those of the assets that another import has made and not undone."""
    others = Import.objects.filter(status=Import.Status.COMMITTED).exclude(pk=row.pk).values("pk")
    rows = ImportedRows.objects.filter(asset_id__in=list(asset_ids), made_asset=True, file_import__in=others)
    return set(rows.values_list("asset_id", flat=True))


def kept_of(in_use: set[UUID]) -> list[dict[str, str]]:
    return [
        {"row_type": row_type, "id": str(kept_row.pk), "name": kept_row.name}
        for row_type, model in (("asset", Asset), ("instrument", Instrument))
        for kept_row in model._base_manager.filter(pk__in=in_use)
    ]
