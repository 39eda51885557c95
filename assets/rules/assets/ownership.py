"""The rules of the household's share of an asset. They take values, not rows.

Each raises Invalid, which names the field as the API has it: shares[1].share.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext

from strata.exceptions import Invalid
from strata.fields.numbers import SHARE_PLACES, exponent_of, plain

SHARE_OUT_OF_RANGE, TOO_MANY_PLACES = "SHARE_OUT_OF_RANGE", "TOO_MANY_PLACES"
SHARES_OUT_OF_ORDER = "SHARES_OUT_OF_ORDER"
OWNERSHIP_NOT_FOR_MARKET = "OWNERSHIP_NOT_FOR_MARKET"


def validate_shares(shares: Sequence[tuple[date | None, Decimal]]) -> None:
    """Shares above 0 and up to 1, in the order of their days; only the first may have no day."""
    for number, (_, share) in enumerate(shares):
        validate_share(f"shares[{number}].share", share)
    before: date | None = None
    for number, (on, _) in enumerate(shares):
        if number and (on is None or (before is not None and on <= before)):
            message = gettext(
                "Shares are in the order of their days, one a day; only the first may have none."
            )
            raise Invalid(f"shares[{number}].on", message, SHARES_OUT_OF_ORDER)
        before = on


def validate_share(field: str, share: Decimal) -> None:
    if not 0 < share <= 1:
        message = gettext("A share is more than 0 and at most 1: 0.5 is a half.")
        raise Invalid(field, message, SHARE_OUT_OF_RANGE)
    if -exponent_of(Decimal(plain(share))) > SHARE_PLACES:
        message = gettext("A share has at most %(places)s decimal places.") % {"places": SHARE_PLACES}
        raise Invalid(field, message, TOO_MANY_PLACES)


def validate_sharing(field: str, *, is_shared: bool, has_market_price: bool) -> None:
    """What has a market price is shared by its units."""
    if is_shared and has_market_price:
        message = gettext("An asset at its market price is owned as a whole: enter the units that are yours.")
        raise Invalid(field, message, OWNERSHIP_NOT_FOR_MARKET)
