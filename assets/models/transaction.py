"""Transaction: what was bought, sold, corrected, earned or paid on an asset. It does not change the asset's value."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from assets.models.asset import Asset
from strata.audit.tracking import TrackedModel
from strata.fields.active_formats import name_on_day
from strata.fields.currencies import CurrencyField
from strata.fields.dates import DayField, InstantField
from strata.fields.money import ExactField, MoneyField
from strata.fields.names import NameField, NoteField


class Transaction(TrackedModel):
    """`amount` is the total before fee and tax, in `currency`. It is never negative: the type gives the direction.

    Only ADJUST and TRANSFER have a signed quantity. The amount of an ADJUST is the cost of what it adds. INCOME with a
    quantity is income in kind. A TRANSFER is one of two legs, written together (assets.services.entries.transfers).
    `unit_price` is as quoted, and need not agree with the amount. `position` orders the transactions of one day.
    """

    class Type(models.TextChoices):
        ACQUIRE = "ACQUIRE", _("Buy")
        DISPOSE = "DISPOSE", _("Sell")
        ADJUST = "ADJUST", _("Correction")
        INCOME = "INCOME", pgettext_lazy("transaction", "Income")
        EXPENSE = "EXPENSE", _("Cost")
        TRANSFER = "TRANSFER", _("Transfer")

    belongs_to = "asset"

    asset = models.ForeignKey(
        Asset, verbose_name=_("asset"), on_delete=models.CASCADE, related_name="transactions", db_index=False
    )
    type = models.CharField(_("type"), max_length=8, choices=Type)
    amount = MoneyField(_("amount"), null=True, blank=True)
    quantity = ExactField(_("quantity"), null=True, blank=True)
    unit_price = ExactField(_("price per unit"), null=True, blank=True, non_negative=True)
    fee = MoneyField(_("fees"), default=0)
    tax = MoneyField(_("taxes"), default=0)
    currency = CurrencyField(_("currency"))
    occurred_at = InstantField(_("time"), blank=True, help_text=_("Noon of the day, or now, if empty."))
    on = DayField(_("date"), blank=True, help_text=_("Today if empty."))
    position = models.PositiveIntegerField(_("order within the day"), default=0)
    # Of a sale: the lots that it takes, as [{"transaction_id": "...", "quantity": "1.5"}]. Null where none is chosen.
    lots = models.JSONField(_("chosen lots"), null=True, blank=True, editable=False)
    transfer_id = models.UUIDField(_("transfer"), null=True, blank=True, editable=False)  # both legs have it
    note = NoteField(_("note"), blank=True, default="")
    source = NameField(_("imported from"), max_length=100, blank=True, default="")
    external_id = NameField(_("their reference"), max_length=200, blank=True, null=True)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("transaction"), _("transactions")
        ordering = ("-on", "-position", "-id")
        indexes = (
            models.Index(fields=("asset", "on", "position", "id"), name="transaction_in_order"),
            # Most assets have none: whether any is linked to others is looked up in this alone.
            models.Index(
                fields=("asset", "transfer_id", "id"),
                name="transaction_legs_of_asset",
                condition=Q(transfer_id__isnull=False),
            ),
            models.Index(
                fields=("transfer_id",), name="transaction_of_transfer", condition=~Q(transfer_id=None)
            ),
        )
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
        )

    def __str__(self) -> str:
        return name_on_day(self.get_type_display(), self.on)


# Those that say how much of the asset there is. What an expense counts, such as hours, is nothing of the asset.
OF_UNITS = Q(quantity__isnull=False) & ~Q(type=Transaction.Type.EXPENSE)
