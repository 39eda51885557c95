"""create_token: creates a token for a program, and shows it once."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.utils import timezone

from strata.accounts.models import ApiToken
from strata.commands import StrataCommand, positive


class Command(StrataCommand):
    help = "Create an API token for a user. The secret is written to standard output once; only its hash is stored."
    examples = (
        "create_token alice --name backup-script --scope read --days 90",
        'create_token alice > token.txt && curl -H "Authorization: Bearer $(cat token.txt)" localhost:8000/api/v1/me',
    )
    writes = True

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("username")
        parser.add_argument("--name", default="", help="What the token is for.")
        parser.add_argument("--scope", choices=ApiToken.Scope.values, default=ApiToken.Scope.WRITE)
        parser.add_argument(
            "--days", type=positive, help="How long the token is valid (default: until it is revoked)."
        )

    def act(self, **options):
        user = self.active_user(options["username"])
        days = options["days"]
        try:
            expires_at = timezone.now() + timedelta(days=days) if days else None
            ApiToken._meta.get_field("name").clean(options["name"], None)
        except OverflowError:
            raise CommandError("--days is beyond the end of the calendar.") from None
        except ValidationError as error:
            raise CommandError(f"--name: {' '.join(error.messages)}") from None
        if options["dry_run"]:
            self.say(f"Would make a {options['scope']} token for {user.get_username()}.", options)
            return
        given = {"name": options["name"], "scope": options["scope"], "expires_at": expires_at}
        _, secret = self.in_transaction(lambda: ApiToken.issue(user, **given))
        self.stdout.write(secret)

    def active_user(self, username: str):
        users = get_user_model()
        try:
            user = users.objects.get_by_natural_key(username)
        except users.DoesNotExist:
            raise CommandError(f"There is no user {username!r}.") from None
        if not user.is_active:
            raise CommandError(f"The user {username!r} is disabled.")
        return user
