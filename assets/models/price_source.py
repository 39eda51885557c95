"""PriceSource: where prices come from, InstrumentSource: by which symbol a source knows an instrument.

PriceFetch and PriceSourceHealth are notes of the last fetch, which nobody needs the history of.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.instrument import Instrument
from portfolios.models import Household
from strata.audit.tracking import TrackedModel
from strata.db.collation import CodeField
from strata.fields.names import NameField, NameKeyField


class SourceType(models.TextChoices):
    JSON = "json", _("JSON")
    CSV = "csv", _("CSV")
    COINGECKO = "coingecko", _("CoinGecko")
    YFINANCE = "yfinance", _("Yahoo Finance")


class PriceSource(TrackedModel):
    """The address of a source and where its answers have day and price. Superusers alone see it: it may have a key.

    No source has a household yet: they are all of the installation.
    """

    belongs_to = "household"
    raises_revision = False

    household = models.ForeignKey(
        Household,
        verbose_name=_("household"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.CASCADE,
        related_name="price_sources",
    )
    name = NameField(_("name"), max_length=100)
    name_key = NameKeyField()
    source_type = models.CharField(_("format"), max_length=9, choices=SourceType)
    url = CodeField(
        _("address"),
        max_length=1000,
        blank=True,
        default="",
        help_text=_("With {symbol}, and where it takes them {start}, {end} and {currency}."),
    )
    rows_path = CodeField(_("path to the rows"), max_length=200, blank=True, default="")
    date_field = CodeField(_("field of the day"), max_length=100, blank=True, default="date")
    price_field = CodeField(_("field of the price"), max_length=100, blank=True, default="close")
    delimiter = CodeField(_("separator"), max_length=1, default=",")
    decimal = CodeField(_("decimal mark"), max_length=1, default=".")
    unit = CodeField(
        _("unit"),
        max_length=19,
        default="1",
        help_text=_(
            "What one of its prices is as quoted: 100 where it sends pounds and the security is quoted in pence."
        ),
    )
    split_adjusted = models.BooleanField(_("divided by later splits"), default=False)
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("price source"), _("price sources")
        ordering = ("name_key", "id")
        constraints = (models.UniqueConstraint(fields=("name_key",), name="price_source_one_per_name"),)

    def __str__(self) -> str:
        return self.name


class InstrumentSource(TrackedModel):
    """The source with the lowest priority is asked first; where it fails, the next one is."""

    belongs_to = "instrument"
    shared_when_unowned = True
    raises_revision = False

    instrument = models.ForeignKey(
        Instrument,
        verbose_name=_("security or index"),
        on_delete=models.CASCADE,
        related_name="sources",
        db_index=False,
    )
    source = models.ForeignKey(
        PriceSource, verbose_name=_("price source"), on_delete=models.CASCADE, related_name="instruments"
    )
    symbol = NameField(_("symbol"), max_length=100)
    priority = models.PositiveSmallIntegerField(_("priority"), default=1)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("source of prices"), _("sources of prices")
        ordering = ("priority", "id")
        constraints = (
            models.UniqueConstraint(fields=("instrument", "source"), name="instrument_source_one_per_source"),
        )

    def __str__(self) -> str:
        return f"{self.symbol} ({self.source})"


class PriceFetch(models.Model):
    """When prices of an instrument were last requested and fetched, and what became of that."""

    instrument = models.OneToOneField(
        Instrument, primary_key=True, on_delete=models.CASCADE, related_name="fetch"
    )
    requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return self.outcome


class PriceSourceHealth(models.Model):
    """How often a source has failed in a row, and until when it is therefore not used."""

    source = models.OneToOneField(
        PriceSource, primary_key=True, on_delete=models.CASCADE, related_name="health"
    )
    failures = models.PositiveIntegerField(default=0)
    closed_until = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.failures} failures"
