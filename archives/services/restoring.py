"""Restores a household from an archive: as a new one, or as a replacement of what a household has.

The archive is checked as a whole first (archives.services.checking). Then all is written in one transaction, with one
statement for many rows; many rows are written before it, in steps that nobody waits for, and that nobody sees
(strata.audit.hidden_writes). Derived tables are never read from an archive: they are made again at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import batched
from typing import IO, Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from archives.files import refusals
from archives.files.container import Container, too_large
from archives.rows.contents import MODELS, member_of, rows_of
from archives.rows.ids import IdIsTaken
from archives.services.checking import Checker, Plan
from archives.services.membership import invite_people, restore_people
from archives.services.rates import add_rates, currencies_in
from archives.services.replacing import (
    as_written,
    is_recorded_further_down,
    record_further_down,
    record_rows,
    refuse_edited,
    remove_rows,
    require_confirmed,
    swap,
)
from archives.services.spool import Spool, StoredRow
from assets.models import Asset, Instrument, Transaction
from assets.prices.store import INSTRUMENTS_AT_A_TIME, rebuild_packs
from assets.rates.writer import lock_rates
from assets.valuation.upkeep import parts_of_rebuild, rebuild
from portfolios.models import Household, Portfolio
from strata.audit import actor, deletions, hidden_writes
from strata.audit.clock import written_at
from strata.audit.models import Action, Deletion, JournalEntry
from strata.audit.recording import write_journal
from strata.audit.undo.request import OF_ARCHIVES
from strata.db.retry import run_in_transaction
from strata.fields.ids import uuid7

NEW, REPLACE = "new", "replace"
MODES = (NEW, REPLACE)
MOST_NAMED = 20  # lines in a warning
STEP = 20_000  # rows that are written in one transaction


class Restored(NamedTuple):
    household_id: UUID
    household_name: str
    mode: str
    dry_run: bool
    remapped: bool
    counts: dict[str, int]
    members: list[dict[str, str]]
    warnings: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Request:
    """Who restores what. `is_operator` is True for a command: it sees all users, and may keep ids and links to users.

    `adds_rates`: whether the rates of the archive are added to those that all households share.
    """

    owner: Any
    mode: str = NEW
    household_id: UUID | None = None
    confirm: str = ""
    dry_run: bool = False
    is_operator: bool = False
    adds_rates: bool = False


class _RolledBack(Exception):
    """A dry run ends with it."""


def restore(file: IO[bytes], request: Request) -> Restored:
    """Raises Refused, or Conflict and NotFound of the household that is replaced. Then nothing is written."""
    with prepared(file, request) as archive:
        return archive.write()


@dataclass(slots=True)
class Prepared:
    """An archive that was checked, and can be written. `hidden`: its rows are, and wait for the last step."""

    plan: Plan
    request: Request
    warnings: list[dict[str, Any]]
    hidden: Deletion | None = None

    def write(self) -> Restored:
        return write(self)


@contextmanager
def prepared(file: IO[bytes], request: Request) -> Iterator[Prepared]:
    """Check the archive as a whole. Many rows are hidden until `write`; without that they are removed again.

    It must be in no transaction, because it may need many.
    """
    if file.seek(0, 2) > settings.ARCHIVE_MAX_BYTES:
        raise too_large()
    with Container(file) as container:
        if not request.is_operator and container.manifest.rows > settings.ARCHIVE_MAX_ROWS_HTTP:
            message = _(
                "It has more than %(most)s rows: whoever runs Strata restores it by manage.py restore."
            )
            raise refusals.TooLarge(message % {"most": f"{settings.ARCHIVE_MAX_ROWS_HTTP:,}"})
        container.check_sums()
        warnings = [] if request.adds_rates else missing_rates(container)
        in_steps = is_large(container, request)
        plan = plan_of(
            container, request, holder_id=uuid7() if in_steps and request.mode == REPLACE else None
        )
    archive = Prepared(plan, request, warnings + copied_instruments(plan) + legs_alone(plan))
    try:
        if in_steps:
            with refusing_contradictions(), actor.caused_by(OF_ARCHIVES):
                write_hidden(archive)
        yield archive
    finally:
        if archive.hidden is not None:
            hidden_writes.remove(archive.hidden.pk)
        plan.close()


def is_large(container: Container, request: Request) -> bool:
    """Whether there are many rows to write, or many to replace. The household that is replaced was not locked yet."""
    most = deletions.MOST_AT_ONCE
    replaced = request.household_id if request.mode == REPLACE else None
    if container.manifest.rows > most or replaced is None:
        return container.manifest.rows > most
    # nosemgrep: rows-through-for-user - the callers check that the household is the user's own, or are commands
    rows = Household.objects.filter(pk=replaced)
    return deletions.count_below(Household, rows, most + 1) > most


def write_hidden(archive: Prepared) -> None:
    """Write all but the members, with what is derived, in steps. The history comes last."""
    plan, request = archive.plan, archive.request
    hidden = archive.hidden = begin_hidden(archive)
    for spool in spools_in_order(plan):
        if spool.model is not Household and spool.model is not JournalEntry:
            change = as_written(spool, request.owner, hidden.at) if request.mode == REPLACE else None
            size = spool.count if refers_to_itself(spool.model) else STEP
            in_steps(hidden, spool.batches(max(size, 1), change), spool.insert)
    for part in parts_to_derive(plan.holder_id, in_parts=True):
        hidden_writes.step(hidden.pk, part)
    if not request.dry_run:
        write_history_in_steps(archive, hidden)


def begin_hidden(archive: Prepared) -> Deletion:
    plan, request = archive.plan, archive.request
    if request.mode == NEW:
        return hidden_writes.begin(plan.household_id, plan.spools[Household].write)

    def insert() -> None:
        """With the household locked, so that every later entry of it is that of a later edit (`refuse_edited`)."""
        require_confirmed(plan.household_id, request.owner, request.confirm, is_operator=request.is_operator)
        deletions.add_holder(plan.holder_id)

    return hidden_writes.begin(plan.holder_id, insert, for_another=True)


def write_history_in_steps(archive: Prepared, hidden: Deletion) -> None:
    plan = archive.plan
    if archive.request.mode == NEW:
        history = plan.spools[JournalEntry]
        in_steps(hidden, history.batches(STEP), history.insert)
        return
    for spool in spools_in_order(plan):
        if is_recorded_further_down(spool.model):
            record = partial(record_further_down, spool, household_id=plan.household_id, hidden=hidden)
            in_steps(hidden, spool.batches(STEP), record)


def in_steps(
    hidden: Deletion, batches: Iterable[Sequence[StoredRow]], work: Callable[[Sequence[StoredRow]], object]
) -> None:
    for batch in batches:
        hidden_writes.step(hidden.pk, partial(work, batch))


def refers_to_itself(model: type[models.Model]) -> bool:
    """A category may be older than its parent: they are written together."""
    targets = [field.remote_field.model for field in model._meta.concrete_fields if field.remote_field]
    return model in targets


def plan_of(container: Container, request: Request, *, holder_id: UUID | None) -> Plan:
    replaces = request.mode == REPLACE
    target = request.household_id if replaces else None

    def checker(*, keeps_ids: bool) -> Checker:
        return Checker(
            container,
            users=user_ids(request),
            keeps_ids=keeps_ids,
            target=target,
            holder_id=holder_id,
            with_rates=request.adds_rates,
        )

    try:
        plan = checker(keeps_ids=request.is_operator).checked(with_history=not replaces)
    except IdIsTaken:
        plan = checker(keeps_ids=False).checked(with_history=not replaces)
    if replaces and not (plan.spools[Portfolio].count or plan.spools[Asset].count):
        plan.close()
        raise refusals.empty()
    return plan


def user_ids(request: Request) -> Callable[[str], UUID | None]:
    """The id of the user with a name. Over HTTP nobody is looked for: the answer would say who exists."""
    if not request.is_operator:
        return lambda name: None
    known: dict[str, UUID | None] = {}
    users: Any = get_user_model()._default_manager

    def find(name: str) -> UUID | None:
        if name not in known:
            known[name] = users.filter(username=name).values_list("pk", flat=True).first()
        return known[name]

    return find


def write(archive: Prepared) -> Restored:
    request, restored = archive.request, list[Restored]()

    def work() -> None:
        restored[:] = [written(archive)]
        if request.dry_run:
            raise _RolledBack

    with suppress(_RolledBack), refusing_contradictions(), actor.caused_by(OF_ARCHIVES):
        rolled_back_alone(work) if request.dry_run else run_in_transaction(work)
    return restored[0]


@contextmanager
def refusing_contradictions() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise refusals.bad_row("data", None, what_collides(error)) from None


def rolled_back_alone(work: Callable[[], None]) -> None:
    with transaction.atomic():
        work()


def what_collides(error: IntegrityError) -> str:
    """The database's first line names the constraint, and PostgreSQL the values in the next one."""
    reason = str(error).strip().splitlines()[0]
    return _("Two rows contradict each other: %(reason)s") % {"reason": reason}


