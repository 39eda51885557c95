"""Asset: anything owned or owed, and what links it to its categories and tags."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets.models.classification import KIND_HELP, KIND_LABEL, AssetType, Category, Kind, Tag
from assets.models.instrument import Instrument
from assets.models.querysets import AssetQuerySet
from portfolios.models import LOT_METHODS, Portfolio
from strata.audit.tracking import TrackedModel
from strata.fields.account_numbers import AccountNumberEndField
from strata.fields.currencies import CurrencyField
from strata.fields.dates import DayField
from strata.fields.money import ExactField
from strata.fields.names import NameField, NameKeyField, NoteField

# The keys of institutions that are none: reports call the assets without one "none".
NO_INSTITUTION = ("", "none")


class Valuation(models.TextChoices):
    """Where an asset's values come from. Recorded values are the only ones of MANUAL, and anchors of all others."""

    MANUAL = "manual", _("By hand")
    MARKET = "market", _("Market price")
    LOAN = "loan", _("Loan schedule")
    DEPRECIATION = "depreciation", _("Depreciation")
    GROWTH = "growth", _("Growth rate")
    INDEX = "index", _("Price index")


class Asset(TrackedModel):
    """A liability is an asset whose values are negative, so net worth is a plain sum.

    From `disposed_on` on the asset is worth zero; earlier days do not change. `quantity` is how many units are held,
    None where units are not counted. It does not change the value: values are of the whole asset. `counts_in_net_worth`
    has no day of its own: False leaves the asset out of the totals of all days. Nor has `valuation`: recorded values
    are anchors of what computes the values in between. `lot_method` None is that of the portfolio or household.
    `shares` is the household's share by day, as assets.valuation.formulas.shares writes it; empty where it owns all.
    Recorded values are of the whole asset all the same, transactions what the household paid.

    Saving or deleting it locks its portfolio and household, and writes the journal (strata.audit.tracking).
    """

    # Django lookups from this row to its household and portfolio. They decide who sees it, and what a write locks.
    belongs_to = "portfolio"

    portfolio = models.ForeignKey(
        Portfolio, verbose_name=_("portfolio"), on_delete=models.CASCADE, related_name="assets"
    )
    asset_type = models.ForeignKey(
        AssetType, verbose_name=_("type"), on_delete=models.PROTECT, related_name="assets"
    )
    name = NameField(_("name"))
    # Written by save() from the name. Lists are ordered by it, and searches compare it.
    name_key = NameKeyField()
    currency = CurrencyField(_("currency"), help_text=_("Cannot be changed once there are values."))
    # Where it is kept: a bank, a broker, an insurer. Reports group by the key.
    institution = NameField(_("institution"), blank=True, default="", db_default="")
    institution_key = NameKeyField(source="institution", db_default="")
    account_number_end = AccountNumberEndField(
        _("last digits of the account number"), blank=True, default="", db_default=""
    )
    counts_in_net_worth = models.BooleanField(
        _("counts in net worth"),
        default=True,
        db_default=True,
        help_text=_("Off: left out of all totals and reports, on all days. Its values and data checks stay."),
    )
    quantity = ExactField(
        _("quantity"),
        null=True,
        blank=True,
        help_text=_("How many you hold, such as 0.15 BTC. The value you enter is for all of them."),
    )
    valuation = models.CharField(
        _("how it is valued"),
        max_length=12,
        choices=Valuation,
        default=Valuation.MANUAL,
        db_default=Valuation.MANUAL,
    )
    shares = models.TextField(_("your share"), blank=True, default="", db_default="", editable=False)
    instrument = models.ForeignKey(
        Instrument,
        verbose_name=_("security or index"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="assets",
    )
    lot_method = models.CharField(
        _("lots sold first"), max_length=8, choices=LOT_METHODS, null=True, blank=True
    )
    notes = NoteField(_("note"), blank=True, default="")
    # Empty for most assets: their type says it, and they follow the type when it changes. A copy of the type's kind
    # would not. Set where one asset differs from its type, such as savings that are an investment.
    kind = models.CharField(
        KIND_LABEL, max_length=7, choices=Kind, blank=True, default="", help_text=KIND_HELP
    )
    acquired_on = DayField(_("bought on"), null=True, blank=True)
    disposed_on = DayField(_("sold or given away on"), null=True, blank=True)
    categories = models.ManyToManyField(
        Category, verbose_name=_("categories"), through="AssetCategory", related_name="assets", blank=True
    )
    tags = models.ManyToManyField(
        Tag, verbose_name=_("tags"), through="AssetTag", related_name="assets", blank=True
    )

    objects = AssetQuerySet.as_manager()  # type: ignore[misc]  # mypy mistakes it for an instance variable

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("asset"), _("assets")
        ordering = ("name_key", "id")
        indexes = (
            models.Index(fields=("portfolio", "name_key", "id"), name="asset_in_portfolio_by_name"),
            # Most portfolios have none of these: reports look for them by this.
            models.Index(
                fields=("portfolio",),
                name="asset_not_valued_by_hand",
                condition=~Q(shares="", valuation=Valuation.MANUAL),
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(acquired_on=None) | Q(disposed_on=None) | Q(acquired_on__lte=F("disposed_on")),
                name="asset_not_disposed_of_before_it_was_acquired",
            ),
            models.CheckConstraint(
                condition=Q(shares="") | ~Q(valuation="market"),
                name="asset_at_market_price_is_not_shared",
            ),
        )

    def __str__(self) -> str:
        return self.name


class AssetCategory(TrackedModel):
    """Puts an asset into a category: a row of its own, so that it has a history."""

    belongs_to = "asset"

    asset = models.ForeignKey(
        Asset, verbose_name=_("asset"), on_delete=models.CASCADE, related_name="category_links"
    )
    category = models.ForeignKey(
        Category, verbose_name=_("category"), on_delete=models.CASCADE, related_name="asset_links"
    )

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("category of an asset"), _("categories of assets")
        constraints = (
            models.UniqueConstraint(fields=("asset", "category"), name="asset_once_in_a_category"),
        )

    def __str__(self) -> str:
        return gettext("%(asset)s in %(category)s") % {"asset": self.asset, "category": self.category}


class AssetTag(TrackedModel):
    """Gives an asset a tag: a row of its own, so that it has a history."""

    belongs_to = "asset"

    asset = models.ForeignKey(
        Asset, verbose_name=_("asset"), on_delete=models.CASCADE, related_name="tag_links"
    )
    tag = models.ForeignKey(Tag, verbose_name=_("tag"), on_delete=models.CASCADE, related_name="asset_links")

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("tag of an asset"), _("tags of assets")
        constraints = (models.UniqueConstraint(fields=("asset", "tag"), name="asset_once_with_a_tag"),)

    def __str__(self) -> str:
        return gettext("%(tag)s on %(asset)s") % {"tag": self.tag, "asset": self.asset}
