"""Records a trade: a purchase or sale of an instrument in a portfolio, with the other side on a cash account."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, Transaction
from assets.models.asset import Valuation
from assets.models.instrument import InstrumentType
from assets.models.querysets import AssetQuerySet
from assets.rules.refusal import refusal
from assets.services.entries.transactions import add_transaction
from portfolios.models import Portfolio
from strata.exceptions import NotFound
from strata.fields.names import name_key
from strata.fields.numbers import EXACT, plain
from strata.tenancy.writes import Precondition, always, atomic_write, locked_parent

TYPE_OF_ASSET = {
    InstrumentType.SHARE: TypeId.STOCKS,
    InstrumentType.FUND: TypeId.FUND,
    InstrumentType.ETF: TypeId.FUND,
    InstrumentType.BOND: TypeId.BONDS,
    InstrumentType.CRYPTO: TypeId.CRYPTO,
    InstrumentType.COMMODITY: TypeId.COMMODITIES,
}


class Trade(NamedTuple):
    """`cash` is the transaction of the cash account; None without one."""

    asset: Asset
    transaction: Transaction
    cash: Transaction | None


@atomic_write
def record_trade(
    portfolio_id: UUID,
    instrument_id: UUID,
    *,
    type: str,
    on: date,
    quantity: Decimal,
    unit_price: Decimal | None = None,
    amount: Decimal | None = None,
    fee: Decimal | None = None,
    tax: Decimal | None = None,
    asset_id: UUID | None = None,
    cash_account_id: UUID | None = None,
    precondition: Precondition = always,
) -> Trade:
    """An ACQUIRE or DISPOSE of the portfolio's asset with the instrument, which is made where there is none.

    `asset_id` says which one where several have it.
    The cash account pays amount, fee and tax of a purchase, and receives what is left of a sale. All is written
    together. 400 that names the field, 404 for an instrument or account that is not the household's.
    """
    portfolio = locked_parent(Asset, Portfolio.objects.all(), portfolio_id, "portfolio")
    precondition(portfolio)
    instrument = Instrument.objects.filter(usable_in(portfolio.household_id), pk=instrument_id).first()
    if instrument is None:
        raise NotFound("instrument", "instrument")
    if quantity <= 0:
        raise refusal("quantity", gettext("Enter a number greater than zero."))
    account = None if cash_account_id is None else cash_account(portfolio, instrument, cash_account_id)
    asset = asset_with(portfolio, instrument, asset_id)
    values: dict[str, Any] = {"fee": fee or Decimal(0), "tax": tax or Decimal(0)}
    transaction = add_transaction(
        asset.pk, type=type, on=on, quantity=quantity, unit_price=unit_price, amount=amount, **values
    )
    cash = None if account is None else pay(account, transaction, instrument)
    return Trade(asset, transaction, cash)


def usable_in(household_id: UUID) -> Q:
    """The instruments that a household may use: its own, and the shared ones."""
    return Q(household=household_id) | Q(household=None)


def instruments_named(text: str, household_id: UUID) -> list[Instrument]:
    """The instruments with this ISIN or symbol, in any spelling."""
    named = Q(isin=text.strip().upper()) | Q(symbol_key=name_key(text.strip()))
    return list(Instrument.objects.filter(usable_in(household_id)).filter(named).order_by("symbol_key", "id"))


def holders_in(portfolio: Portfolio, instrument: Instrument) -> AssetQuerySet[Asset]:
    """A house that follows an index holds nothing of it."""
    rows = Asset.objects.filter(portfolio=portfolio, instrument=instrument, disposed_on=None)
    return rows.exclude(valuation=Valuation.INDEX)


def asset_with(portfolio: Portfolio, instrument: Instrument, asset_id: UUID | None = None) -> Asset:
    """The asset of the portfolio that has the instrument. 400 where there are several: one cannot know which.

    Where there is none it is made, at its market price.
    """
    rows = holders_in(portfolio, instrument)
    if asset_id is not None:
        asset = rows.filter(pk=asset_id).first()
        if asset is None:
            raise NotFound("asset", "asset")
        return asset
    assets = list(rows[:2])
    if len(assets) > 1:
        raise refusal("instrument", gettext("Several assets have it: say which one."))
    if assets:
        return assets[0]
    return Asset.objects.create(
        portfolio=portfolio,
        asset_type_id=TYPE_OF_ASSET.get(InstrumentType(instrument.instrument_type), TypeId.OTHER),
        name=instrument.name,
        currency=instrument.currency,
        instrument=instrument,
        valuation=Valuation.MARKET,
    )


def cash_account(portfolio: Portfolio, instrument: Instrument, asset_id: UUID) -> Asset:
    account = Asset.objects.filter(portfolio=portfolio, pk=asset_id).first()
    if account is None:
        raise NotFound("asset", "cash_account")
    if account.currency != instrument.currency:
        raise refusal("cash_account", gettext("Its currency is another one."))
    return account


def pay(account: Asset, trade: Transaction, instrument: Instrument) -> Transaction:
    """The other side: a withdrawal for a purchase, a deposit for a sale (or what its costs exceed the proceeds by)."""
    costs, amount = EXACT.add(trade.fee, trade.tax), trade.amount or Decimal(0)
    is_purchase = trade.type == Transaction.Type.ACQUIRE
    paid = EXACT.add(amount, costs) if is_purchase else EXACT.subtract(costs, amount)
    what = (
        gettext("Bought: %(quantity)s %(symbol)s")
        if is_purchase
        else gettext("Sold: %(quantity)s %(symbol)s")
    )
    return add_transaction(
        account.pk,
        type=Transaction.Type.DISPOSE if paid > 0 else Transaction.Type.ACQUIRE,
        on=trade.on,
        amount=abs(paid),
        note=what % {"quantity": plain(trade.quantity or Decimal(0)), "symbol": instrument.symbol},
    )
