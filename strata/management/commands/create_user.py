"""create_user: creates a user who may log in."""

from __future__ import annotations

import getpass
import sys
from functools import partial

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from strata.commands import StrataCommand


class Command(StrataCommand):
    help = "Create a user. The password is asked for or read from standard input; it is never a command argument."
    examples = (
        "create_user alice --email alice@example.org",
        "create_user alice --staff --password-stdin < password.txt",
    )
    writes = True

    def add_arguments(self, parser):
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

    def act(self, **options):
        users = get_user_model()
        user = users(
            username=users.normalize_username(options["username"]),
            email=options["email"],
            is_staff=options["staff"] or options["superuser"],
            is_superuser=options["superuser"],
        )
        self.validated(lambda: user.full_clean(exclude=("password",)))
        password = self.password(from_stdin=options["password_stdin"])
        self.validated(lambda: validate_password(password, user))
        if options["dry_run"]:
            self.say(f"Would make the user {user.username}.", options)
            return
        user.set_password(password)
        self.in_transaction(partial(self.make, user))
        self.say(f"Made the user {user.username}.", options)

    def make(self, user) -> None:
        user._state.adding = True  # again, after an attempt that was rolled back
        user.save()

    def validated(self, check) -> None:
        try:
            check()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None

    def password(self, *, from_stdin: bool) -> str:
        if from_stdin:
            return sys.stdin.readline().rstrip("\r\n")
        if not sys.stdin.isatty():
            raise CommandError("There is no terminal to ask for the password: use --password-stdin.")
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            raise CommandError("The two passwords differ.")
        return password
