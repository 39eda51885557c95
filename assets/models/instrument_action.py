"""InstrumentAction: what the issuer of an instrument did to everybody who holds it, such as a split."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.instrument import Instrument
from portfolios.models import Household
from strata.audit.tracking import TrackedModel
from strata.db.collation import CodeField
from strata.fields.active_formats import name_on_day
from strata.fields.dates import DayField
from strata.fields.money import ExactField
from strata.fields.names import NameField


class InstrumentAction(TrackedModel):
    """A corporate action. It belongs to a household; without one it applies to every holder.

    It is applied when holdings are read: no transaction is rewritten. `numerator` / `denominator` is exact; of a split
    it is the shares after it for one before, otherwise the new shares for each one held. `cost_ratio` is the part of
    the cost that moves to `to_instrument`, `cash_cost_ratio` the part that is closed against the cash. `cash` and
    `amount` are per share held, in the instrument's currency. assets.rules.instruments.actions says which of them a
    type has.

    `to_asset_id` names the asset that receives the shares in its portfolio. It is no foreign key: the action stays
    where that asset is deleted.
    """

    class Type(models.TextChoices):
        SPLIT = "split", _("Split")
        STOCK_DIVIDEND = "stock_dividend", _("Stock dividend")
        SPIN_OFF = "spin_off", _("Spin-off")
        MERGER = "merger", _("Merger")
        RETURN_OF_CAPITAL = "return_of_capital", _("Return of capital")
        RENAME = "rename", _("New name")

    belongs_to = "household"
    shared_when_unowned = True
    raises_revision = False

    household = models.ForeignKey(
        Household,
        verbose_name=_("household"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="instrument_actions",
    )
    instrument = models.ForeignKey(
        Instrument,
        verbose_name=_("security or index"),
        on_delete=models.CASCADE,
        related_name="actions",
        db_index=False,
    )
    type = models.CharField(_("type"), max_length=17, choices=Type)
    on = DayField(_("date"))
    numerator = models.PositiveIntegerField(_("new shares"), null=True, blank=True)
    denominator = models.PositiveIntegerField(_("for old shares"), null=True, blank=True)
    to_instrument = models.ForeignKey(
        Instrument,
        verbose_name=_("into"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="actions_into",
    )
    to_asset_id = models.UUIDField(_("into the asset"), null=True, blank=True)
    cost_ratio = ExactField(_("part of the cost that moves"), null=True, blank=True, non_negative=True)
    cash = ExactField(_("cash per share"), null=True, blank=True, non_negative=True)
    cash_cost_ratio = ExactField(
        _("part of the cost that the cash closes"), null=True, blank=True, non_negative=True
    )
    amount = ExactField(_("amount per share"), null=True, blank=True, non_negative=True)
    symbol = NameField(_("new symbol"), max_length=40, blank=True, default="")
    isin = CodeField(_("new ISIN"), max_length=12, blank=True, default="")

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("corporate action"), _("corporate actions")
        ordering = ("-on", "-id")
        indexes = (models.Index(fields=("instrument", "on", "id"), name="action_of_instrument_in_order"),)

    def __str__(self) -> str:
        return name_on_day(self.get_type_display(), self.on)
