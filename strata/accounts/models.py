"""The tables of users, of their API tokens, and of the attempts to log in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import DatabaseError, InterfaceError, connection, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from strata.audit.field_log import FieldLogged, FieldLoggedQuerySet
from strata.db.collation import CodeField
from strata.db.standby.primary import primary
from strata.fields.date_formats import DateFormat
from strata.fields.ids import uuid7
from strata.fields.names import KEY_LENGTH, NameField, NameKeyField, name_key
from strata.fields.number_formats import NumberFormat

SECRET_PREFIX = "strata_"  # noqa: S105 - makes a leaked token recognisable
SHOWN = len(SECRET_PREFIX) + 6
NOTED_EVERY = timedelta(hours=1)
BINDING = "sha256$"  # tokens bound with SECRET_KEY, from before decision 0013, have no such prefix


def digest(secret: str) -> str:
    """SHA-256 is enough: the secret has 256 random bits, so there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def binding(user: Any) -> str:
    """A hash of the stored password with its salt: a token is valid as long as this stays (docs/decisions/0013)."""
    return BINDING + hashlib.sha256(user.password.encode()).hexdigest()


def bindings(user: Any) -> tuple[str, str]:
    """The present binding, and the one that earlier versions wrote, which depends on SECRET_KEY."""
    return binding(user), user.get_session_auth_hash()


class ApiToken(FieldLogged):
    logged_fields = ("user_id", "name", "prefix", "scope", "expires_at")

    class Scope(models.TextChoices):
        READ = "read", _("Read only")
        WRITE = "write", _("Read and write")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = NameField(_("name"), blank=True, default="")
    prefix = models.CharField(_("begins with"), max_length=SHOWN, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    password_stamp = models.CharField(max_length=128, editable=False)
    scope = models.CharField(_("scope"), max_length=5, choices=Scope, default=Scope.WRITE)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    is_stale = False  # read from the standby, because the primary is away

    objects = FieldLoggedQuerySet.as_manager()

    class Meta:
        verbose_name, verbose_name_plural = _("API token"), _("API tokens")
        ordering = ("-created_at", "-id")
        base_manager_name = "objects"

    def __str__(self) -> str:
        return f"{self.prefix}… {self.name}".strip()

    def is_valid(self, now: datetime) -> bool:
        """Whether it has not expired, its user is active, and the password is the one it was issued with."""
        alive = self.expires_at is None or now < self.expires_at
        return alive and self.user.is_active and self.password_stamp in bindings(self.user)

    def note_use(self) -> None:
        """Called after the answer to a request with this token. Writes nothing where the database is busy."""
        self._note_when()
        self._bind_again()

    def _note_when(self) -> None:
        """At most once an hour."""
        now = timezone.now()
        if self.last_used_at and now - self.last_used_at < NOTED_EVERY:
            return
        due = Q(last_used_at=None) | Q(last_used_at__lte=now - NOTED_EVERY)
        self._write(due, last_used_at=now)

    def _bind_again(self) -> None:
        """Bind it to the password it was valid with, so that it no longer depends on SECRET_KEY."""
        if not self.password_stamp.startswith(BINDING):
            self._write(Q(password_stamp=self.password_stamp), password_stamp=binding(self.user))

    def _write(self, condition: Q, **values: Any) -> None:
        rows = ApiToken.objects.filter(condition, pk=self.pk).select_for_update(skip_locked=True)
        with (
            suppress(DatabaseError, InterfaceError),
            primary.asked(),
            without_waiting(),
            transaction.atomic(),
        ):
            for pk in rows.values_list("pk", flat=True):
                ApiToken.objects.filter(pk=pk).update(**values)


@contextmanager
def without_waiting() -> Iterator[None]:
    """SQLite gives up at once where somebody else writes. On PostgreSQL a locked row is skipped."""
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


LANGUAGES = [("en", "English"), ("de", "Deutsch")]
NUMBER_FORMATS = [(item.value, item.value) for item in NumberFormat]
DATE_FORMATS = [(item.value, item.value) for item in DateFormat]


def username_key(username: str) -> str:
    return name_key(User.normalize_username(username))


class CaseBlindUserManager(UserManager["User"]):
    def get_queryset(self) -> FieldLoggedQuerySet[User]:
        return FieldLoggedQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username_key=username_key(username or ""))

    def create_superuser(
        self, username: str, email: str | None = None, password: str | None = None, **extra_fields: Any
    ) -> User:
        """Django's createsuperuser skips the validators where the password comes from the environment."""
        if password is not None:
            validate_password(password, self.model(username=username, email=email or ""))
        return super().create_superuser(username, email, password, **extra_fields)


class User(FieldLogged, AbstractUser):
    logged_fields = (
        "username",
        "email",
        "first_name",
        "last_name",
        "is_active",
        "is_staff",
        "is_superuser",
    )
    secret_fields = ("password",)

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    username_key = NameKeyField(source="username")
    # How the user sees the admin and pictures; null: as their browser asks (strata.accounts.preferences).
    language = models.CharField(max_length=8, null=True, blank=True, choices=LANGUAGES)
    number_format = models.CharField(max_length=8, null=True, blank=True, choices=NUMBER_FORMATS)
    date_format = models.CharField(max_length=11, null=True, blank=True, choices=DATE_FORMATS)

    objects: ClassVar[CaseBlindUserManager] = CaseBlindUserManager()

    class Meta(AbstractUser.Meta):
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=("username_key",), name="user_one_for_each_name"),)

    def clean(self) -> None:
        """Forms and commands do not check the constraint of the key, because the key is no field of theirs."""
        super().clean()
        same = type(self).objects.filter(username_key=name_key(self.username))
        if same.exclude(pk=self.pk).exists():
            raise ValidationError({"username": User._meta.get_field("username").error_messages["unique"]})

    def check_password(self, raw_password: str | None) -> bool:
        """When Django stores a stronger hash of the same password, the tokens stay valid."""
        before = bindings(self)
        is_right = super().check_password(raw_password)
        now = binding(self)
        if now not in before:
            self.api_tokens.filter(password_stamp__in=before).update(password_stamp=now)
        return is_right


EVERYWHERE = ""
NO_ADDRESS = "::"  # a client whose proxy does not send its address


class LoginCount(models.Model):
    """One row for each name that was typed, whether a user has it or not, and one for each address that logged in.

    `attempts` are the attempts since the password was last right; they decide who has to wait. An attempt is counted
    before its password is checked, so that parallel attempts cannot get round the limit. `failures` are the wrong
    passwords since the last login; the next login shows them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name_key = CodeField(_("name"), max_length=KEY_LENGTH)
    address = CodeField(
        _("address"), max_length=45, blank=True, default=EVERYWHERE, help_text=_("Empty: all addresses.")
    )
    attempts = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField()
    failures = models.PositiveIntegerField(_("failures since the last login"), default=0)
    last_failure_at = models.DateTimeField(_("last failure"), null=True)
    failures_before_login = models.PositiveIntegerField(_("failures before the last login"), default=0)
    last_login_at = models.DateTimeField(_("last login"), null=True)

    class Meta:
        verbose_name, verbose_name_plural = _("account login"), _("account logins")
        ordering = ("name_key", "address")
        constraints = (
            models.UniqueConstraint(
                fields=("name_key", "address"), name="login_count_one_for_each_name_and_address"
            ),
        )
        indexes = (models.Index(fields=("last_attempt_at",), name="login_count_by_age"),)

    def __str__(self) -> str:
        words = {"name": self.name_key, "address": self.address or gettext("everywhere")}
        return gettext("%(name)s from %(address)s") % words
