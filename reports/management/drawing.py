"""The base of the commands that draw reports in the terminal: whose portfolios, and what the terminal can show."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db.models import QuerySet

from portfolios.models import Portfolio
from reports.queries import latest_today, with_demo_mark, without_demo
from strata.commands import StrataCommand, calendar_day
from strata.fields.currencies import validate_currency
from strata.fields.names import name_key

MOST_LINES = 24


class DrawingCommand(StrataCommand):
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
        parser.add_argument("--currency", metavar="EUR", help="Default: the portfolios' own, or the euro.")

    # --- what is drawn ---

    def portfolios(self, options: dict[str, Any]) -> list[Portfolio]:
        """Those that are asked for. Refuses days in the wrong order."""
        portfolios = self.chosen(self.visible_portfolios(options["user"]), options["portfolio"])
        start, end = options["start"], options["end"]
        if start and start > (end or latest_today(portfolios)):
            raise CommandError("--start lies after --end.")
        return portfolios

    def currency(self, options: dict[str, Any]) -> str | None:
        try:
            return validate_currency(options["currency"]) if options["currency"] else None
        except ValidationError as error:
            raise CommandError(f"--currency: {error.messages[0]}") from None

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

    def size(self) -> tuple[int, int]:
        """Columns, and the lines of a chart."""
        width, height = shutil.get_terminal_size((80, MOST_LINES))
        return width, min(height - 4, MOST_LINES)

    def write_parts(self, parts: Iterable[str]) -> None:
        for part in filter(None, parts):
            self.stdout.write(part if self.can_write(part) else self.replaced(part))


def is_called(portfolio: Portfolio, name: str) -> bool:
    return name_key(name) == portfolio.name_key or name.casefold().strip() == str(portfolio.pk)
