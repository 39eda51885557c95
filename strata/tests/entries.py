"""A model with money and exact numbers, for the tests of these fields."""

from __future__ import annotations

from decimal import Decimal as D

from django.db import models

from strata.fields.currencies import CurrencyField
from strata.fields.money import ExactField, MoneyField

MOST = D("99999999999999.9999")
LEAST = D("0.0001")
MOST_EXACT = D("99999999999999999999.999999999999999999")
LOWEST_EXACT = MOST_EXACT.copy_negate()  # a minus sign would round to 28 digits
LEAST_EXACT = D("0.000000000000000001")


class Entry(models.Model):
    value = MoneyField()
    other = MoneyField(null=True, blank=True)
    quantity = ExactField(null=True, blank=True)
    price = ExactField(null=True, blank=True, non_negative=True)
    rate = ExactField(null=True, blank=True, positive=True)
    currency = CurrencyField(default="EUR")
    count = models.IntegerField(default=1)

    class Meta:
        app_label = "strata_tests"


def entry(value="1", **fields) -> Entry:
    """The entry, written and read again."""
    return Entry.objects.get(pk=Entry.objects.create(value=value, **fields).pk)
