"""Assets for the admin's first page, and the page as its context."""

from __future__ import annotations

from datetime import date

from django.test import Client
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from strata.accounts.models import User
from strata.fields import date_formats
from strata.fields.date_formats import DateFormat
from strata.fields.dates import noon

TODAY = timezone.now().date()


def day_text(on: date) -> str:
    """As an English browser shows it."""
    return date_formats.day_text(on, DateFormat.DAY_MONTH_NAME_YEAR)


def entering(user, *, superuser=False) -> Client:
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=superuser)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


def worth(portfolio, value, *, on=TODAY, name="Account", currency="EUR", **given) -> Asset:
    asset, _ = Asset.objects.get_or_create(
        portfolio=portfolio,
        name=name,
        defaults={"asset_type_id": TypeId.CHECKING_ACCOUNT, "currency": currency, **given},
    )
    AssetSnapshot.objects.create(asset=asset, value=value, on=on, observed_at=noon(on, "UTC"))
    return asset


def page(client, **asked) -> dict:
    answer = client.get("/admin/", asked)
    assert answer.status_code == 200
    return answer.context["dashboard"] | {"html": answer.content.decode()}


def last_figures(shown: dict) -> dict[str, str]:
    """The figures of the last day in the table beside the chart."""
    worth = shown["worth"]
    return {
        str(name): str(figure)
        for name, figure in zip(worth["columns"], worth["rows"][0].figures, strict=True)
    }


def days_drawn(shown: dict) -> list[str]:
    return [row.day for row in reversed(shown["worth"]["rows"])]
