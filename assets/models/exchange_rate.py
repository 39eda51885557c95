"""ExchangeRate: units of a currency for one euro on a day. Rates are added and never altered."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NoReturn
from uuid import UUID

from django.db import models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from assets.models.derived.rates_version import RatesVersion
from portfolios.models import Portfolio
from strata.audit.clock import written_at
from strata.audit.models import Action, ImmutableQuerySet
from strata.audit.recording import write_entries
from strata.db.locks import lock_rows
from strata.fields.active_formats import name_on_day
from strata.fields.currencies import CurrencyField
from strata.fields.dates import DayField
from strata.fields.ids import uuid7
from strata.fields.money import ExactField


def raise_every_revision() -> None:
    """A new rate may change the figures of any portfolio: a report can be requested in any currency."""
    RatesVersion.renew()
    portfolios = Portfolio.objects
    lock_rows(portfolios.all())
    portfolios.update_unrecorded(revision=F("revision") + 1)


RATES_ARE_APPEND_ONLY = (
    "A rate is never changed or deleted: a newer one of the same currency and day replaces it."
)
EURO_HAS_NO_RATE = _("The euro is what rates are measured in: it has none itself.")
WHO_ADDS_RATES = _(
    "Exchange rates are shared by all households, so only superusers add them. Ask one, or whoever runs this "
    "installation: they come by manage.py load_rates, from the ECB or a file."
)


class RateQuerySet(ImmutableQuerySet["ExchangeRate"]):
    def bulk_create(self, objs: Iterable[ExchangeRate], *args: Any, **kwargs: Any) -> list[ExchangeRate]:
        with transaction.atomic(using=self.db):
            created = super().bulk_create(objs, *args, **kwargs)
            by_instant: dict[datetime, list[UUID]] = {}
            for rate in created:
                by_instant.setdefault(rate.recorded_at, []).append(rate.pk)
            for recorded_at, ids in by_instant.items():
                record_rates(ids, recorded_at)
            raise_every_revision()
        return created


def record_rates(ids: Iterable[UUID], recorded_at: datetime) -> None:
    """The journal entries of rates. A load has one entry, for its first rate: all its rates have the same instant."""
    write_entries(ExchangeRate, Action.CREATE, ((pk, None, None) for pk in ids), at=recorded_at)


class ExchangeRate(models.Model):
    """A newer row for the same currency, day and source replaces the older ones.

    A rate is valid on its day and for RATE_MAX_AGE_DAYS after it; a lasting rate until the next rate of its currency.
    """

    known_since = "recorded_at"

    class Source(models.TextChoices):
        MANUAL = "manual", _("Entered by hand")
        ECB = "ecb", _("ECB")
        DEMO = "demo", _("Demo")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    currency = CurrencyField(_("currency"))
    on = DayField(_("date"))
    units_per_euro = ExactField(_("1 EUR ="), positive=True)
    source = models.CharField(_("source"), max_length=6, choices=Source, default=Source.MANUAL)
    lasting = models.BooleanField(
        _("lasting"), default=False, help_text=_("It holds until a newer one, not only for the next days.")
    )
    recorded_at = models.DateTimeField(_("recorded at"), default=timezone.now, editable=False)

    objects = RateQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("exchange rate"), _("exchange rates")
        ordering = ("-on", "currency", "-id")
        base_manager_name = "objects"
        indexes = (
            models.Index(fields=("currency", "on"), name="rate_of_currency_on_day"),
            models.Index(fields=("currency", "on"), name="rate_that_lasts", condition=Q(lasting=True)),
        )

    def __str__(self) -> str:
        return name_on_day(self.currency, self.on)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("A rate is never altered: add a newer one.")
        with transaction.atomic():
            self.recorded_at = written_at()
            super().save(*args, **kwargs)
            record_rates([self.pk], self.recorded_at)
            raise_every_revision()

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise TypeError("A rate is never deleted: add a newer one.")
