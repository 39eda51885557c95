"""create_token: creates a token for a program, and shows it once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from strata.accounts import services
from strata.accounts.models import ApiToken, User
from strata.commands import StrataCommand, positive
from strata.exceptions import Invalid, StrataError


class Command(StrataCommand):
    help = "Create an API token for a user. The secret is written to standard output once; only its hash is stored."
    examples = (
        "create_token alice --name backup-script --scope read --days 90",
        'create_token alice > token.txt && curl -H "Authorization: Bearer $(cat token.txt)" localhost:8000/api/v1/me',
    )
    writes = True

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="What the token is for.")
        parser.add_argument("--scope", choices=ApiToken.Scope.values, default=ApiToken.Scope.WRITE)
        parser.add_argument(
            "--days", type=positive, help="How long the token is valid (default: until it is revoked)."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = user_named(options["username"])
        given = {
            "name": options["name"],
            "scope": options["scope"],
            "expires_at": expiry_after(options["days"]),
        }
        try:
            if options["dry_run"]:
                services.check_token(user, **given)
                self.say(f"Would make a {options['scope']} token for {user.get_username()}.")
                return
            _, secret = self.in_transaction(lambda: services.issue_token(user, **given))
        except Invalid as refused:
            raise CommandError(f"--{refused.field}: {refused.message}") from None
        except StrataError as refused:
            raise CommandError(refused.message) from None
        self.stdout.write(secret)


def user_named(username: str) -> User:
    try:
        return User.objects.get_by_natural_key(username)
    except User.DoesNotExist:
        raise CommandError(f"There is no user {username!r}.") from None


def expiry_after(days: int | None) -> datetime | None:
    try:
        return timezone.now() + timedelta(days=days) if days else None
    except OverflowError:
        raise CommandError("--days is beyond the end of the calendar.") from None
