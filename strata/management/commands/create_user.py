"""create_user: creates a user who may log in."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from strata.accounts import services
from strata.commands import StrataCommand
from strata.exceptions import StrataError


class Command(StrataCommand):
    help = "Create a user. The password is asked for or read from standard input; it is never a command argument."
    examples = (
        "create_user alice --email alice@example.org",
        "create_user alice --staff --password-stdin < password.txt",
    )
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--email", default="")
        parser.add_argument(
            "--staff", action="store_true", help="May use the admin, within their households."
        )
        parser.add_argument(
            "--superuser", action="store_true", help="May see and change everything in the admin."
        )
        parser.add_argument(
            "--password-stdin", action="store_true", help="Read the password from one line of stdin."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        username, is_superuser = options["username"], options["superuser"]
        given = {"email": options["email"], "is_staff": options["staff"], "is_superuser": is_superuser}
        try:
            # A wrong name is refused before a password is asked for.
            user = services.new_user(username, **given)
            password = self.password(from_stdin=options["password_stdin"])
            if options["dry_run"]:
                services.require_strong(password, user)
                self.say(f"Would make the user {user.username}.")
                return
            user = self.in_transaction(lambda: services.create_user(username, password, **given))
        except StrataError as refused:
            raise CommandError(refused.message) from None
        self.say(f"Made the user {user.username}.")

    def password(self, *, from_stdin: bool) -> str:
        if from_stdin:
            return sys.stdin.readline().rstrip("\r\n")
        if not sys.stdin.isatty():
            raise CommandError("There is no terminal to ask for the password: use --password-stdin.")
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise CommandError("The two passwords differ.")
        return password
