"""The twelve things that the page offers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from assets.classification.seeds import TypeId


class Tile(NamedTuple):
    """`code` is that of the type. `another` is the name of the button that adds a second one."""

    code: str
    label: Any
    another: Any
    icon: str
    is_debt: bool = False

    @property
    def asset_type_id(self) -> UUID:
        return UUID(getattr(TypeId, self.code))


TILES = (
    Tile("CHECKING_ACCOUNT", _("Checking account"), _("Another checking account"), "account_balance"),
    Tile("SAVINGS_ACCOUNT", _("Savings account"), _("Another savings account"), "savings"),
    Tile("FUND", _("ETF or fund"), _("Another ETF or fund"), "stacked_line_chart"),
    Tile("STOCKS", _("Shares"), _("Other shares"), "candlestick_chart"),
    Tile("CRYPTO", _("Crypto"), _("Other crypto"), "currency_bitcoin"),
    Tile("PENSION", _("Pension"), _("Another pension"), "elderly"),
    Tile("REAL_ESTATE", _("House or flat"), _("Another house or flat"), "home"),
    Tile("MORTGAGE", _("Mortgage"), _("Another mortgage"), "real_estate_agent", is_debt=True),
    Tile("VEHICLE", _("Car"), _("Another car"), "directions_car"),
    Tile("LOAN", _("Loan"), _("Another loan"), "request_quote", is_debt=True),
    Tile("CREDIT_CARD", _("Credit card"), _("Another credit card"), "credit_card", is_debt=True),
    Tile("INSURANCE", _("Insurance"), _("Another insurance"), "shield"),
)


def tile_codes(posted: Iterable[str]) -> set[str]:
    """The codes of the tiles that were ticked; anything else is ignored."""
    return {tile.code for tile in TILES} & set(posted)
