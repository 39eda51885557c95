"""Notices that values were stored with other settings than those of today."""

from __future__ import annotations

import logging
from threading import Thread

from django.conf import settings
from django.db import DatabaseError, connection

from assets.models import Asset, ValuationSettings
from assets.valuation import upkeep
from assets.valuation.sources.market_inputs import MARKET
from strata.db.locks import lock_rows
from strata.db.retry import run_in_transaction

TIMEOUT_SECONDS = 5
log = logging.getLogger("strata.derived")


def look_at_settings() -> None:
    """When a worker starts: before its first answer, unless the database does not answer or cannot be written."""

    def look() -> None:
        try:
            notice_changed_settings()
        except DatabaseError as error:
            log.warning("whether the settings have changed is not known", exc_info=error)
        finally:
            connection.close()  # the connection of this thread

    thread = Thread(target=look, daemon=True, name="look at settings")
    thread.start()
    thread.join(TIMEOUT_SECONDS)


def notice_changed_settings() -> None:
    """Forget the portfolios with values at market prices where PRICE_MAX_AGE_DAYS has changed since they were stored.

    A process calls it when it starts. Without a row nothing is known of earlier settings: those of today are noted.
    """
    if noted_age() != settings.PRICE_MAX_AGE_DAYS:
        run_in_transaction(forget_what_was_stored_with_others)


def noted_age() -> int | None:
    return ValuationSettings.objects.values_list("price_max_age_days", flat=True).first()


def forget_what_was_stored_with_others() -> None:
    assets = Asset.objects.filter(valuation=MARKET).order_by("portfolio_id")
    portfolio_ids = list(assets.values_list("portfolio_id", flat=True).distinct())
    if noted_age() is not None:
        lock_rows(upkeep.portfolios().filter(pk__among=portfolio_ids))
        for portfolio_id in portfolio_ids:
            upkeep.forget(portfolio_id, values_change=True)
    ValuationSettings.objects.update_or_create(
        pk=1, defaults={"price_max_age_days": settings.PRICE_MAX_AGE_DAYS}
    )
