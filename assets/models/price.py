"""The prices of instruments as recorded: a PriceLoad says who loaded them and when, its PriceBlocks hold them.

Prices are added and never altered: a later load replaces the earlier ones day by day (assets.prices.merging). A load
can be withdrawn: from then on none of its prices counts, and those that it replaced count again. A block
has the prices of one instrument and year from one load, eight bytes or fewer each (assets.prices.codec); a row for each
price would take ten times the space. assets.prices reads and writes them.
"""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.instrument import Instrument
from portfolios.models import Household
from strata.audit.tracking import TrackedModel
from strata.fields.dates import DayField, InstantField
from strata.fields.names import NameField
from strata.tenancy.querysets import HouseholdQuerySet, Owned

PRICES_ARE_APPEND_ONLY = "A price is never changed or deleted: a newer one of the same day replaces it."


class PriceLoad(TrackedModel):
    """Prices that were loaded together: of a household's own instruments, or, without a household, of shared ones.

    `adjusted_to` is the day up to which `split_adjusted` prices were divided by the splits after their own day.
    `withdrawn_at` is the instant since when its prices no longer count (assets.services.instruments.withdrawals).
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
        related_name="price_loads",
    )
    source = NameField(_("source"), max_length=100)
    split_adjusted = models.BooleanField(_("divided by later splits"), default=False)
    adjusted_to = DayField(_("divided by splits up to"), null=True, blank=True)
    withdrawn_at = InstantField(_("withdrawn"), null=True, blank=True, editable=False)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("price load"), _("price loads")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.source


class PriceBlockQuerySet(HouseholdQuerySet["PriceBlock"]):
    def update(self, **fields: Any) -> NoReturn:
        raise TypeError(PRICES_ARE_APPEND_ONLY)


class EncodedPrices(Owned):
    """The prices of an instrument in one year. assets.prices.codec encodes and decodes the last five columns.

    The prices of a deleted instrument stay, and an undo of the deletion brings back both: so there is no constraint.
    """

    instrument = models.ForeignKey(
        Instrument, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    year = models.PositiveSmallIntegerField()
    first_day = models.PositiveSmallIntegerField(help_text="The first day with a price; 0 is 1 January.")
    days = models.BinaryField(help_text="A bit for each day from the first on that has a price.")
    scale = models.PositiveSmallIntegerField(help_text="How many decimal places the numbers have.")
    width = models.PositiveSmallIntegerField(help_text="How many bytes each number has: 4, 8 or 16.")
    prices = models.BinaryField(
        help_text="The prices in order, as quoted, in whole units of their last place."
    )

    class Meta:
        abstract = True


class PriceBlock(EncodedPrices):
    """Prices of one load. Blocks with higher ids are newer."""

    belongs_to = "load"
    shared_when_unowned = True

    id = models.BigAutoField(primary_key=True)
    load = models.ForeignKey(PriceLoad, on_delete=models.CASCADE, related_name="+")

    objects = PriceBlockQuerySet.as_manager()  # type: ignore[misc]  # the plugin takes it for a variable of the row

    class Meta:
        indexes = (models.Index(fields=("instrument", "year"), name="price_block_of_instrument"),)

    def __str__(self) -> str:
        return f"{self.instrument_id} in {self.year}"
