"""networth: draws net worth over time in the terminal, with a table."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError

from portfolios.models import Portfolio
from reports.calculations.intervals import INTERVALS
from reports.management.drawing import DrawingCommand
from reports.queries import NetWorthSeries, ReportTooLarge, net_worth_history
from reports.rendering.terminal import UNICODE, chart, gaps, table
from strata.text import short


class Command(DrawingCommand):
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
        parser.add_argument("--interval", choices=INTERVALS, default="month", help="Default: month.")

    def handle(self, *args, **options):
        portfolios = self.portfolios(options)
        series = self.series(portfolios, options)
        width, height = self.size()
        names = short(", ".join(portfolio.name for portfolio in portfolios), max(20, width - 20))
        self.write_parts(
            (
                f"Net worth in {series.currency}: {names}",
                chart(
                    series.points,
                    width=width,
                    height=height,
                    colour=self.in_colour(options),
                    unicode=self.can_write(UNICODE),
                ),
                table(series.points, width=width),
                gaps(series.points),
            )
        )

    def series(self, portfolios: list[Portfolio], options: dict[str, Any]) -> NetWorthSeries:
        try:
            return net_worth_history(
                portfolios,
                start=options["start"],
                end=options["end"],
                interval=options["interval"],
                currency=self.currency(options),
            )
        except ReportTooLarge as error:
            raise CommandError(f"--{error.field}: {error}") from None
