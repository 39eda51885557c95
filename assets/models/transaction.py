"""Transaction: what was bought, sold, corrected, earned or paid on an asset. It does not change the asset's value."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from assets.models.asset import Asset
from strata.audit.tracking import TrackedModel
from strata.fields.currencies import CurrencyField
from strata.fields.dates import DayField, InstantField
from strata.fields.money import ExactField, MoneyField
from strata.fields.names import NameField, NoteField


class Transaction(TrackedModel):
    """`amount` is the total before fee and tax, in `currency`. It is never negative: the type gives the direction.

    Only ADJUST has a signed quantity, and it has no money. `position` orders the transactions of one day.
    """

    class Type(models.TextChoices):
        ACQUIRE = "ACQUIRE"
        DISPOSE = "DISPOSE"
        ADJUST = "ADJUST"
        INCOME = "INCOME"
        EXPENSE = "EXPENSE"

    household_lookup = "asset__portfolio__household"
    portfolio_lookup = "asset__portfolio"

    asset = models.ForeignKey(Asset, on_delete=models.CASCADE, related_name="transactions", db_index=False)
    type = models.CharField(max_length=7, choices=Type)
    amount = MoneyField(null=True, blank=True)
    quantity = ExactField(null=True, blank=True)
    unit_price = ExactField(null=True, blank=True, non_negative=True)
    fee = MoneyField(default=0)
    tax = MoneyField(default=0)
    currency = CurrencyField()
    occurred_at = InstantField(blank=True, help_text="Empty: noon of the day, or now.")
    on = DayField(blank=True, help_text="Empty: the instant's day where the portfolio is.")
    position = models.PositiveIntegerField(default=0)
    note = NoteField(blank=True, default="")
    source = NameField(max_length=100, blank=True, default="")
    external_id = NameField(max_length=200, blank=True, null=True)

    class Meta(TrackedModel.Meta):
        ordering = ("-on", "-position", "-id")
        indexes = (models.Index(fields=("asset", "on", "position", "id"), name="transaction_in_order"),)
        constraints = (
            models.UniqueConstraint(
                fields=("asset", "source", "external_id"), name="transaction_known_once_by_its_external_id"
            ),
            models.CheckConstraint(
                condition=Q(fee__gte=0) & Q(tax__gte=0), name="transaction_costs_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(amount=None) | Q(amount__gte=0), name="transaction_amount_not_negative"
            ),
            models.CheckConstraint(
                condition=~Q(type="ADJUST") | Q(amount=None), name="transaction_adjust_has_no_money"
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} on {self.on}"
