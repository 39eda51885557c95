"""Writes corporate actions: those of a household, and those of all holders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets.holdings.actions import key_of, values_of
from assets.models import Asset, Instrument, InstrumentAction
from assets.models.asset import Valuation
from assets.rules.instruments.actions import validate_action, validate_together
from assets.rules.instruments.instruments import validate_isin
from assets.rules.refusal import refusal
from assets.services.terms import TERMS
from portfolios.models import Household, Portfolio
from strata.audit.journal import lines_of
from strata.audit.models import Action, JournalEntry
from strata.audit.undo.rows import read_image
from strata.exceptions import Conflict, NotFound
from strata.fields.ids import uuid7
from strata.tenancy.guards import lock_guards
from strata.tenancy.writes import (
    Precondition,
    Service,
    always,
    atomic_write,
    delete_row,
    locked_parent,
    locked_row,
    save_changes,
)

NAMES = ("symbol", "isin")  # that a rename gives
DUPLICATE = Conflict("DUPLICATE_ACTION", _("This action is recorded already."), "on")


@atomic_write
def add_action(
    household_id: UUID | None,
    *,
    instrument_id: UUID,
    on: date,
    precondition: Precondition = always,
    **values: Any,
) -> InstrumentAction:
    """Record an action for a household; with None for every holder of a shared instrument.

    400 for values that its type does not allow (assets.rules.instruments.actions), 404 for an instrument or asset that
    is not the household's, 409 DUPLICATE_ACTION for the same action again.
    """
    lock_holders(household_id, instrument_id)
    household = None
    if household_id is not None:
        household = locked_parent(InstrumentAction, Household.objects.all(), household_id, "household")
        precondition(household)
    instrument = instrument_of(household_id, instrument_id, "instrument_id")
    values["isin"] = new_isin(values.get("isin", ""))
    action = InstrumentAction(household=household, instrument=instrument, on=on, **values)
    require_references(action)
    validate_action(values_of(action))
    check_target(action)
    refuse_same_action(action)
    check_together(action)
    make_receivers(action)
    action.pk = uuid7()  # later than those of the assets that were made for it
    with renaming(action):
        action.save()
    return action


@atomic_write
def update_action(
    action_id: UUID, changes: Mapping[str, Any], *, precondition: Precondition = always
) -> InstrumentAction:
    """Refuses what `add_action` refuses. It makes no asset."""
    action = locked_row(InstrumentAction.objects.select_related("instrument"), action_id, "instrument_action")
    precondition(action)
    after = copy(action)
    for name, value in changes.items():
        setattr(after, name, value)
    require_references(after)
    validate_action(values_of(after))
    check_target(after)
    refuse_same_action(after)
    check_together(after)
    with renaming(after):
        save_changes(action, changes)
    return action


def delete_action(action_id: UUID, *, precondition: Precondition = always) -> None:
    rows = InstrumentAction.objects.select_related("instrument")
    delete_row(rows, action_id, "instrument_action", precondition, delete=delete_locked)


def delete_locked(action: InstrumentAction) -> None:
    with renaming(action):
        action.delete()


ACTIONS = Service(create=add_action, delete=delete_action)


# --- the name of the instrument ---


class NewName(NamedTuple):
    action_id: UUID
    text: str


@contextmanager
def renaming(action: InstrumentAction) -> Iterator[None]:
    """Give the instrument its newest name, if the block changes which one that is; a shared one only by actions of all.

    Without a rename it gets the name again that it had before; not where somebody has given it another one since.
    """
    instrument = action.instrument
    if action.type != InstrumentAction.Type.RENAME or action.household_id != instrument.household_id:
        yield
        return
    before = newest_names(instrument)
    name_before = {name: earlier_name(instrument, new.action_id, name) for name, new in before.items()}
    yield
    after = newest_names(instrument)
    changes = {name: new.text for name, new in after.items() if new != before.get(name)}
    for name in before.keys() - after.keys():
        text = name_before[name]
        if text is not None and getattr(instrument, name) == before[name].text:
            changes[name] = text
    save_changes(instrument, changes)


def newest_names(instrument: Instrument) -> dict[str, NewName]:
    """The newest symbol and the newest ISIN that its renames give it, by the names of the columns."""
    renames = InstrumentAction.objects.filter(instrument=instrument, household=instrument.household_id)
    names: dict[str, NewName] = {}
    for row in renames.filter(type=InstrumentAction.Type.RENAME).order_by("on", "id"):
        names.update({name: NewName(row.pk, text) for name in NAMES if (text := getattr(row, name))})
    return names


def earlier_name(instrument: Instrument, action_id: UUID, column: str) -> str | None:
    """What the journal says that it was called before the action was recorded; None where it does not say so.

    Not by a rename that was there then and was deleted since: what it was called before that one.
    """
    recorded = lines_of(InstrumentAction, action_id).filter(action=Action.CREATE).first()
    if recorded is None:
        return None
    later = lines_of(Instrument, instrument.pk).filter(id__gt=recorded.id, action=Action.UPDATE)
    change = later.order_by("id").first()
    if change is None:
        return None
    text: str = read_image(change.before)[column]
    renames = deleted_renames(instrument, **{column: text}).filter(id__gt=recorded.id)
    for rename in renames if text else ():  # without it, it gave none
        if (
            lines_of(InstrumentAction, rename.object_id)
            .filter(action=Action.CREATE, id__lt=recorded.id)
            .exists()
        ):
            return earlier_name(instrument, rename.object_id, column)
    return text


def deleted_renames(instrument: Instrument, **names: str) -> QuerySet[JournalEntry]:
    """The deletions of the instrument's renames that gave it these names, the newest first."""
    stored = str(instrument.pk) if connection.features.has_native_uuid_field else instrument.pk.hex
    values = {"instrument_id": stored, "type": InstrumentAction.Type.RENAME, **names}
    deletions = JournalEntry.objects.filter(
        household_id=instrument.household_id, model=InstrumentAction._meta.label, action=Action.DELETE
    )
    images = {f"before__{name}": value for name, value in values.items()}
    return deletions.filter(before__isnull=False, **images).order_by("-id")


