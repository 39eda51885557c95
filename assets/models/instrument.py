"""Instrument: a security, a currency or an index that has prices."""

from __future__ import annotations

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portfolios.models import Household
from strata.audit.tracking import TrackedModel
from strata.db.collation import CodeField
from strata.fields.currencies import CurrencyField
from strata.fields.names import NameField, NameKeyField


class InstrumentType(models.TextChoices):
    SHARE = "share", _("Share")
    FUND = "fund", _("Fund")
    ETF = "etf", _("ETF")
    BOND = "bond", _("Bond")
    CRYPTO = "crypto", _("Crypto")
    COMMODITY = "commodity", _("Commodity")
    CURRENCY = "currency", _("Currency")
    OPTION = "option", _("Option")
    INDEX = "index", _("Index")
    OTHER = "other", _("Other")


class Instrument(TrackedModel):
    """What has a price. Instruments without a household are shared by all.

    Neither symbol nor ISIN is unique: one share trades on several exchanges.
    """

    belongs_to = "household"
    shared_when_unowned = True
    raises_revision = False

    household = models.ForeignKey(
        Household,
        verbose_name=_("household"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="instruments",
    )
    symbol = NameField(_("symbol"), max_length=40)
    symbol_key = NameKeyField(source="symbol")
    name = NameField(_("name"))
    name_key = NameKeyField()
    instrument_type = models.CharField(
        _("type of security"), max_length=9, choices=InstrumentType, default=InstrumentType.OTHER
    )
    isin = CodeField(_("ISIN"), max_length=12, blank=True, default="")
    cusip = CodeField(_("CUSIP"), max_length=9, blank=True, default="")
    sedol = CodeField(_("SEDOL"), max_length=7, blank=True, default="")
    mic = CodeField(
        _("exchange"),
        max_length=4,
        blank=True,
        default="",
        help_text=_("Its market identifier code, such as XETR."),
    )
    currency = CurrencyField(_("currency"))
    quote_unit = CodeField(
        _("quoted in"),
        max_length=19,
        default="1",
        help_text=_("What one unit of its price is in the currency: 1/100 for pence, 100 for an option."),
    )
    max_age_days = models.PositiveSmallIntegerField(
        _("a price counts for (days)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Until there is a newer one. Usually empty: 10 days, and 130 for an index."),
    )

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("security or index"), _("securities and indices")
        ordering = ("symbol_key", "id")
        indexes = (
            models.Index(fields=("isin",), name="instrument_by_isin", condition=~Q(isin="")),
            models.Index(fields=("symbol_key",), name="instrument_by_symbol"),
        )

    def __str__(self) -> str:
        return self.symbol
