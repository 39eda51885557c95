"""Findings outside the API: in doctor and in the admin."""

import re

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django.asserts import assertContains

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, AssetType, Transaction
from portfolios.models import Portfolio
from reports.calculations.quality import Code
from reports.doctor import values_to_look_at
from reports.models import AllocationTarget
from reports.queries import quality_issues, quality_report, today_of
from reports.rendering.findings import TEXTS, TITLES
from strata.accounts.models import User
from strata.doctor import Level
from tests.admin_forms import staff
from tests.factories import create_asset, create_valued_asset


@pytest.fixture
def doubtful(portfolio):
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CASH, name="<b>Secret</b>", currency="EUR"
    )


def test_doctor_names_portfolio_asset_and_finding_with_the_link_that_mends_it(portfolio, doubtful):
    assert list(values_to_look_at()) == [
        (Level.WARN, f"Main: 1 data check: /admin/portfolios/portfolio/{portfolio.pk}/quality/"),
        (
            Level.WARN,
            f"Main: <b>Secret</b>: NO_VALUE: It has no value yet. /admin/assets/asset/{doubtful.pk}/change/",
        ),
    ]
    doubtful.delete()
    assert list(values_to_look_at()) == [(Level.OK, "no data checks")]


def test_doctor_leaves_notes_to_the_page_of_findings(portfolio):
    card = Asset.objects.create(
        portfolio=portfolio, asset_type=AssetType.objects.get(code="CREDIT_CARD"), name="Card", currency="EUR"
    )
    AssetSnapshot.objects.create(asset=card, value=5, on=today_of(portfolio), observed_at=timezone.now())
    assert [(issue.finding.code, issue.finding.severity) for issue in quality_report(portfolio)] == [
        ("POSITIVE_LIABILITY", "note")
    ]
    assert list(values_to_look_at()) == [(Level.OK, "no data checks")]


def test_doctor_says_how_many_more_there_are(household, portfolio, monkeypatch):
    monkeypatch.setattr("reports.doctor.SHOWN", 2)
    others = [
        Portfolio.objects.create(household=household, name=f"Other {number}", base_currency="EUR")
        for number in range(2)
    ]
    for place in (portfolio, portfolio, portfolio, *others):
        Asset.objects.create(portfolio=place, asset_type_id=TypeId.CASH, name="Empty", currency="EUR")
    lines = [line.partition(": /admin")[0] for _, line in values_to_look_at()]
    assert [line for line in lines if "NO_VALUE" not in line] == [
        "Main: 3 data checks",
        "Main: and 1 more",
        "Other 0: 1 data check",
        "and 1 more portfolios",
    ]
    assert len([line for line in lines if "NO_VALUE" in line]) == 3


def test_every_code_has_a_title_and_a_text_in_the_admin():
    assert set(TITLES) == set(Code)
    with_several_texts = {
        Code.SUSPICIOUS_JUMP,
        Code.STALE_VALUE,
        Code.STALE_PRICE,
        Code.POSSIBLE_DUPLICATE_TRANSACTION,
    }
    assert set(TEXTS) == set(Code) - with_several_texts


def test_doubled_transaction_leads_to_it_though_the_value_of_its_day_has_a_finding_too(portfolio):
    on = today_of(portfolio)
    owed = create_valued_asset(portfolio, "Loan", TypeId.LOAN, "5", on=str(on))
    fees = [
        Transaction.objects.create(
            asset=owed, type="EXPENSE", amount=1, currency="EUR", on=on, occurred_at=timezone.now()
        )
        for _ in range(2)
    ]
    value = owed.snapshots.get()
    links = {issue.finding.code: issue.admin_link for issue in quality_report(portfolio)}
    assert links == {
        "POSITIVE_LIABILITY": f"/admin/assets/assetsnapshot/{value.pk}/change/",
        "POSSIBLE_DUPLICATE_TRANSACTION": f"/admin/assets/transaction/{fees[1].pk}/change/",
    }


