"""Whether a type is liquid: what is of it can be turned into money within days."""

from __future__ import annotations

from django.utils.translation import gettext

from assets.rules.refusal import refusal


def settled_liquidity(group: str, liquid: bool | None) -> bool | None:
    """None for debts; otherwise as given, or as is usual in the group. 400 for a debt that is said to be either."""
    if group == "LIABILITIES":
        if liquid is not None:
            raise refusal("liquid", gettext("A debt is neither liquid nor not: send null."))
        return None
    return group == "FINANCIAL" if liquid is None else liquid
