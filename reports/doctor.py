"""doctor's checks of reports: the fonts of pictures, lots and gains, and the findings about values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.urls import reverse

from assets.doctor import shown_portfolios
from investments.queries.conservation import faults_of_all_lots
from portfolios.models import Portfolio
from reports.queries import QualityIssue, quality_report
from reports.rendering import fonts
from strata.doctor import Level, examines
from strata.text import short

SHOWN = 20  # at most so many portfolios, and findings of each
NAME_SHOWN = 60


@examines("fonts")
def fonts_of_the_pictures() -> Iterator[tuple[Level, str]]:
    if family := fonts.cjk_family():
        yield Level.OK, f"pictures have {fonts.OWN} and {family}"
    else:
        yield Level.WARN, f"none for Chinese, Japanese and Korean: PNGs show boxes. {fonts.ADVICE}"


@examines("lots")
def lots_lose_and_make_nothing() -> Iterator[tuple[Level, str]]:
    """Lots and gains by every method, beside what was paid and received. They are not stored."""
    count = 0
    for count, fault in enumerate(faults_of_all_lots(), start=1):
        if count <= SHOWN:
            yield Level.FAIL, f"asset {fault.asset_id}, {fault.method}: {fault.about}"
    if count > SHOWN:
        yield Level.FAIL, f"and {count - SHOWN} more"
    if not count:
        yield Level.OK, "by every method, they are what was paid and received"


@examines("values")
def values_to_look_at() -> Iterator[tuple[Level, str]]:
    """The first warnings of the first portfolios that have any, with the admin's pages where they can be fixed.

    Notes are left out. A note may well be right, such as a credit card with a credit; the portfolio's page shows it.
    """
    doubtful = 0
    for portfolio in shown_portfolios().iterator(chunk_size=500):
        issues = [issue for issue in quality_report(portfolio) if issue.finding.severity == "warning"]
        doubtful += bool(issues)
        if issues and doubtful <= SHOWN:
            yield from ((Level.WARN, line) for line in findings_of(portfolio, issues))
    if doubtful > SHOWN:
        yield Level.WARN, f"and {doubtful - SHOWN} more portfolios"
    if not doubtful:
        yield Level.OK, "no data checks"


def findings_of(portfolio: Portfolio, issues: Sequence[QualityIssue]) -> Iterator[str]:
    name = short(portfolio.name, NAME_SHOWN)
    page = reverse("admin:portfolios_portfolio_quality", args=[portfolio.pk])
    counted = "1 data check" if len(issues) == 1 else f"{len(issues)} data checks"
    yield f"{name}: {counted}: {page}"
    for issue in issues[:SHOWN]:
        finding = issue.finding
        about = f"{name}: {short(issue.name, NAME_SHOWN)}: {finding.code}"
        yield f"{about}: {finding.message} {issue.admin_link}"
    if more := issues[SHOWN:]:
        yield f"{name}: and {len(more)} more"
