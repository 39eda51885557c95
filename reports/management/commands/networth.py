"""networth: draws net worth over time in the terminal, with a table."""

from __future__ import annotations

import os
import shutil
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db.models import QuerySet

from portfolios.models import Portfolio
from reports.calculations.intervals import INTERVALS
from reports.queries import (
    NetWorthSeries,
    ReportTooLarge,
    latest_today,
    net_worth_history,
    with_demo_mark,
    without_demo,
)
from reports.rendering.terminal import chart, gaps, table
from strata.commands import StrataCommand, calendar_day
from strata.fields.currencies import validate_currency
from strata.fields.names import name_key
from strata.text import short

MOST_LINES = 24


class Command(StrataCommand):
    help = (
        "Draw net worth over time, and list it. With --user for the portfolios that this user may see; without it "
        "there must be only one household. Nothing is written to the database. In a pipe the output has no colours and "
        "is 80 columns wide; COLUMNS sets another width."
    )
    examples = (
        "networth",
        "networth --user alice --start 2025-01-01 --interval week --currency USD",
        'networth --portfolio "Everything we have" --interval year | less',
    )

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--user", metavar="NAME", help="Whose portfolios.")
        parser.add_argument(
            "--portfolio",
            metavar="NAME",
            action="append",
            help="Only this one, by name or id; may be repeated.",
        )
        parser.add_argument(
            "--start", type=calendar_day, metavar="YYYY-MM-DD", help="Default: the first value's day."
        )
        parser.add_argument("--end", type=calendar_day, metavar="YYYY-MM-DD", help="Default: today.")
        parser.add_argument("--interval", choices=INTERVALS, default="month", help="Default: month.")
        parser.add_argument("--currency", metavar="EUR", help="Default: the portfolios' own, or the euro.")

    def handle(self, *args, **options):
        portfolios = self.chosen(self.visible_portfolios(options["user"]), options["portfolio"])
        series = self.series(portfolios, options)
        width, height = shutil.get_terminal_size((80, MOST_LINES))
        unicode = self.can_write("⣀•│")
        names = short(", ".join(portfolio.name for portfolio in portfolios), max(20, width - 20))
        parts = (
            f"Net worth in {series.currency}: {names}",
            chart(
                series.points,
                width=width,
                height=min(height - 4, MOST_LINES),
                colour=self.in_colour(options),
                unicode=unicode,
            ),
            table(series.points, width=width),
            gaps(series.points),
        )
        for part in filter(None, parts):
            self.stdout.write(part if self.can_write(part) else self.replaced(part))

    # --- what is drawn ---

    def visible_portfolios(self, username: str | None) -> QuerySet[Portfolio]:
        """The user's portfolios; without a user those of the only household."""
        rows = Portfolio.objects.order_by("name_key", "id")
        if username is None:
            if len(set(rows.order_by().values_list("household", flat=True).distinct()[:2])) > 1:
                raise CommandError("There are several households: say whose with --user.")
            return rows
        users = get_user_model()
        try:
            return rows.for_user(users.objects.get_by_natural_key(username))
        except users.DoesNotExist:
            raise CommandError(f"There is no user {username!r}.") from None

    def chosen(self, rows: QuerySet[Portfolio], names: list[str] | None) -> list[Portfolio]:
        portfolios = list(rows) if names else without_demo(with_demo_mark(rows))
        if not portfolios:
            raise CommandError("There is no portfolio.")
        for name in names or ():
            if not any(is_called(portfolio, name) for portfolio in portfolios):
                raise CommandError(f"There is no portfolio {name!r}.")
        return [p for p in portfolios if not names or any(is_called(p, name) for name in names)]

    def series(self, portfolios: list[Portfolio], options: dict[str, Any]) -> NetWorthSeries:
        start, end = options["start"], options["end"]
        if start and start > (end or latest_today(portfolios)):
            raise CommandError("--start lies after --end.")
        try:
            currency = validate_currency(options["currency"]) if options["currency"] else None
            return net_worth_history(
                portfolios, start=start, end=end, interval=options["interval"], currency=currency
            )
        except ValidationError as error:
            raise CommandError(f"--currency: {error.messages[0]}") from None
        except ReportTooLarge as error:
            raise CommandError(f"--{error.field}: {error}") from None

    # --- what the terminal can show ---

    def in_colour(self, options: dict[str, Any]) -> bool:
        if options["no_color"] or options["force_color"]:
            return options["force_color"]
        return self.stdout.isatty() and not os.environ.get("NO_COLOR")

    def can_write(self, text: str) -> bool:
        return text == self.replaced(text)

    def replaced(self, text: str) -> str:
        """The text with a question mark for each character that the terminal's encoding lacks."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        return text.encode(encoding, "replace").decode(encoding)


def is_called(portfolio: Portfolio, name: str) -> bool:
    return name_key(name) == portfolio.name_key or name.casefold().strip() == str(portfolio.pk)
