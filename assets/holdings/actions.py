"""The corporate actions that count in a household, and the assets to which their new shares go."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from assets.holdings.events import Action, ActionType
from assets.models import InstrumentAction
from assets.rules.instruments.actions import ActionKey, ActionValues, action_key

RENAME = InstrumentAction.Type.RENAME


class Holder(NamedTuple):
    """An asset that has an instrument."""

    asset_id: UUID
    portfolio_id: UUID
    instrument_id: UUID
    household_id: UUID


def actions_of(
    instrument_ids: Collection[UUID] | QuerySet[Any],
    household_ids: Collection[UUID],
    without: Collection[UUID] = (),
) -> dict[UUID, list[InstrumentAction]]:
    """By household the actions that count in it, in their order: its own, and those of all that it has not entered too.

    In one query. Renaming changes no holding and is left out, and so are the actions `without`.
    """
    rows = InstrumentAction.objects.filter(instrument__in=instrument_ids).exclude(type=RENAME)
    own_or_shared = Q(household__pk__among=list(household_ids)) | Q(household=None)
    ordered_rows = rows.filter(own_or_shared).order_by("on", "id")
    actions = [row for row in ordered_rows if row.pk not in without]
    return {
        household_id: without_repeated([row for row in actions if row.household_id in (household_id, None)])
        for household_id in household_ids
    }


def without_repeated(actions: Sequence[InstrumentAction]) -> list[InstrumentAction]:
    """The actions of a household without those of all that it has entered too."""
    own = {(row.instrument_id, key_of(row)) for row in actions if row.household_id is not None}
    return [row for row in actions if row.household_id or (row.instrument_id, key_of(row)) not in own]


def values_of(action: InstrumentAction) -> ActionValues:
    return ActionValues._make(getattr(action, name) for name in ActionValues._fields)


def key_of(action: InstrumentAction) -> ActionKey:
    return action_key(action.on, values_of(action))


def receiving_asset(action: InstrumentAction, holders: Iterable[Holder], portfolio_id: UUID) -> UUID | None:
    """The asset of the portfolio to which the new shares go; None where there is none, or it is not clear which.

    The one that the action names; else the newest that was there before the action (one that was made with it), or the
    only one. An action of all holders names none and makes none: it needs the only one.
    """
    candidates = sorted(
        holder.asset_id
        for holder in holders
        if (holder.portfolio_id, holder.instrument_id) == (portfolio_id, action.to_instrument_id)
    )
    if action.to_asset_id in candidates:
        return action.to_asset_id
    before = [asset_id for asset_id in candidates if asset_id < action.pk]  # ids are in the order of creation
    if before and action.household_id is not None:
        return before[-1]
    clear = before if len(before) == 1 else candidates
    return clear[0] if len(clear) == 1 else None


def event_of(action: InstrumentAction, to_asset_id: UUID | None) -> Action:
    """The action as an event of a holder; `to_asset_id` receives the new shares."""
    is_merger = action.type == InstrumentAction.Type.MERGER
    return Action(
        action.pk,
        ActionType(action.type),
        action.on,
        action.numerator or 1,
        action.denominator or 1,
        to_asset_id,
        Fraction((action.cash_cost_ratio if is_merger else action.cost_ratio) or 0),
        Fraction((action.cash if is_merger else action.amount) or 0),
    )


class ShareRatio(NamedTuple):
    """From the day on `numerator` shares replace `denominator`."""

    on: int  # an ordinal
    numerator: int
    denominator: int


def share_ratios(
    instrument_ids: Collection[UUID], household_id: UUID | None = None, without: Collection[UUID] = ()
) -> dict[UUID, list[ShareRatio]]:
    """What divides the prices of feeds, by instrument and the oldest first: its splits and stock dividends, but for the
    actions `without`.

    Of a shared instrument those of all, and those of the household that is given: what one household enters changes no
    price for the others.
    """
    types = (InstrumentAction.Type.SPLIT, InstrumentAction.Type.STOCK_DIVIDEND)
    rows = InstrumentAction.objects.filter(instrument__pk__among=list(instrument_ids), type__in=types)
    if household_id is None:
        rows = rows.filter(Q(household=None) | Q(instrument__household__isnull=False))
    else:
        rows = rows.filter(Q(household=None) | Q(household=household_id))
    ratios: dict[UUID, list[ShareRatio]] = {}
    ordered_rows = rows.order_by("on", "id") if instrument_ids else ()
    for row in without_repeated([row for row in ordered_rows if row.pk not in without]):
        new, old = row.numerator or 1, row.denominator or 1
        after = new + old if row.type == InstrumentAction.Type.STOCK_DIVIDEND else new
        ratios.setdefault(row.instrument_id, []).append(ShareRatio(row.on.toordinal(), after, old))
    return ratios
