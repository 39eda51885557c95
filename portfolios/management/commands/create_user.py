"""create_user: creates a user of the admin and the API, and a household that the user owns."""

from __future__ import annotations

import getpass
import sys
from argparse import SUPPRESS
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from portfolios.models import Household
from portfolios.services.households import create_household, name_of_first_household
from strata.accounts import services
from strata.accounts.models import LANGUAGES, User
from strata.commands import StrataCommand
from strata.exceptions import StrataError


class Command(StrataCommand):
    help = (
        "Create a user of the admin and the API, and a household that the user owns. The password is asked for or read "
        "from standard input; it is never a command argument."
    )
    examples = (
        "create_user alice --email alice@example.org",
        'create_user alice --household "Lindenstrasse 4"',
        "create_user anna --language de",
        "create_user backup --api-only --no-household --password-stdin < password.txt",
    )
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--language",
            choices=[code for code, _name in LANGUAGES],
            help="The language of the user and of what the household begins with (default: the browser's, English).",
        )
        rights = parser.add_mutually_exclusive_group()
        rights.add_argument("--api-only", action="store_true", help="May use the API, but not the admin.")
        rights.add_argument(
            "--superuser", action="store_true", help="May see and change everything in the admin."
        )
        rights.add_argument("--staff", action="store_true", help=SUPPRESS)  # what every user is by now
        household = parser.add_mutually_exclusive_group()
        household.add_argument(
            "--household", metavar="NAME", help="The household's name (default: \"USER's household\")."
        )
        household.add_argument(
            "--no-household",
            action="store_true",
            help="Make none, for a user who will join another's: the first write through the API makes one.",
        )
        parser.add_argument(
            "--password-stdin", action="store_true", help="Read the password from one line of stdin."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username = options["username"]
        given = {name: options[name] for name in ("email", "language")}
        given |= {"is_staff": not options["api_only"], "is_superuser": options["superuser"]}
        try:
            # A wrong name is refused before a password is asked for.
            user = services.new_user(username, **given)
            household_name = self.household_name(user, options)
            password = self.password(from_stdin=options["password_stdin"])
            if options["dry_run"]:
                services.require_strong(password, user)
                self.say(f"Would make {what_is_made(user, household_name)}.")
                return
            user = self.in_transaction(lambda: create_user(username, password, household_name, given))
        except StrataError as refused:
            raise CommandError(refused.message) from None
        self.say(f"Made {what_is_made(user, household_name)}.")

    def household_name(self, user: User, options: dict[str, Any]) -> str | None:
        """As it will be stored; None where no household is made."""
        if options["no_household"]:
            return None
        if options["household"] is None:
            return name_of_first_household(user)
        try:
            name: str = Household._meta.get_field("name").clean(options["household"], None)
        except ValidationError as error:
            raise CommandError(f"--household: {' '.join(error.messages)}") from None
        return name

    def password(self, *, from_stdin: bool) -> str:
        if from_stdin:
            return sys.stdin.readline().rstrip("\r\n")
        if not sys.stdin.isatty():
            raise CommandError("There is no terminal to ask for the password: use --password-stdin.")
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise CommandError("The two passwords differ.")
        return password


def create_user(username: str, password: str, household_name: str | None, columns: dict[str, Any]) -> User:
    user = services.create_user(username, password, **columns)
    if household_name is not None:
        create_household(user, household_name)
    return user


def what_is_made(user: User, household_name: str | None) -> str:
    text = f"the user {user.username}"
    return text if household_name is None else f"{text} and the household {household_name}"