# --- the assets that receive new shares ---


def lock_holders(household_id: UUID | None, instrument_id: UUID) -> None:
    """Lock all portfolios of the household, in which assets may be made; for an action of all those of the holders."""
    if household_id is None:
        lock_guards(Asset._base_manager.filter(instrument=instrument_id))
    else:
        portfolios = Portfolio._base_manager.filter(household=household_id)
        lock_guards(Asset._base_manager.none(), will_refer_to={"portfolio": portfolios})


def make_receivers(action: InstrumentAction) -> None:
    """Make the asset that receives the new shares in each portfolio of the household that holds the instrument.

    Not where the action names one, or where there is exactly one. An action of all makes none: it would write in
    households that nobody has asked.
    """
    target = action.to_instrument
    if target is None or action.household_id is None:
        return
    own = Asset.objects.filter(portfolio__household=action.household_id).order_by("pk")
    receivers: dict[UUID, list[UUID]] = {}
    for portfolio_id, pk in own.filter(instrument=target).values_list("portfolio_id", "pk"):
        receivers.setdefault(portfolio_id, []).append(pk)
    still_held = Q(disposed_on=None) | Q(disposed_on__gt=action.on)
    for holder in own.filter(still_held, instrument=action.instrument_id).select_related("portfolio"):
        candidates = receivers.get(holder.portfolio_id, [])
        if len(candidates) != 1 and action.to_asset_id not in candidates:
            receivers[holder.portfolio_id] = [receiver_like(holder, target).pk]


def receiver_like(holder: Asset, target: Instrument) -> Asset:
    """A new asset for what the holder receives; of that the household owns the same share."""
    return Asset.objects.create(
        portfolio=holder.portfolio,
        asset_type_id=holder.asset_type_id,
        kind=holder.kind,
        name=target.name,
        currency=target.currency,
        instrument=target,
        valuation=Valuation.MANUAL if holder.valuation in TERMS else holder.valuation,
        counts_in_net_worth=holder.counts_in_net_worth,
        institution=holder.institution,
        account_number_end=holder.account_number_end,
        shares=holder.shares,
    )


# --- the checks ---


def instrument_of(household_id: UUID | None, instrument_id: UUID, field: str) -> Instrument:
    """The instrument, if it is shared or the household's own. Raises NotFound that names the field."""
    usable = Q(household=None) | Q(household=household_id) if household_id else Q(household=None)
    instrument = Instrument.objects.filter(usable, pk=instrument_id).first()
    if instrument is None:
        raise NotFound("instrument", field)
    return instrument


def new_isin(text: str) -> str:
    try:
        return validate_isin(text)
    except ValidationError as error:
        raise ValidationError({"isin": error}) from None


def check_target(action: InstrumentAction) -> None:
    """Shares become those of another instrument in the same currency."""
    target = action.to_instrument
    if target is None:
        return
    if target.pk == action.instrument_id:
        raise refusal("to_instrument_id", gettext("It is the instrument itself."))
    if target.currency != action.instrument.currency:
        raise refusal("to_instrument_id", gettext("Its currency is another one."))


def require_references(action: InstrumentAction) -> None:
    """404 for an instrument or an asset that is not the household's."""
    if action.to_instrument_id is not None:
        instrument_of(action.household_id, action.to_instrument_id, "to_instrument_id")
    if action.to_asset_id is None:
        return
    assets = Asset.objects.filter(pk=action.to_asset_id, portfolio__household=action.household_id)
    if action.household_id is None or not assets.exists():
        raise NotFound("asset", "to_asset_id")


def refuse_same_action(action: InstrumentAction) -> None:
    """409 for an action that the same household (or everybody) has already."""
    own = InstrumentAction.objects.filter(instrument=action.instrument_id, household=action.household_id)
    same_day = own.filter(type=action.type, on=action.on).exclude(pk=action.pk)
    if any(key_of(row) == key_of(action) for row in same_day):
        raise Conflict(DUPLICATE.code, DUPLICATE.message, DUPLICATE.field)


def check_together(action: InstrumentAction) -> None:
    """400 for an action that makes too many shares of one, or too few, with those of all instruments that it leads to.

    Those that its household has; an action of all is counted with the others of all.
    """
    if values_of(action).ratio is None:
        return
    counted = InstrumentAction.objects.filter(Q(household=action.household_id) | Q(household=None))
    rows = [row for row in counted.exclude(pk=action.pk).order_by("pk") if values_of(row).ratio is not None]
    linked = instruments_linked_to([action.instrument_id, action.to_instrument_id], rows)
    validate_together(values_of(row) for row in [action, *rows] if row.instrument_id in linked)


def instruments_linked_to(
    instrument_ids: Iterable[UUID | None], actions: Sequence[InstrumentAction]
) -> set[UUID]:
    """These, and those that become others or come from others by the actions."""
    linked = {pk for pk in instrument_ids if pk is not None}
    targets = [(row.instrument_id, row.to_instrument_id) for row in actions]
    links = [{source, target} for source, target in targets if target is not None]
    while new := [link for link in links if link & linked and not link <= linked]:
        linked.update(*new)
    return linked
