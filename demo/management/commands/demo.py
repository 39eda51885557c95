"""demo: creates a demo household, and a user who can log in; removes both."""

from __future__ import annotations

import secrets
from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from assets.models import ExchangeRate
from assets.rates import readers, store, writer
from demo import examples, rates
from demo import household as demo
from demo.ids import Row, fixed_id
from portfolios.models import Household
from portfolios.services.households import delete_household
from strata.accounts.models import User
from strata.accounts.services import delete_user
from strata.audit import actor
from strata.commands import StrataCommand
from strata.fields.dates import local_day
from strata.fields.names import name_key

USERNAME = "demo"


class Command(StrataCommand):
    help = (
        "Create the household 'Demo' with two years of values, and the user 'demo' with a password that is shown once. "
        "Loads the exchange rates if there are none, and adds invented ones for the days up to today, which only a "
        "demo household is valued at. --remove deletes the household with all that is in it, and the user unless they "
        "are in another one."
    )
    examples = ("demo", "demo --if-empty --password a-long-enough-one", "demo --remove")
    writes = True
    finishes_deletions = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--if-empty", action="store_true", help="Do nothing when there is any household.")
        action = parser.add_mutually_exclusive_group()
        action.add_argument("--password", help="The demo user's password (default: a random one).")
        action.add_argument("--remove", action="store_true", help="Remove what this command made.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["remove"]:
            self.remove(dry_run=options["dry_run"])
            return
        if options["if_empty"] and Household.objects.exists():
            self.say("There is a household already: nothing to do.")
            return
        if first_demo().exists():
            raise CommandError("The demo household is there already.")
        today = local_day(timezone.now(), demo.ZONE)
        user, password, counts = self.in_transaction(lambda: self.build(today, options))
        if options["dry_run"]:
            self.say(f"Would make the household {demo.NAME} with {counts}.")
            return
        self.say(f"Made the household {demo.NAME} with {counts}.")
        self.stdout.write(f"Username: {user.get_username()}\nPassword: {password or '(unchanged)'}")

    def build(self, today: date, options: dict[str, Any]) -> tuple[User, str | None, str]:
        """The user, the password to show, and what was created. A dry run rolls all of it back."""
        added = self.fill_rates(today)
        user, password = self.demo_user(options["password"])
        with actor.acting(user=user, channel=f"command:{self.name}", request_id=examples.REQUEST_ID):
            household = demo.build(user, today, with_fixed_ids=True)
            examples.make_examples(household, user, demo.month_days(today)[0])
        counts = f"{household.portfolios.get().assets.count()} assets and {added:,} exchange rates"
        if options["dry_run"]:
            transaction.set_rollback(True)
        return user, password, counts

    # --- remove ---

    def remove(self, *, dry_run: bool) -> None:
        removed = self.in_transaction(lambda: self.delete_demo(dry_run=dry_run))
        if not removed:
            self.say("There is no demo.")
            return
        self.say(f"{'Would remove' if dry_run else 'Removed'} {' and '.join(removed)}.")

    def delete_demo(self, *, dry_run: bool) -> list[str]:
        """What was deleted; empty where there is no demo. A dry run rolls it back."""
        household = first_demo().first()
        if household is None:
            return []
        user = (
            get_user_model()
            .objects.filter(username_key=name_key(USERNAME), memberships__household=household)
            .first()
        )
        delete_household(household.pk)
        removed = [f"the household {household.name}"]
        if user is not None and not user.memberships.exists():
            delete_user(user.pk)
            removed.append(f"the user {user.username}")
        if dry_run:
            transaction.set_rollback(True)
        return removed

    # --- what is made ---

    def fill_rates(self, today: date) -> int:
        added = 0
        if not store.daily_rates().filter(source=ExchangeRate.Source.ECB).exists():
            quotes, source = readers.quotes_in(readers.shipped_file())
            progress = self.progress("Rates", len(quotes))
            added = writer.add_rates(quotes, source, advance=progress.advance)
            progress.end()
        return added + rates.fill_with_demo_rates(today)

    def demo_user(self, password: str | None) -> tuple[User, str | None]:
        """The user, and the password to show; an existing user keeps the password, which is then None here."""
        users = get_user_model()
        if user := users.objects.filter(username_key=name_key(USERNAME)).first():
            if password:
                raise CommandError(
                    "The user 'demo' is there already, and keeps its password: leave --password out."
                )
            return user, None
        user = users(username=USERNAME, is_staff=True)
        if password is not None and getattr(settings, "PRODUCTION", False):
            self.require_strong(password, user)
        password = secrets.token_urlsafe(12) if password is None else password
        user.set_password(password)
        user.save()
        return user, password

    def require_strong(self, password: str, user: User) -> None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise CommandError(f"--password: {' '.join(error.messages)}") from None


def first_demo() -> QuerySet[Household]:
    """The household that this command made, whatever it is called now."""
    return Household.objects.filter(pk=fixed_id(Row.HOUSEHOLD), is_demo=True)