def written(archive: Prepared) -> Restored:
    """Write all rows of the plan, or show those that are hidden, in the transaction of the caller."""
    plan, request = archive.plan, archive.request
    members: list[dict[str, str]] = []
    if request.adds_rates:
        lock_rates()
    if request.mode == REPLACE:
        replaced = require_confirmed(
            plan.household_id, request.owner, request.confirm, is_operator=request.is_operator
        )
        add_rates(plan.rates)
        if archive.hidden is None:
            remove_rows(replaced)
            write_rows(plan, request)
            record_rows(plan.household_id)
        else:
            refuse_edited(replaced, archive.hidden)
            hidden_writes.end(archive.hidden.pk)
            swap(replaced, plan.holder_id)
    else:
        add_rates(plan.rates)
        if archive.hidden is None:
            write_rows(plan, request)
        else:
            hidden_writes.end(archive.hidden.pk)
        add_people = restore_people if request.is_operator else invite_people
        members = add_people(plan, request.owner)
    if archive.hidden is None:
        for part in parts_to_derive(plan.household_id):
            part()
    household = Household.objects.get(pk=plan.household_id)
    write_journal(Household.objects.filter(pk=household.pk), Action.UPDATE, number=1)
    return Restored(
        household.pk,
        household.name,
        request.mode,
        request.dry_run,
        plan.ids.remapped,
        plan.counts,
        members,
        archive.warnings,
    )


