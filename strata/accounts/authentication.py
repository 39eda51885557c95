"""Authentication by a bearer token or by the browser's session, and the scope of a token. No basic auth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.middleware import get_user
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions, permissions
from rest_framework.request import Request

from strata.accounts.models import SECRET_PREFIX, ApiToken, User, digest
from strata.api.errors import APIError
from strata.api.http.throttles import address_of, count_refused
from strata.db.backends.first_reads import first_read
from strata.db.errors.outages import is_lost
from strata.db.prepared import Prepared
from strata.db.standby.primary import primary
from strata.db.standby.reading import WrittenTo, is_configured, reading_from_standby

if TYPE_CHECKING:  # DRF imports this module before it has made its own classes
    from drf_spectacular.openapi import AutoSchema
    from rest_framework.views import APIView

LONGEST = 200


def _tokens(digest: str) -> QuerySet[ApiToken]:
    tokens = ApiToken.objects.select_related("user").filter(digest=digest).order_by()[:1]
    return tokens.annotate(written_to=WrittenTo()) if is_configured() else tokens


TOKEN = Prepared(_tokens, str)


def look_up(digest: str) -> ApiToken | None:
    return first_read(connections[DEFAULT_DB_ALIAS], lambda: TOKEN.first(digest))


def token_by_digest(digest: str, *, only_reads: bool) -> ApiToken | None:
    """The token. With a standby it has what strata.api.replica_reads needs to know: `written_to`, and whether the
    primary is away. Then a read gets it from the standby.
    """
    try:
        with primary.asked():
            return look_up(digest)
    except (DatabaseError, InterfaceError) as error:
        if not (only_reads and is_configured() and is_lost(error)):
            raise
    with reading_from_standby():
        token = look_up(digest)
    if token is not None:
        token.is_stale = True
    return token


class TokenRequest(HttpRequest):
    """The request of a caller with a token, whose use the middleware notes. For mypy alone."""

    token: ApiToken


class TokenAuthentication(authentication.BaseAuthentication):
    """`Authorization: Bearer strata_...`. Anything else in that header is answered with 401.

    A refusal counts against the address: DRF asks its throttles only about callers who are authenticated.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None:
            return None
        scheme, _, secret = header.partition(" ")
        if scheme.lower() != "bearer" or not self._looks_right(secret):
            raise self._refused(request, "Send the header as: Authorization: Bearer TOKEN.")
        token = token_by_digest(digest(secret), only_reads=request.method in permissions.SAFE_METHODS)
        if token is None or not token.is_valid(timezone.now()):
            raise self._refused(request, "The token is not valid or no longer valid.")
        cast(TokenRequest, request._request).token = token
        return token.user, token

    def _refused(self, request: Request, message: str) -> exceptions.AuthenticationFailed:
        count_refused(address_of(request))
        return exceptions.AuthenticationFailed(message)

    def _looks_right(self, secret: str) -> bool:
        return (
            secret.isascii()
            and secret.isprintable()
            and secret.startswith(SECRET_PREFIX)
            and len(secret) < LONGEST
        )

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class SessionAuthentication(authentication.SessionAuthentication):
    """The browser's session, for the admin and Swagger; writes need the CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        """Return the user itself: Django's middleware sets a lazy object whose type is not User."""
        user_and_auth = super().authenticate(request)
        return user_and_auth and (get_user(request._request), None)

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class IsKnownAndInScope(permissions.BasePermission):
    """Logged in, and with a token of scope write for anything that writes."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user or not request.user.is_authenticated:
            count_refused(address_of(request))
            return False
        reads_only = isinstance(request.auth, ApiToken) and request.auth.scope == ApiToken.Scope.READ
        if reads_only and request.method not in permissions.SAFE_METHODS:
            count_refused(f"user {request.user.pk}")
            raise APIError("READ_ONLY_TOKEN", "This token may only read.", status=403)
        return True


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular has no types
    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": "A token from POST /api/v1/auth/token."}


class SessionScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular has no types
    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
