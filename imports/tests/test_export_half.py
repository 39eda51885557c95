"""The page "Import and export" links to the files of each portfolio that the user may see."""

from __future__ import annotations

import re

import pytest

from portfolios.models import Portfolio
from portfolios.services.households import create_household
from tests.admin_forms import staff

PAGE = "/admin/import/"


@pytest.mark.parametrize("language", ["en", "de"])
def test_each_portfolio_has_links_that_answer(alice_user, household, portfolio, language):
    Portfolio.objects.create(household=household, name="Second")
    browser = staff(alice_user)
    page = browser.get(PAGE, headers={"accept-language": language}).content.decode()
    links = [
        link.replace("&amp;", "&")
        for link in re.findall(r'href="((?:/api/v1/portfolios|/admin/statement)/[^"]+)"', page)
    ]
    formats = [re.search(r"(?:format|language)=(\w+)", link)[1] for link in links]
    assert formats == ["csv", "xlsx", "beancount", "ghostfolio", language] * 2
    for link in links:
        if "/pdf/" not in link:
            assert browser.get(link).status_code == 200, link


def test_who_may_only_read_may_export(vera_user, portfolio):
    page = staff(vera_user).get(PAGE).content.decode()
    assert f"/api/v1/portfolios/{portfolio.pk}/export?format=csv" in page and "data-import" not in page


def test_others_see_no_links(charlie_user, portfolio):
    own = create_household(charlie_user, "Own")
    mine = Portfolio.objects.create(household=own, name="Own")
    page = staff(charlie_user).get(PAGE).content.decode()
    assert str(mine.pk) in page and str(portfolio.pk) not in page


def test_who_has_no_portfolio_sees_no_empty_table(charlie_user):
    page = staff(charlie_user).get(PAGE).content.decode()
    assert "data-import" in page and "Other programs" not in page
