"""What needs care, where people look for it besides the API: the doctor and the admin."""

import pytest
from django.test import Client

from assets.models import Asset
from assets.seeds import type_id
from portfolios.doctor import values_to_look_at
from portfolios.models import AllocationTarget
from strata.doctor import Level
from strata.models import User


@pytest.fixture
def doubtful(portfolio):
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=type_id(1), name="<b>Secret</b>", currency="EUR"
    )


def staff(user):
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def test_doctor_counts_findings_by_portfolio_and_names_no_asset(portfolio, doubtful):
    assert list(values_to_look_at()) == [(Level.WARN, f"portfolio {portfolio.pk}: 1 NO_VALUE")]
    doubtful.delete()
    assert list(values_to_look_at()) == [(Level.OK, "nothing to look at")]


def test_admin_page_shows_findings_with_the_link_that_mends_them(portfolio, doubtful, vera_user):
    client = staff(vera_user)
    page = f"/admin/portfolios/portfolio/{portfolio.pk}/quality/"
    assert page in client.get("/admin/portfolios/portfolio/").content.decode()
    shown = client.get(page).content.decode()
    assert f'<a href="/admin/assets/asset/{doubtful.pk}/change/">&lt;b&gt;Secret&lt;/b&gt;</a>' in shown
    assert "It has no value yet." in shown


def test_admin_page_of_a_strangers_portfolio_is_not_shown(portfolio, doubtful, charlie_user):
    answer = staff(charlie_user).get(f"/admin/portfolios/portfolio/{portfolio.pk}/quality/")
    assert (answer.status_code, b"Secret" in answer.content) == (302, False)


def test_admin_makes_targets_and_refuses_what_the_api_refuses(household):
    root = Client()
    root.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    page = "/admin/portfolios/allocationtarget/add/"
    body = {"household": household.pk, "share": "0.6", "group": "OTHER"}
    assert root.post(page, body).status_code == 302
    assert root.post(page, body | {"group": "", "share": "0.1"}).status_code == 200  # names no group
    assert root.post(page, body | {"group": "FINANCIAL", "share": "0.5"}).status_code == 200  # 1.1 in all
    assert root.post(page, body | {"share": "0.1"}).status_code == 200  # again
    assert [str(row) for row in AllocationTarget.objects.all()] == ["group: 0.6"]
