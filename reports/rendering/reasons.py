"""The reasons for which net worth changed: their names, order and signs."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_lazy as _

from reports.calculations.change import Parts

# In this order; those in SUBTRACTED are positive in the report, and shown with a minus.
REASONS = {
    "added": _("New assets"),
    "removed": _("Removed assets"),
    "net_flows": _("Deposits and withdrawals"),
    "income": _("Income"),
    "expenses": _("Costs"),
    "value_change": _("Gains and losses"),
    "fx_change": _("Currency effect"),
}
SUBTRACTED = ("expenses", "removed")


def signed_part(parts: Parts, name: str) -> Decimal:
    value: Decimal = getattr(parts, name)
    return -value if name in SUBTRACTED else value


def signed_parts(total: Parts) -> dict[str, Decimal]:
    """The parts that are not zero, with their signs: they add up to the change."""
    return {name: value for name in REASONS if (value := signed_part(total, name))}
