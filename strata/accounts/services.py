"""The only writers of users, their passwords and their API tokens.

A function that changes or deletes a row locks its user first, and then reads the row.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from strata.accounts.models import SECRET_PREFIX, SHOWN, ApiToken, User, binding, digest
from strata.db.errors.uniqueness import is_unique_violation
from strata.db.locks import lock_rows
from strata.exceptions import Conflict, Forbidden, Invalid, NotFound

NAME_TAKEN = _("A user with that username already exists.")


class WeakPassword(Invalid):
    """The password is too easy to guess. `messages` are all the reasons."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("password", " ".join(messages))
        self.messages = messages


# --- users ---


def create_user(
    username: str,
    password: str | None,
    *,
    email: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
    language: str | None = None,
) -> User:
    """A new user. With the password None nobody can log in as the user. Superusers are staff too.

    Raises Invalid for what new_user refuses, WeakPassword, and Conflict if the name was taken a moment ago.
    """
    user = new_user(username, email=email, is_staff=is_staff, is_superuser=is_superuser, language=language)
    set_password(user, password)
    with unique_username():
        user.save(force_insert=True)
    return user


def new_user(
    username: str,
    *,
    email: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
    language: str | None = None,
) -> User:
    """The user that create_user stores: checked, not stored yet, and without a password.

    Raises Invalid for a username that is taken, in whatever spelling, or that no user may have, and for a malformed
    email address.
    """
    user = User(
        username=User.normalize_username(username),
        email=email,
        is_staff=is_staff or is_superuser,
        is_superuser=is_superuser,
        language=language,
    )
    require_valid(user)
    return user


def update_user(
    user_id: UUID, changes: Mapping[str, Any], *, precondition: Callable[[User], None] = lambda user: None
) -> User:
    """Change the name, the email address or the rights of a user. A password is changed by change_password.

    Raises NotFound; Invalid, as new_user does; and Conflict if the name was taken a moment ago.
    """
    with transaction.atomic():
        user = locked_user(user_id)
        precondition(user)
        changed = [name for name, value in changes.items() if getattr(user, name) != value]
        for name in changed:
            setattr(user, name, changes[name])
        if changed:
            require_valid(user)
            with unique_username():
                user.save(update_fields=changed)
    return user


def delete_user(user_id: UUID) -> None:
    """Delete a user with their tokens. Rows that they wrote stay, without an author; the journal keeps the name.

    Only for a user whom a command made: anybody else is disabled instead. Raises NotFound.
    """
    with transaction.atomic():
        locked_user(user_id).delete()


def set_preferences(
    user_id: UUID,
    changes: Mapping[str, str | None],
    *,
    precondition: Callable[[User], None] = lambda user: None,
) -> User:
    """Change the language and the formats. None: as the browser asks. Raises NotFound, and Invalid for no choice."""
    with transaction.atomic():
        user = locked_user(user_id)
        precondition(user)
        changed = [name for name, value in changes.items() if getattr(user, name) != value]
        for name in changed:
            field: Any = User._meta.get_field(name)
            setattr(user, name, checked(name, partial(field.clean, changes[name], user)))
        if changed:
            user.save(update_fields=changed)
    return user


def require_valid(user: User) -> None:
    """Raises Invalid. The field is None where several are at fault."""
    try:
        user.full_clean(exclude=("password",))
    except ValidationError as error:
        fields = list(error.message_dict)
        raise Invalid(fields[0] if len(fields) == 1 else None, " ".join(error.messages)) from None


@contextmanager
def unique_username() -> Iterator[None]:
    """Turns the refusal of the database into a Conflict: another user got the name after it was checked."""
    try:
        yield
    except IntegrityError as error:
        if not is_unique_violation(error, User):
            raise
        raise Conflict("DUPLICATE_NAME", NAME_TAKEN, "username") from error


def locked_user(user_id: UUID) -> User:
    """The user, read after the row is locked. Raises NotFound."""
    lock_rows(User.objects.filter(pk=user_id))
    user: User | None = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound("user")
    return user


# --- passwords ---


def change_password(
    user_id: UUID, password: str | None, *, precondition: Callable[[User], None] = lambda user: None
) -> User:
    """Change the password, and nothing else of the user. This ends all sessions, and deletes all tokens.

    With None nobody can log in as the user. Raises NotFound and WeakPassword. The caller has checked the old password.
    """
    with transaction.atomic():
        user = locked_user(user_id)
        precondition(user)
        set_password(user, password)
        user.save(update_fields=["password"])
        user.api_tokens.all().delete()
    return user


def set_password(user: User, password: str | None) -> None:
    """Set the hash, without saving it. Raises WeakPassword, also for a password that is similar to the username."""
    if password is None:
        user.set_unusable_password()
        return
    require_strong(password, user)
    user.set_password(password)


def require_strong(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(error.messages) from None


# --- tokens ---


def issue_token(
    user: User,
    *,
    name: str = "",
    scope: str = ApiToken.Scope.WRITE,
    expires_at: datetime | None = None,
    secret: str = "",
) -> tuple[ApiToken, str]:
    """A new token and its secret: a random one, or one of secret_from. It is shown only once and is not stored.

    Raises what check_token does. Nothing is locked: a token is valid only with the password that `user` has here, and
    only while its user is active.
    """
    name = check_token(user, name=name, scope=scope, expires_at=expires_at)
    secret = secret or SECRET_PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        user=user,
        name=name,
        scope=scope,
        expires_at=expires_at,
        prefix=secret[:SHOWN],
        digest=digest(secret),
        password_stamp=binding(user),
    )
    return token, secret


def secret_from(text: str) -> str:
    """The secret of a token that a page shows again, where its form is sent again. `text` is random and not stored."""
    code = salted_hmac("strata.token", text, algorithm="sha256").digest()
    return SECRET_PREFIX + urlsafe_b64encode(code).decode().rstrip("=")


def is_issued(secret: str) -> bool:
    return ApiToken.objects.filter(digest=digest(secret)).exists()


def check_token(user: User, *, name: str, scope: str, expires_at: datetime | None) -> str:
    """The name as it will be stored.

    Raises Forbidden for a disabled user, and Invalid for a name or a scope that no token may have and for a time that
    has passed. `expires_at` is aware.
    """
    if not user.is_active:
        raise Forbidden(gettext("The user %(name)s is disabled.") % {"name": repr(user.username)})
    checked("scope", lambda: ApiToken._meta.get_field("scope").clean(scope, None))
    checked("expires_at", lambda: validate_expiry(expires_at))
    cleaned: str = checked("name", lambda: ApiToken._meta.get_field("name").clean(name, None))
    return cleaned


def validate_expiry(expires_at: datetime | None) -> None:
    """Raises ValidationError for a time that has passed. None: the token never expires."""
    if expires_at is not None and expires_at <= timezone.now():
        raise ValidationError(gettext("It is in the past."), code="invalid")


def checked[Value](name: str, check: Callable[[], Value]) -> Value:
    """The result of the check. Its ValidationError becomes an Invalid of the field."""
    try:
        return check()
    except ValidationError as error:
        raise Invalid(name, " ".join(error.messages)) from None


def revoke_token(token_id: UUID, *, precondition: Callable[[ApiToken], None] = lambda token: None) -> None:
    """Delete a token. It is refused from the next request on. Raises NotFound."""
    tokens = ApiToken.objects.filter(pk=token_id)
    with transaction.atomic():
        lock_rows(User.objects.filter(pk__in=tokens.order_by().values("user")))
        token = tokens.first()
        if token is None:
            raise NotFound("token")
        precondition(token)
        token.delete()
