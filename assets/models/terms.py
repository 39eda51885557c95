"""The terms of assets whose value follows from a formula: depreciation and growth. Those of a loan are in loan.py."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from assets.models.loan import OfAnAsset
from strata.fields.dates import DayField
from strata.fields.money import ExactField, MoneyField

LONGEST_LIFE = 200


class DepreciationMethod(models.TextChoices):
    STRAIGHT_LINE = "straight_line", _("Straight line")
    DECLINING = "declining", _("Declining balance")
    DOUBLE_DECLINING = "double_declining", _("Double declining")
    SUM_OF_YEARS = "sum_of_years", _("Sum of years")


class DepreciationStep(models.TextChoices):
    DAY = "day", _("Every day")
    MONTH = "month", _("Every month")


class Depreciation(OfAnAsset):
    """How an asset loses its cost over its life in years, down to `residual_value`.

    A declining balance falls by `rate` a year, or by `factor` / life. With `switch` it becomes a straight line when
    that falls faster. The first year has `first_year_months`, and a last one the rest.
    """

    asset = models.OneToOneField(
        Asset, verbose_name=_("asset"), on_delete=models.CASCADE, related_name="depreciation_terms"
    )
    method = models.CharField(
        _("method"),
        max_length=16,
        choices=DepreciationMethod,
        default=DepreciationMethod.STRAIGHT_LINE,
    )
    cost = MoneyField(_("cost"))
    residual_value = MoneyField(_("residual value"), default=0)
    life = models.PositiveSmallIntegerField(
        _("life in years"), validators=[MinValueValidator(1), MaxValueValidator(LONGEST_LIFE)]
    )
    started_on = DayField(_("from"))
    step = models.CharField(
        _("changes"), max_length=5, choices=DepreciationStep, default=DepreciationStep.DAY
    )
    rate = ExactField(_("yearly rate"), null=True, blank=True, positive=True)
    factor = ExactField(_("factor"), null=True, blank=True, positive=True)
    switch = models.BooleanField(_("changes to a straight line"), default=False)
    first_year_months = models.PositiveSmallIntegerField(
        _("months of the first year"), default=12, validators=[MinValueValidator(1), MaxValueValidator(12)]
    )

    class Meta(OfAnAsset.Meta):
        verbose_name, verbose_name_plural = _("terms of a depreciation"), _("terms of depreciations")

    def __str__(self) -> str:
        return str(self.asset)


class Compounding(models.TextChoices):
    YEARLY = "yearly", _("Yearly")
    HALF_YEARLY = "half_yearly", _("Half-yearly")
    QUARTERLY = "quarterly", _("Quarterly")
    MONTHLY = "monthly", _("Monthly")
    DAILY = "daily", _("Daily")
    SIMPLE = "simple", _("Never (simple interest)")


class Growth(OfAnAsset):
    """By how much an asset rises from its last recorded value on; a negative rate lets it fall."""

    asset = models.OneToOneField(
        Asset, verbose_name=_("asset"), on_delete=models.CASCADE, related_name="growth_terms"
    )
    rate = ExactField(_("yearly rate"))
    compounding = models.CharField(
        _("compounded"), max_length=11, choices=Compounding, default=Compounding.YEARLY
    )

    class Meta(OfAnAsset.Meta):
        verbose_name, verbose_name_plural = _("terms of a growth"), _("terms of growths")

    def __str__(self) -> str:
        return str(self.asset)
