"""Undoes an import: removes exactly what it made, and gives what it changed its earlier content back.

What another import has changed, or needs, stays until that one is undone too (overlaps).

Of a large import everything is compared before the locks are taken, and again only where something was written since.
The assets that go with all their rows are hidden then, and removed in steps (docs/decisions/0048).

Only rows of the import's own household are looked at: an asset may have moved to another one since, and ids in an
import that came with an archive were written by anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import batched
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext

from assets.models import (
    Asset,
    AssetCategory,
    AssetSnapshot,
    AssetTag,
    Category,
    Instrument,
    InstrumentAction,
    InstrumentSource,
    PriceLoad,
    Tag,
    Transaction,
)
from assets.services.entries import prepared_batches
from assets.services.entries.disposal import OF_A_DISPOSAL, reinstate
from assets.services.entries.prepared_batches import Content, PreparedReversal
from assets.services.entries.transactions import update_transaction
from assets.services.instrument_actions import delete_action
from assets.services.instruments.withdrawals import lock_loads, withdraw_loads
from imports.models import Import, ImportedRows
from imports.services import errors
from imports.services.blocks import blocks_of
from imports.services.planning.decisions import columns_of
from imports.services.planning.known_rows import (
    forget,
    made_by_imports,
    used_by,
)
from imports.services.planning.outcomes import ROW_TYPES
from imports.services.planning.quantities import PREFIX, changed_by_hand
from imports.services.writing.commits import locked_import
from imports.services.writing.findings import (
    IDS_AT_A_TIME,
    Findings,
    edited_by_hand,
    in_household,
    users_of,
)
from imports.services.writing.needs import needed_assets
from imports.services.writing.overlaps import Overlaps
from imports.services.writing.quantities import StatedQuantities
from imports.services.writing.shared_parents import loads_of, look_at_parents, remove_parents
from portfolios.models import Portfolio
from reports.models import AllocationTarget
from strata.audit import actor, deletions, journal
from strata.audit.clock import written_at
from strata.audit.locating import located
from strata.audit.tracking import TrackedModel
from strata.db.consistent_read import consistent_read
from strata.tenancy.writes import Precondition, always, atomic_write

LOOKED_AT: tuple[type[TrackedModel], ...] = (  # beside what is in portfolios
    Import,
    Instrument,
    InstrumentAction,
    InstrumentSource,
    PriceLoad,
    Category,
    Tag,
    AllocationTarget,
)
KEPT_TYPES: dict[str, Any] = {
    "asset": Asset,
    "instrument": Instrument,
    "category": Category,
    "tag": Tag,
}


@dataclass(frozen=True, slots=True)
class Compared:
    """What an undo has found, and the state of the household at the beginning.

    `prepared` are values of assets that stay: of a large import, where it was compared before the locks were taken.
    """

    state: str
    findings: Findings
    stated: StatedQuantities
    prepared: PreparedReversal | None = None


def compare(import_id: UUID) -> Compared | None:
    """Look at all that the import wrote, without any lock: of many rows it takes seconds. None without a commit."""
    row = (
        Import.objects.filter(pk=import_id, status=Import.Status.COMMITTED)
        .select_related("portfolio")
        .first()
    )
    if row is None:
        return None
    before = compared(row)
    with consistent_read():
        return replace(before, prepared=prepared_reversal(row, before.findings))


def prepared_reversal(row: Import, findings: Findings) -> PreparedReversal | None:
    number = len(findings.remove) + len(findings.restore)
    if not deletions.MOST_AT_ONCE < number <= prepared_batches.MOST_ROWS:
        return None
    staying = set(findings.assets) - findings.hidden
    earlier = contents(findings.restore)
    return PreparedReversal(row.portfolio, staying, removed=findings.remove, earlier=earlier)


def contents(restored: Mapping[UUID, Mapping[str, Any]]) -> dict[UUID, Content]:
    return {pk: Content(Decimal(image["value"]), image["note"]) for pk, image in restored.items()}


def compared(row: Import) -> Compared:
    state, findings, stated = state_before_undo(row), Findings(), StatedQuantities(row)
    look_at_rows(row, findings, stated)
    look_at_assets(row, findings, stated)
    look_at_parents(row, findings)
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
        write(row, before.findings, before.stated, before.prepared)
    return row


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
                    if (changed := overlaps.before_the_change(stored_row.pk)) and differs(item, changed):
                        findings.add_error(line, "EDITED", gettext("It was changed since."))
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


def differs(item: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether what a later import has changed was not any more what this one wrote."""
    if "value" in item:
        as_imported = Decimal(item["value"]), item.get("note", before["note"])
        return (Decimal(before["value"]), before["note"]) != as_imported
    return columns_of(item) != columns_of(before)


def look_at_assets(row: Import, findings: Findings, stated: StatedQuantities) -> None:
    """Which of the assets that imports made go with all their rows; which others need; which were changed by hand."""
    own = {UUID(pk) for pk in row.result["made_assets"]}
    removed = {*findings.remove, *findings.remove_transactions}
    candidates = made_by_imports(used_by(row.pk))
    unshared = candidates - users_of(candidates, row)
    assets = {asset.pk: asset for asset in in_household(row, Asset).filter(pk__in=own | unshared)}
    going = {
        pk
        for pk in assets.keys() & unshared
        if not has_other_rows(pk, removed) and not stated.is_stated_by_others(pk)
    }
    while others_need := needed_assets(going, going):
        going -= others_need
    findings.whole = going
    edited = edited_by_hand(going) | labelled_by_hand(going) | with_an_edited_sale(going)
    for pk, asset in assets.items():
        line = findings.lines.get(pk, 1)
        if pk in own - going:
            findings.in_use.add(pk)
            findings.add_in_use(line, asset.name)
        elif pk in edited:
            findings.add_edited(line, asset.name)
    staying = in_household(row, Asset).filter(pk__in=own | set(used_by(row.pk)), disposed_on__isnull=False)
    for asset in staying.exclude(pk__in=going):
        look_at_disposal(findings.lines.get(asset.pk, 1), asset, row, findings)