def test_links_are_looked_up_for_the_first_findings_alone(portfolio):
    on = today_of(portfolio)
    for name in ("A", "B", "C"):
        create_valued_asset(portfolio, name, TypeId.LOAN, "5", on=str(on))
    issues = quality_issues([portfolio], on=on, currency="EUR")
    first_linked = quality_issues([portfolio], on=on, currency="EUR", linked=1)
    assert first_linked[0] == issues[0] and issues[2].link and issues[2].admin_link
    assert [(issue.finding, issue.link, issue.admin_link) for issue in first_linked[1:]] == [
        (issue.finding, "", "") for issue in issues[1:]
    ]


def test_admin_page_shows_findings_with_the_link_that_mends_them(portfolio, doubtful, vera_user):
    client = staff(vera_user)
    page = f"/admin/portfolios/portfolio/{portfolio.pk}/quality/"
    assert page in client.get("/admin/portfolios/portfolio/").content.decode()
    shown = client.get(page)
    link = f'<a href="/admin/assets/asset/{doubtful.pk}/change/">&lt;b&gt;Secret&lt;/b&gt;</a>'
    assert link in re.sub(' class="[^"]*"', "", shown.content.decode())
    assertContains(shown, "Enter what it is worth.")


def test_missing_rate_is_mended_by_a_superuser_and_others_get_the_asset(portfolio, alice_user, vera_user):
    asset = create_valued_asset(portfolio, "Yen", TypeId.CHECKING_ACCOUNT, "1000", currency="JPY")
    page = f"/admin/portfolios/portfolio/{portfolio.pk}/quality/?on=2024-06-02"
    ((issue, link, *_),) = staff(vera_user).get(page).context["issues"]
    assert (issue.finding.code, link) == ("MISSING_RATE", f"/admin/assets/asset/{asset.pk}/change/")
    assert issue.finding.message.endswith("Rates come by load_rates, or from a superuser.")
    alice_user.is_superuser = True
    ((_, link, *_),) = staff(alice_user).get(page).context["issues"]
    assert link == "/admin/assets/exchangerate/add/"


@pytest.mark.parametrize(
    ("asked", "day"), [("", "today"), ("?on=2024-06-02", "2024-06-02"), ("?on=soon", "today")]
)
def test_admin_page_is_of_the_day_asked_for_or_of_today(portfolio, vera_user, asked, day):
    shown = staff(vera_user).get(f"/admin/portfolios/portfolio/{portfolio.pk}/quality/{asked}")
    assert str(shown.context["on"]) == (str(today_of(portfolio)) if day == "today" else day)


def test_admin_page_of_a_strangers_portfolio_is_not_shown(portfolio, doubtful, charlie_user):
    answer = staff(charlie_user).get(f"/admin/portfolios/portfolio/{portfolio.pk}/quality/")
    assert (answer.status_code, b"Secret" in answer.content) == (302, False)


def test_admin_makes_targets_and_refuses_what_the_api_refuses(household):
    root = Client()
    root.force_login(User.objects.create(username="root", is_staff=True, is_superuser=True))
    page = "/admin/portfolios/allocationtarget/add/"
    body = {"household": household.pk, "share": "60", "group": "OTHER"}
    assert root.post(page, body).status_code == 302
    assert root.post(page, body | {"group": "", "share": "10"}).status_code == 200  # names no group
    assert root.post(page, body | {"group": "FINANCIAL", "share": "50"}).status_code == 200  # 110 % in all
    assert root.post(page, body | {"share": "10"}).status_code == 200  # again
    assert [str(row) for row in AllocationTarget.objects.all()] == ["asset class: 60 %"]


def test_admin_page_shows_a_hundred_findings_at_a_time(portfolio, vera_user):
    client, page = staff(vera_user), f"/admin/portfolios/portfolio/{portfolio.pk}/quality/?on=2024-06-02"
    for number in range(101):
        create_asset(portfolio, f"Asset {number:03}")
    first, last = client.get(page), client.get(f"{page}&page=2")
    assert [len(answer.context["issues"]) for answer in (first, last)] == [100, 1]
    assertContains(first, 'href="?on=2024-06-02&amp;page=2"')
    assertContains(last, "2 / 2")
    names = {row[0].name for answer in (first, last) for row in answer.context["issues"]}
    assert len(names) == 101
    assert client.get(f"{page}&page=x").context["page"].number == 1
