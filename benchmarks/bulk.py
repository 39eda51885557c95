"""Many rows in one write: 10,000 values and 10,000 transactions in a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count
from typing import Any

from django.db import DEFAULT_DB_ALIAS, models

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Transaction
from assets.valuation.upkeep import rebuild
from portfolios.models import Portfolio

type Work = tuple[str, float | None, Callable[[], object]]

FIRST = date(2000, 1, 1)
ASSETS, DAYS = 20, 500
BAR = 1500


def portfolio_of_batches(household: Any) -> list[Asset]:
    """Assets of a portfolio of their own. What earlier runs have recorded there is deleted, without a journal."""
    own, _ = Portfolio.objects.get_or_create(
        household=household, name="Batches", defaults={"base_currency": "EUR", "time_zone": "UTC"}
    )
    if not own.assets.exists():
        for number in range(ASSETS):
            Asset.objects.create(
                portfolio=own, asset_type_id=TypeId.STOCKS, name=f"Batch {number}", currency="EUR"
            )
    for model in (AssetSnapshot, Transaction):
        models.QuerySet(model).filter(asset__in=list(own.assets.all()))._raw_delete(DEFAULT_DB_ALIAS)
    rebuild(own.pk)
    return list(own.assets.order_by("name"))


def works(caller: Any) -> Iterator[Work]:
    """`caller` is a Caller of work.py."""
    assets = [str(asset.pk) for asset in portfolio_of_batches(caller.portfolio.household)]
    yield "M: POST values:batch, 10,000 new values", BAR, sender(caller, "values:batch", values(assets))
    sent = sender(caller, "transactions:batch", transactions(assets))
    yield "M: POST transactions:batch, 10,000 transactions", None, sent
    # It would be on the dashboard, which is measured later. Without a journal, as what earlier runs recorded.
    own = Asset.objects.get(pk=assets[0]).portfolio_id
    for model in (AssetSnapshot, Transaction):
        models.QuerySet(model).filter(asset__in=assets)._raw_delete(DEFAULT_DB_ALIAS)
    Portfolio.objects.get(pk=own).delete()


def sender(caller: Any, path: str, bodies: Iterator[str]) -> Callable[[], None]:
    def send() -> None:
        answer = caller.send("POST", path, next(bodies))
        if answer["created"] != ASSETS * DAYS:
            raise SystemExit(f"{path}: {answer['created']} created")

    return send


def values(assets: list[str]) -> Iterator[str]:
    """Each body has the same days as the one before, at later instants."""
    days = [FIRST + timedelta(days=number) for number in range(DAYS)]
    for turn in count():
        yield json.dumps(
            {
                "rows": [
                    {
                        "asset_id": pk,
                        "value": f"{turn}{number % 90 + 10}.25",
                        "observed_at": f"{on}T08:{turn % 60:02}:00Z",
                    }
                    for pk in assets
                    for number, on in enumerate(days)
                ]
            }
        )


def transactions(assets: list[str]) -> Iterator[str]:
    for turn in count():
        yield json.dumps(
            {
                "rows": [
                    {
                        "asset_id": pk,
                        "type": "INCOME",
                        "on": str(FIRST + timedelta(days=number)),
                        "amount": f"{number}.10",
                        "source": "batches",
                        "external_id": f"{turn}-{number}",
                    }
                    for pk in assets
                    for number in range(DAYS)
                ]
            }
        )
