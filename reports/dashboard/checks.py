"""The data checks of the last day: that all values are up to date, or the first findings and where to find the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import ngettext

from assets.valuation import SeriesReader
from portfolios.models import Portfolio
from reports.queries import QualityIssue, current_asset_count, quality_issues
from reports.rendering.findings import finding_text

MOST_ISSUES = 8


def data_checks(
    portfolios: Sequence[Portfolio], *, on: date, currency: str, user: Any, read_series: SeriesReader
) -> dict[str, Any]:
    issues = quality_issues(portfolios, on=on, currency=currency, linked=MOST_ISSUES, read_series=read_series)
    return {
        "shown": [issue_row(issue, user) for issue in issues[:MOST_ISSUES]],
        "more": len(issues[MOST_ISSUES:]),
        "pages": pages_of(issues, portfolios, on),
        "up_to_date": "" if issues else up_to_date(current_asset_count(portfolios, on)),
    }


def issue_row(issue: QualityIssue, user: Any) -> dict[str, Any]:
    return {
        "name": issue.name,
        "link": issue.admin_link_for(user),
        "is_problem": issue.finding.severity == "warning",
        "text": finding_text(issue),
    }


def up_to_date(count: int) -> str:
    text = ngettext("The only value is up to date.", "All %(count)s values are up to date.", count)
    return text % {"count": count}


def pages_of(
    issues: Sequence[QualityIssue], portfolios: Sequence[Portfolio], on: date
) -> list[tuple[str, str, int]]:
    """(portfolio, the page with all its findings, their number)."""
    counts = Counter(issue.portfolio for issue in issues)
    return [
        (portfolio.name, quality_page(portfolio, on), counts[portfolio.pk])
        for portfolio in portfolios
        if counts[portfolio.pk]
    ]


def quality_page(portfolio: Portfolio, on: date) -> str:
    return f"{reverse('admin:portfolios_portfolio_quality', args=[portfolio.pk])}?on={on}"