def look_at_disposal(line: int, asset: Asset, row: Import, findings: Findings) -> None:
    """An asset that stays is reinstated where an import has disposed of it, and no file says so that is not undone."""
    channel = journal.channel_of_last_change(asset.pk, "disposed_on", str(asset.disposed_on)) or ""
    kind, _, import_id = channel.partition(":")
    others = Import.objects.filter(status=Import.Status.COMMITTED).exclude(pk=row.pk)
    if kind != "import" or others.filter(pk=import_id).exists() or is_disposed_of_by(others, asset):
        return
    findings.reinstate.append(asset.pk)
    if with_an_edited_sale([asset.pk]):
        findings.add_edited(line, asset.name)


def is_disposed_of_by(imports: QuerySet[Import], asset: Asset) -> bool:
    """Whether the file of one of them has a day of disposal for the asset."""
    rows = imports.filter(portfolio=asset.portfolio_id, summary__has_key="disposals")
    return any(
        account["asset_id"] == str(asset.pk) and account["key"] in summary["disposals"]
        for summary in rows.values_list("summary", flat=True)
        for account in summary["accounts"]
    )


def with_an_edited_sale(asset_ids: Collection[UUID]) -> set[UUID]:
    """Those of the assets whose disposal has recorded a sale that somebody has edited."""
    sales = Transaction._base_manager.filter(asset__pk__among=list(asset_ids), **OF_A_DISPOSAL)
    asset_of = dict(sales.order_by().values_list("pk", "asset_id"))
    return {asset_of[pk] for pk in edited_by_hand(asset_of)}


def labelled_by_hand(asset_ids: Collection[UUID]) -> set[UUID]:
    """Those of the assets that have a category or a tag since their import was committed."""
    makers = ImportedRows.objects.filter(asset_id__among=list(asset_ids), made_asset=True).values(
        "file_import"
    )
    instants = set(Import.objects.filter(pk__in=makers).values_list("committed_at", flat=True))
    links = (
        model._base_manager.filter(asset__pk__among=list(asset_ids)).order_by()
        for model in (AssetCategory, AssetTag)
    )
    return {
        pk
        for rows in links
        for pk, created_at in rows.values_list("asset_id", "created_at").iterator(IDS_AT_A_TIME)
        if created_at not in instants
    }


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


def state_before_undo(row: Import) -> str:
    """If it is the same, all that an undo looks at is."""
    household_id = row.portfolio.household_id
    portfolios = Portfolio.objects.filter(household=household_id).order_by("pk")
    parts: list[Any] = [list(portfolios.values_list("pk", "revision"))]
    for model in LOOKED_AT:
        rows = model._base_manager.filter(**{model.household_lookup: household_id})
        parts.append(rows.aggregate(Count("pk"), Max("updated_at")))
    return repr(parts)


def write(
    row: Import, findings: Findings, stated: StatedQuantities, prepared: PreparedReversal | None = None
) -> None:
    removed: Counter[str] = Counter()
    removed["value"], removed["transaction"] = len(findings.remove), len(findings.remove_transactions)
    hidden = findings.hidden
    if prepared is None:
        values, earlier = findings.remove, contents(findings.restore)
    else:
        prepared.write()
        values, earlier = prepared.other_removed, prepared.other_earlier
    remove_rows(AssetSnapshot, values, findings.assets, hidden)
    remove_rows(Transaction, findings.remove_transactions, findings.assets, hidden)
    restore_values(earlier, findings.assets)
    for pk, before in findings.restore_transactions.items():
        update_transaction(pk, columns_of(before))
    for pk in findings.remove_actions:
        delete_action(pk)
    removed["action"] = len(findings.remove_actions)
    for asset_id in findings.reinstate:
        reinstate(asset_id)
    forget(row.pk)
    changed_corrections = stated.settle(row.format, without=hidden)
    deletion = None
    if hidden:
        deletion = deletions.hide_rows(
            Asset.objects.filter(pk__among=list(hidden)), row.portfolio.household_id
        )
    gone = [pk for pk in findings.whole - hidden if not has_other_rows(pk, set())]
    if gone:
        Asset.objects.filter(pk__among=gone).delete()
    removed["asset"] = len(hidden) + len(gone)
    removed["instrument"] = remove_parents(row, findings, deletion)
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


def restore_values(earlier: Mapping[UUID, Content], asset_ids: Collection[UUID]) -> None:
    ids, values = list(earlier), AssetSnapshot.objects.select_related("asset")
    for start in range(0, len(ids), IDS_AT_A_TIME):
        rows = list(located(values, ids[start : start + IDS_AT_A_TIME], asset_ids))
        for snapshot in rows:
            snapshot.value, snapshot.note = earlier[snapshot.pk]
        AssetSnapshot.objects.update_each(rows, ["value", "note"])


def kept_of(in_use: set[UUID]) -> list[dict[str, str]]:
    return [
        {"row_type": row_type, "id": str(kept_row.pk), "name": kept_row.name}
        for row_type, model in KEPT_TYPES.items()
        for kept_row in model._base_manager.filter(pk__in=in_use)
    ]
