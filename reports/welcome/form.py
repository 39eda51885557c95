"""What the page asks for: the household, and a row for each thing; filled in, or as it was typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from babel import Locale, UnknownLocaleError
from babel.numbers import get_territory_currencies
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import cached_property
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header

from assets.services.first_household import (
    FirstPortfolio,
    NewThing,
    first_household_of,
    first_portfolio_of,
)
from portfolios.models import Household, Portfolio
from portfolios.models.portfolio import default_time_zone
from portfolios.services.households import name_of_first_household
from reports.welcome.rows import FIELDS, Row
from reports.welcome.tiles import TILES, Tile, tile_codes
from strata.accounts.models import User
from strata.fields.currencies import currency_names
from strata.tenancy.roles import OWNER, role_in

MOST_ROWS = 20  # of one tile
DEFAULT_CURRENCY = "EUR"
ROW = re.compile(r"([A-Z_]+)\.([0-9]{1,2})\.name", re.ASCII)
MODELS: dict[str, Any] = {"household": (Household, "name"), "currency": (Portfolio, "base_currency")}
MODELS["time_zone"] = (Portfolio, "time_zone")


class WelcomeForm:
    """`posted` is what was typed, None where the page is opened."""

    def __init__(self, user: User, accept_language: str, posted: QueryDict | None = None) -> None:
        self.user, self.posted = user, posted
        self.accept_language = accept_language
        self.errors: dict[str, str] = {}
        self.refusal = ""

    # --- what is filled in ---

    @cached_property
    def existing_household(self) -> Household | None:
        return first_household_of(self.user)

    @cached_property
    def existing_portfolio(self) -> Portfolio | None:
        household = self.existing_household
        return first_portfolio_of(household) if household else None

    @cached_property
    def may_rename(self) -> bool:
        household = self.existing_household
        return household is None or role_in(self.user, household.pk) == OWNER

    @cached_property
    def initial(self) -> dict[str, str]:
        household, portfolio = self.existing_household, self.existing_portfolio
        return {
            "household": household.name if household else name_of_first_household(self.user),
            "currency": portfolio.base_currency if portfolio else currency_of(self.accept_language),
            "time_zone": portfolio.time_zone if portfolio else default_time_zone(),
        }

    @cached_property
    def typed(self) -> Mapping[str, str]:
        if self.posted is None:
            return self.initial
        return {name: self.posted.get(name, "") for name in self.initial}

    # --- what the template shows ---

    @property
    def takes_zone_of_browser(self) -> bool:
        """Where nobody has chosen one yet."""
        return self.posted is None and self.existing_portfolio is None

    @property
    def settings(self) -> list[dict[str, Any]]:
        labels = {
            "household": _("Household"),
            "currency": _("Reporting currency"),
            "time_zone": _("Time zone"),
        }
        return [
            {"name": name, "label": label, "text": self.typed[name], "error": self.errors.get(name, "")}
            for name, label in labels.items()
        ]

    @property
    def currencies(self) -> dict[str, str]:
        return currency_names(get_language() or "en")

    @property
    def time_zones(self) -> list[str]:
        return sorted(zone for zone in available_timezones() if "/" in zone or zone == "UTC")

    @cached_property
    def tiles(self) -> list[dict[str, Any]]:
        return [
            {"tile": tile, "is_ticked": tile.code in self.ticked, "rows": self.rows_of(tile)}
            for tile in TILES
        ]

    # --- what was typed ---

    @cached_property
    def ticked(self) -> set[str]:
        """Without JavaScript every tile is open: one with a value counts as ticked."""
        if self.posted is None:
            return set()
        valued = {
            tile.code
            for tile in TILES
            for number in self.numbers(tile)
            if self.text(tile, number, "value").strip()
        }
        return tile_codes(self.posted.getlist("tile")) | valued

    def numbers(self, tile: Tile) -> list[int]:
        """The rows of the tile that were posted."""
        matches = (ROW.fullmatch(name) for name in self.posted or ())
        numbers = {int(match[2]) for match in matches if match and match[1] == tile.code}
        return sorted(number for number in numbers if number < MOST_ROWS) or [0]

    def text(self, tile: Tile, number: int, name: str) -> str:
        default = {"name": str(tile.label), "value": "", "currency": self.typed["currency"]}[name]
        return default if self.posted is None else self.posted.get(f"{tile.code}.{number}.{name}", default)

    def rows_of(self, tile: Tile) -> list[Row]:
        return [
            Row(
                tile,
                number,
                {name: self.text(tile, number, name) for name in FIELDS},
                "" if self.posted is None else self.posted.get(f"{tile.code}.{number}.reading", ""),
            )
            for number in self.numbers(tile)
        ]

    # --- checking ---

    def settings_are_valid(self) -> bool:
        self.cleaned = {name: self.cleaned_setting(name) for name in self.initial}
        return not self.errors

    def is_valid(self) -> bool:
        self.settings_are_valid()
        for row in self.ticked_rows():
            row.clean()
        if not self.ticked:
            self.refusal = _("Tick at least one thing that you own or owe.")
        elif self.errors or any(row.errors for row in self.ticked_rows()):
            self.refusal = _("Nothing was created yet. Please correct what is marked below.")
        return not self.refusal

    def cleaned_setting(self, name: str) -> str:
        model, column = MODELS[name]
        try:
            text: str = model._meta.get_field(column).clean(self.typed[name].strip(), None)
        except ValidationError as error:
            self.errors[name] = " ".join(error.messages)
            return ""
        return text

    def ticked_rows(self) -> list[Row]:
        return [row for tile in self.tiles if tile["is_ticked"] for row in tile["rows"]]

    @property
    def portfolio(self) -> FirstPortfolio:
        return FirstPortfolio(_("Everything"), self.cleaned["currency"], self.cleaned["time_zone"])

    @property
    def things(self) -> list[NewThing]:
        return [row.thing for row in self.ticked_rows() if row.thing]


def currency_of(accept_language: str) -> str:
    """The currency of the country that the browser names, such as de-CH; the euro where it names none."""
    for tag, _quality in parse_accept_lang_header(accept_language):
        try:
            territory = Locale.parse(tag, sep="-").territory
        except (UnknownLocaleError, ValueError):
            continue
        if territory and (currencies := get_territory_currencies(territory)):
            return str(currencies[0])
    return DEFAULT_CURRENCY
