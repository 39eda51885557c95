"""What the pages of saved totals and of API tokens add."""

from __future__ import annotations

import re
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from assets.classification.seeds import TypeId
from reports.models import PortfolioSnapshot
from strata.accounts.models import ApiToken
from tests.admin_forms import errors_of, staff, url
from tests.factories import create_valued_asset

PASSWORD = "correct horse battery"


def test_total_is_saved_of_a_day_or_of_today(alices, portfolio):
    create_valued_asset(portfolio, "Account", TypeId.CHECKING_ACCOUNT, "12.34", on="2026-01-31")
    for on in ("2026-01-31", ""):
        sent = {"portfolio": portfolio.pk, "on": on, "note": "for the bank"}
        assert alices.post(url(PortfolioSnapshot, "add"), sent).status_code == 302
    today, earlier = PortfolioSnapshot.objects.order_by("-on")
    assert (str(earlier.on), earlier.value, earlier.note, earlier.manual) == (
        "2026-01-31",
        "12.34",
        "for the bank",
        True,
    )
    assert today.on >= timezone.now().date() - timedelta(days=1)


def test_total_of_a_day_in_the_future_is_refused_beside_the_day(alices, portfolio):
    sent = {"portfolio": portfolio.pk, "on": "2199-01-01", "note": ""}
    assert "It lies after" in errors_of(alices.post(url(PortfolioSnapshot, "add"), sent))
    assert not PortfolioSnapshot.objects.exists()


def test_viewer_saves_no_total(vera_user, portfolio):
    sent = {"portfolio": portfolio.pk, "on": "", "note": ""}
    assert staff(vera_user).post(url(PortfolioSnapshot, "add"), sent).status_code == 403


def test_token_is_added_with_the_password_and_shown_once(alice_user):
    alice_user.set_password(PASSWORD)
    browser = staff(alice_user)
    add = url(ApiToken, "add")
    sent = {"name": "widget", "scope": "read", "days": "30", "password": "wrong"}
    assert "The password is wrong." in browser.post(add, sent).content.decode()
    assert not ApiToken.objects.exists()

    page = browser.post(add, sent | {"password": PASSWORD}).content.decode()
    token, secret = ApiToken.objects.get(), re.search(r"strata_[\w-]{30,}", page)[0]
    assert (token.user, token.name, token.scope) == (alice_user, "widget", "read")
    assert timedelta(days=29) < token.expires_at - timezone.now() <= timedelta(days=30)
    me = Client(headers={"Authorization": f"Bearer {secret}"}).get("/api/v1/me")
    assert me.json()["username"] == alice_user.username
    assert secret not in browser.get(url(ApiToken)).content.decode()
