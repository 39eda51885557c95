"""ApiToken: a secret for programs. Only its hash is kept; it ends when the user's password changes."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, models, transaction
from django.db.models import Q
from django.utils import timezone

from strata.ids import uuid7
from strata.models.traced import Traced, TracedQuerySet
from strata.names import NameField

SECRET_PREFIX = "strata_"  # noqa: S105 - what makes a leaked token recognisable
SHOWN = len(SECRET_PREFIX) + 6
NOTED_EVERY = timedelta(hours=1)
BINDING = "sha256$"  # what was bound with SECRET_KEY, before 0013, has no such prefix


def digest(secret: str) -> str:
    """SHA-256 is enough: the secret has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def binding(user: Any) -> str:
    """What a token is valid for: the password as it is stored, salt and all, and nothing else (docs/decisions/0013)."""
    return BINDING + hashlib.sha256(user.password.encode()).hexdigest()


def bindings(user: Any) -> tuple[str, str]:
    """The present one, and the one that earlier versions wrote, which SECRET_KEY is part of."""
    return binding(user), user.get_session_auth_hash()


class ApiToken(Traced):
    traced_fields = ("user_id", "name", "prefix", "scope", "expires_at")

    class Scope(models.TextChoices):
        READ = "read"
        WRITE = "write"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = NameField(blank=True, default="")
    prefix = models.CharField(max_length=SHOWN, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    password_stamp = models.CharField(max_length=128, editable=False)
    scope = models.CharField(max_length=5, choices=Scope, default=Scope.WRITE)
    expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)

    objects = TracedQuerySet.as_manager()

    class Meta:
        verbose_name = "API token"
        ordering = ("-created_at", "-id")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}".strip()

    @classmethod
    def issue(cls, user, *, name: str = "", scope: str = Scope.WRITE, expires_at: datetime | None = None):
        """A new token and its secret, which is shown this once and kept nowhere."""
        secret = SECRET_PREFIX + secrets.token_urlsafe(32)
        token = cls.objects.create(
            user=user,
            name=name,
            scope=scope,
            expires_at=expires_at,
            prefix=secret[:SHOWN],
            digest=digest(secret),
            password_stamp=binding(user),
        )
        return token, secret

    def is_valid(self, now: datetime) -> bool:
        """Not past its time, its user active and with the password that was in force when it was issued."""
        alive = self.expires_at is None or now < self.expires_at
        return alive and self.user.is_active and self.password_stamp in bindings(self.user)

    def note_use(self) -> None:
        """What is written when a request with it has been answered; another time where the database is busy."""
        self._note_when()
        self._bind_again()

    def _note_when(self) -> None:
        """Once an hour."""
        now = timezone.now()
        if self.last_used_at and now - self.last_used_at < NOTED_EVERY:
            return
        due = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
        self._write(due, last_used_at=now)

    def _bind_again(self) -> None:
        """From then on it is valid whatever SECRET_KEY is. Bound to the password that it was found valid with."""
        if not self.password_stamp.startswith(BINDING):
            self._write(Q(password_stamp=self.password_stamp), password_stamp=binding(self.user))

    def _write(self, condition: Q, **values: Any) -> None:
        rows = ApiToken.objects.filter(condition, pk=self.pk).select_for_update(skip_locked=True)
        with suppress(DatabaseError, InterfaceError), without_waiting(), transaction.atomic():
            for pk in rows.values_list("pk", flat=True):
                ApiToken.objects.filter(pk=pk).update(**values)


@contextmanager
def without_waiting() -> Iterator[None]:
    """SQLite gives up at once where somebody else writes. On PostgreSQL a row that is locked is passed over."""
    if connection.vendor != "sqlite":
        yield
        return
    connection.ensure_connection()
    sqlite = connection.connection
    usual = sqlite.execute("PRAGMA busy_timeout").fetchone()[0]
    try:
        sqlite.execute("PRAGMA busy_timeout = 0")
        yield
    finally:
        sqlite.execute(f"PRAGMA busy_timeout = {usual}")  # nosemgrep: no-raw-sql - PRAGMA takes no parameter
