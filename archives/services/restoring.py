"""Restores a household from an archive: as a new one, or in the place of what a household has.

The archive is checked as a whole first (archives.services.checking). Then all is written in one transaction, with one
statement for many rows. Derived tables are never read from an archive: they are made again at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import batched
from typing import IO, Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from archives.files import refusals
from archives.files.container import Container, too_large
from archives.rows.contents import MODELS, rows_of
from archives.rows.ids import IdIsTaken
from archives.services.checking import Checker, Plan
from archives.services.membership import invite_people, restore_people
from archives.services.rates import add_rates, currencies_in
from archives.services.replacing import as_of_now, record_rows, remove_rows, require_confirmed
from assets.models import Asset, Instrument
from assets.prices.store import INSTRUMENTS_AT_A_TIME, rebuild_packs
from assets.rates.writer import lock_rates
from assets.valuation.upkeep import rebuild
from portfolios.models import Household, Portfolio
from strata.audit import actor
from strata.audit.models import Action, JournalEntry
from strata.audit.recording import write_journal
from strata.audit.undo.request import OF_ARCHIVES
from strata.db.retry import run_in_transaction

NEW, REPLACE = "new", "replace"
MODES = (NEW, REPLACE)


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


class Prepared(NamedTuple):
    """An archive that was checked, and can be written."""

    plan: Plan
    request: Request
    warnings: list[dict[str, Any]]

    def write(self) -> Restored:
        return write(self)


@contextmanager
def prepared(file: IO[bytes], request: Request) -> Iterator[Prepared]:
    """Check the archive as a whole. It writes nothing, and needs no transaction."""
    if file.seek(0, 2) > settings.ARCHIVE_MAX_BYTES:
        raise too_large()
    with Container(file) as container:
        if not request.is_operator and container.manifest.rows > settings.ARCHIVE_MAX_ROWS_HTTP:
            message = _(
                "It has more than %(most)s rows: whoever runs Strata restores it by manage.py restore."
            )
            raise refusals.TooLarge(message % {"most": f"{settings.ARCHIVE_MAX_ROWS_HTTP:,}"})
        container.check_sums()
        plan = plan_of(container, request)
        warnings = [] if request.adds_rates else missing_rates(container)
    try:
        yield Prepared(plan, request, warnings)
    finally:
        plan.close()


def plan_of(container: Container, request: Request) -> Plan:
    replaces = request.mode == REPLACE
    target = request.household_id if replaces else None

    def checker(*, keeps_ids: bool) -> Checker:
        return Checker(
            container,
            users=user_ids(request),
            keeps_ids=keeps_ids,
            target=target,
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
        restored[:] = [written(archive.plan, request, archive.warnings)]
        if request.dry_run:
            raise _RolledBack

    try:
        with actor.caused_by(OF_ARCHIVES):
            rolled_back_alone(work) if request.dry_run else run_in_transaction(work)
    except _RolledBack:
        pass
    except IntegrityError as error:
        raise refusals.bad_row("data", None, what_collides(error)) from None
    return restored[0]


def rolled_back_alone(work: Callable[[], None]) -> None:
    with transaction.atomic():
        work()


def what_collides(error: IntegrityError) -> str:
    """The database's first line names the constraint, and PostgreSQL the values in the next one."""
    reason = str(error).strip().splitlines()[0]
    return _("Two rows contradict each other: %(reason)s") % {"reason": reason}


def written(plan: Plan, request: Request, warnings: list[dict[str, Any]]) -> Restored:
    """Write all rows of the plan, in the transaction of the caller."""
    members: list[dict[str, str]] = []
    if request.adds_rates:
        lock_rates()
    if request.mode == REPLACE:
        replaced = require_confirmed(
            plan.household_id, request.owner, request.confirm, is_operator=request.is_operator
        )
        add_rates(plan.rates)
        remove_rows(replaced)
        write_rows(plan, request)
        record_rows(plan.household_id)
    else:
        add_rates(plan.rates)
        write_rows(plan, request)
        add_people = restore_people if request.is_operator else invite_people
        members = add_people(plan, request.owner)
    derive(plan.household_id)
    household = Household.objects.get(pk=plan.household_id)
    write_journal(Household.objects.filter(pk=household.pk), Action.UPDATE)
    return Restored(
        household.pk,
        household.name,
        request.mode,
        request.dry_run,
        plan.ids.remapped,
        plan.counts,
        members,
        warnings,
    )


def write_rows(plan: Plan, request: Request) -> None:
    for model in MODELS:
        spool = plan.spools.get(model)
        if spool is None or (model is Household and request.mode == REPLACE):
            continue
        spool.write(as_of_now(spool, request.owner) if request.mode == REPLACE else None)
    if JournalEntry in plan.spools:
        plan.spools[JournalEntry].write()


def derive(household_id: UUID) -> None:
    """Make all derived tables. Values are calculated from prices, so these come first."""
    instruments = rows_of_instruments(household_id)
    for batch in batched(instruments, INSTRUMENTS_AT_A_TIME):
        rebuild_packs(batch)
    for portfolio_id in rows_of(Portfolio, household_id).values_list("pk", flat=True):
        rebuild(portfolio_id)


def rows_of_instruments(household_id: UUID) -> list[UUID]:
    return list(rows_of(Instrument, household_id).values_list("pk", flat=True))


def missing_rates(container: Container) -> list[dict[str, Any]]:
    currencies = sorted(currencies_in(container))
    if not currencies:
        return []
    message = _("The exchange rates of the archive were left out: only superusers add rates.")
    return [{"code": "RATES_LEFT_OUT", "message": message, "currencies": currencies}]
