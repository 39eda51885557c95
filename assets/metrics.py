"""The gauges of assets, for /metrics."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Max
from django.utils import timezone

from assets.models import ExchangeRate
from strata.metrics.gauges import gauge


@gauge(
    "strata_newest_rate_age_days", "Days since the day of the newest exchange rate, by source", ("source",)
)
def newest_rate() -> Iterator[tuple[tuple[str, ...], float]]:
    newest = ExchangeRate.objects.order_by().values_list("source").annotate(Max("on"))
    for source, on in newest:
        yield (source,), (timezone.now().date() - on).days
