"""The admin's first page is kept until anything that it shows changes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from assets.models import Asset, ExchangeRate, Tag
from assets.services.labels import label_asset
from portfolios.models import Portfolio
from reports.dashboard.kept import MOST_PAGES, KeptPages
from reports.dashboard.worth import series_for
from reports.models import AllocationTarget
from reports.queries import quality_report
from reports.services.dismissed_findings import dismiss
from reports.tests.dashboard_pages import TODAY, entering, page, worth


def test_kept_page_is_of_one_language_and_one_pair_of_formats(vera_staff, portfolio):
    worth(portfolio, "1000.25", on=TODAY - timedelta(days=300))
    worth(portfolio, "1234.50", on=TODAY - timedelta(days=1))
    english = ("1,234<small>.50 EUR</small>", "(+23.4\N{NO-BREAK SPACE}%)")
    german = ("1.234<small>,50 EUR</small>", "(+23,4\N{NO-BREAK SPACE}%)")
    for language, texts in (("en", english), ("de", german), ("en", english)):
        html = vera_staff.get("/admin/", headers={"accept-language": language}).content.decode()
        assert all(text in html for text in texts), language


def test_page_is_kept_until_anything_that_it_shows_changes(
    vera_staff, alice_user, portfolio, household, monkeypatch
):
    first = TODAY - timedelta(days=20)
    account = worth(portfolio, "100.00", on=first, name="First")
    tag = Tag.objects.create(household=household, name="Old tag")
    label_asset(account.pk, tag_ids=[tag.pk])
    builds = []
    monkeypatch.setattr(
        "reports.dashboard.page.series_for", lambda picker: builds.append(1) or series_for(picker)
    )

    def is_made_again(client=vera_staff, **asked) -> bool:
        before = len(builds)
        page(client, group_by="tag", **asked)
        return len(builds) > before

    assert is_made_again()
    assert not is_made_again()
    assert is_made_again(range="1m"), "another address"
    assert is_made_again(entering(alice_user)), "another user"
    assert not is_made_again()
    for change in (
        lambda: worth(portfolio, "120.00", name="First"),
        lambda: Asset.objects.filter(pk=account.pk).update(name="Renamed"),
        lambda: Portfolio.objects.filter(pk=portfolio.pk).update(name="Renamed"),
        lambda: Tag.objects.filter(pk=tag.pk).update(name="Renamed tag", name_key="renamed tag"),
        lambda: AllocationTarget.objects.create(household=household, tag=tag, share=Decimal("0.5")),
        lambda: ExchangeRate.objects.create(currency="USD", on=TODAY, units_per_euro="1.25"),
        lambda: monkeypatch.setattr(
            "reports.queries.defaults.clock.now", lambda: timezone.now() + timedelta(days=2)
        ),
    ):
        change()
        assert is_made_again(), change
        assert not is_made_again()
    assert "Renamed tag" in page(vera_staff, group_by="tag")["html"]


def test_dismissed_finding_is_gone_from_the_kept_page(alice_user, portfolio):
    worth(portfolio, "100.00", on=TODAY - timedelta(days=300))
    client = entering(alice_user)
    assert "Value is out of date" in page(client)["html"]
    (issue,) = quality_report(portfolio)
    dismiss(portfolio.pk, issue.finding.key, "It sleeps.")
    assert "Value is out of date" not in page(client)["html"]


def test_only_the_last_pages_are_kept():
    pages, built = KeptPages(), []
    for key in [*range(MOST_PAGES + 1), MOST_PAGES, 1, 0]:
        pages.get_or_make(key, lambda key=key: built.append(key) or {})
    assert built == [*range(MOST_PAGES + 1), 0]