def write_rows(plan: Plan, request: Request) -> None:
    for spool in spools_in_order(plan):
        if request.mode != REPLACE:
            spool.write()
        elif spool.model is not Household:
            spool.write(as_written(spool, request.owner, written_at()))


def spools_in_order(plan: Plan) -> Iterator[Spool]:
    yield from (plan.spools[model] for model in (*MODELS, JournalEntry) if model in plan.spools)


def parts_to_derive(household_id: UUID, *, in_parts: bool = False) -> Iterator[Callable[[], object]]:
    """What makes all derived tables. Values are calculated from prices, so these come first. `in_parts`: of few assets
    at a time, which only a household that nobody sees may be.
    """
    for batch in batched(rows_of_instruments(household_id), INSTRUMENTS_AT_A_TIME):
        yield partial(rebuild_packs, batch)
    for portfolio_id in list(rows_of(Portfolio, household_id).values_list("pk", flat=True)):
        if in_parts:
            yield from parts_of_rebuild(portfolio_id)
        else:
            yield partial(rebuild, portfolio_id)


def rows_of_instruments(household_id: UUID) -> list[UUID]:
    return list(rows_of(Instrument, household_id).values_list("pk", flat=True))


def missing_rates(container: Container) -> list[dict[str, Any]]:
    currencies = sorted(currencies_in(container))
    if not currencies:
        return []
    message = _("The exchange rates of the archive were left out: only superusers add rates.")
    return [warning("RATES_LEFT_OUT", message, currencies=currencies)]


def copied_instruments(plan: Plan) -> list[dict[str, Any]]:
    if not plan.copied:
        return []
    message = _(
        "Securities that are here with other prices, splits or units are the household's own now, as in the archive."
    )
    return [warning("INSTRUMENTS_COPIED", message, instruments=sorted(plan.copied))]


def legs_alone(plan: Plan) -> list[dict[str, Any]]:
    """It may be damaged, or the asset of the other leg was deleted: nobody but the user can tell."""
    if not plan.alone:
        return []
    message = ngettext(
        "The other leg of %(count)s transfer is not in the archive, as after its asset was deleted:"
        " %(member)s, line %(lines)s.",
        "The other legs of %(count)s transfers are not in the archive, as after their assets were deleted:"
        " %(member)s, lines %(lines)s.",
        len(plan.alone),
    )
    lines = ", ".join(map(str, plan.alone[:MOST_NAMED])) + (" …" if len(plan.alone) > MOST_NAMED else "")
    names = {"count": len(plan.alone), "member": member_of(Transaction), "lines": lines}
    return [warning("TRANSFER_LEG_ALONE", message % names)]


def warning(code: str, message: str, **names: list[str]) -> dict[str, Any]:
    return {"code": code, "message": message, "currencies": [], "instruments": [], **names}
