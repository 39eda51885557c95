"""Loan: the terms of an asset that is valued by the schedule of a loan, and their dated parts."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from assets.models.asset import Asset
from strata.audit.tracking import TrackedModel
from strata.fields.active_formats import name_on_day
from strata.fields.dates import DayField
from strata.fields.money import ExactField, MoneyField

MOST_PAYMENTS = 2600  # fifty years of weeks


class Frequency(models.TextChoices):
    WEEKLY = "weekly", _("Weekly")
    MONTHLY = "monthly", _("Monthly")
    QUARTERLY = "quarterly", _("Quarterly")
    HALF_YEARLY = "half_yearly", _("Half-yearly")
    YEARLY = "yearly", _("Yearly")


class LoanType(models.TextChoices):
    ANNUITY = "annuity", _("Equal payments")
    FIXED_PRINCIPAL = "fixed_principal", _("Equal repayment")
    INTEREST_ONLY = "interest_only", _("Interest only")
    BULLET = "bullet", _("All at the end")


class DayCount(models.TextChoices):
    THIRTY_360 = "30/360", "30/360"
    ACT_365 = "act/365", "act/365"
    ACT_360 = "act/360", "act/360"
    ACT_ACT = "act/act", "act/act"


class LoanRounding(models.TextChoices):
    CURRENCY = "currency", _("To the smallest unit of the currency")
    NONE = "none", _("Not rounded")


class OfAnAsset(TrackedModel):
    """A row that belongs to one asset: it is in the asset's portfolio and household."""

    belongs_to = "asset"

    class Meta(TrackedModel.Meta):
        abstract = True


class Loan(OfAnAsset):
    """What was agreed at the start. One of `term`, the number of payments, and `payment` is None.

    The collateral is what the loan is secured on. It may be deleted, and come back by an undo, without a write of this
    row: then there is none.
    """

    asset = models.OneToOneField(
        Asset, verbose_name=_("asset"), on_delete=models.CASCADE, related_name="loan_terms"
    )
    principal = MoneyField(_("amount borrowed"))
    started_on = DayField(_("paid out on"))
    first_payment_on = DayField(_("first payment on"))
    frequency = models.CharField(_("payments"), max_length=11, choices=Frequency, default=Frequency.MONTHLY)
    loan_type = models.CharField(_("type of loan"), max_length=15, choices=LoanType, default=LoanType.ANNUITY)
    term = models.PositiveSmallIntegerField(
        _("number of payments"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_PAYMENTS)],
    )
    payment = MoneyField(_("payment"), null=True, blank=True)
    day_count = models.CharField(
        _("days of interest"), max_length=7, choices=DayCount, default=DayCount.THIRTY_360
    )
    rounding = models.CharField(
        _("rounding"), max_length=8, choices=LoanRounding, default=LoanRounding.CURRENCY
    )
    collateral = models.ForeignKey(
        Asset,
        verbose_name=_("secured on"),
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="secured_loans",
    )

    class Meta(OfAnAsset.Meta):
        verbose_name, verbose_name_plural = _("terms of a loan"), _("terms of loans")

    def __str__(self) -> str:
        return str(self.asset)


class LoanRate(OfAnAsset):
    """The yearly rate from a day on, as a fraction of 1."""

    asset = models.ForeignKey(
        Asset, verbose_name=_("asset"), on_delete=models.CASCADE, related_name="loan_rates", db_index=False
    )
    on = DayField(_("from"))
    rate = ExactField(_("yearly rate"), non_negative=True)

    class Meta(OfAnAsset.Meta):
        verbose_name, verbose_name_plural = _("rate of a loan"), _("rates of loans")
        ordering = ("on", "id")
        constraints = (models.UniqueConstraint(fields=("asset", "on"), name="loan_rate_one_per_day"),)

    def __str__(self) -> str:
        return name_on_day(self.asset, self.on)


class ExtraPaymentEffect(models.TextChoices):
    SHORTEN = "shorten", _("Shorten the term")
    LOWER = "lower", _("Lower the payment")


class LoanExtraPayment(OfAnAsset):
    """What is paid besides the payments."""

    asset = models.ForeignKey(
        Asset,
        verbose_name=_("asset"),
        on_delete=models.CASCADE,
        related_name="loan_extra_payments",
        db_index=False,
    )
    on = DayField(_("date"))
    amount = MoneyField(_("amount"))
    effect = models.CharField(
        _("effect"), max_length=7, choices=ExtraPaymentEffect, default=ExtraPaymentEffect.SHORTEN
    )

    class Meta(OfAnAsset.Meta):
        verbose_name, verbose_name_plural = _("extra payment"), _("extra payments")
        ordering = ("on", "id")
        constraints = (
            models.UniqueConstraint(fields=("asset", "on"), name="loan_extra_payment_one_per_day"),
        )

    def __str__(self) -> str:
        return name_on_day(self.asset, self.on)


class LoanHoliday(OfAnAsset):
    """From the first to the last of these days no payment is due."""

    asset = models.ForeignKey(
        Asset,
        verbose_name=_("asset"),
        on_delete=models.CASCADE,
        related_name="loan_holidays",
        db_index=False,
    )
    start = DayField(_("from"))
    end = DayField(_("to"))

    class Meta(OfAnAsset.Meta):
        verbose_name, verbose_name_plural = _("payment holiday"), _("payment holidays")
        ordering = ("start", "id")
        constraints = (
            models.UniqueConstraint(fields=("asset", "start"), name="loan_holiday_one_per_first_day"),
        )

    def __str__(self) -> str:
        return name_on_day(self.asset, self.start)
