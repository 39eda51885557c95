"""Login for a token, the caller's own tokens, the caller, and the change of a password."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from strata.accounts import lockout, services
from strata.accounts.lockout import LoginRequest
from strata.accounts.login import known_user
from strata.accounts.models import ApiToken, User
from strata.accounts.serializers import (
    FailedLoginsSerializer,
    LoginSerializer,
    MeSerializer,
    NewTokenSerializer,
    PasswordChangeSerializer,
    TokenSerializer,
)
from strata.api.http.etags import etag_of, require_match
from strata.api.parameters import DeclaredFilters
from strata.api.views import BaseAPIView, Handler, path_id
from strata.db.retry import run_in_transaction
from strata.exceptions import Conflict, NotFound
from strata.tenancy.invitations import pending_invitations


def caller(request: Request) -> User:
    """The user of a view that needs a login."""
    return cast(User, request.user)


class LoginView(BaseAPIView, APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    accepts_idempotency_key = False

    @extend_schema(request=LoginSerializer, responses={201: NewTokenSerializer}, auth=[])
    def post(self, request: Request) -> Response:
        """Logs in, and answers with a token, which is shown only once."""
        body = LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        login = cast(LoginRequest, request._request)
        user = known_user(login, given.pop("username"), given.pop("password"))
        attempt = login.login_attempt

        def log_in() -> tuple[lockout.FailedLogins, ApiToken, str]:
            news = lockout.logged_in(attempt, user, timezone.now())
            return news, *services.issue_token(user, **given)

        news, token, secret = run_in_transaction(log_in)
        shown = {
            "token": secret,
            "failed_logins": FailedLoginsSerializer(news).data,
            "pending_invitations": pending_invitations(user),
        }
        return Response({**TokenSerializer(token).data, **shown}, status=status.HTTP_201_CREATED)

    def wrap_handler(self, handler: Handler) -> Handler:
        """No transaction around the login: a failed attempt must stay counted."""
        self.read_parameters()
        return handler


class TokenViewSet(BaseAPIView, mixins.ListModelMixin, viewsets.GenericViewSet[ApiToken]):
    """The caller's own tokens, without their secrets. A deleted token is refused at once."""

    resource_name = "token"
    has_etag = True
    queryset = ApiToken.objects.order_by("-created_at", "-id")
    serializer_class = TokenSerializer
    filter_backends = (DeclaredFilters,)
    lookup_value_regex = "[^/]+"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return self.queryset.filter(user=caller(self.request))

    def get_object(self) -> ApiToken:
        token = self.get_queryset().filter(pk=path_id(self.kwargs["pk"], "token")).first()
        if token is None:
            raise NotFound("token")
        return token

    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        services.revoke_token(path_id(pk, "token"), precondition=self.require_own_and_unchanged)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def require_own_and_unchanged(self, token: ApiToken) -> None:
        if token.user_id != self.request.user.pk:
            raise NotFound("token")
        require_match(self.request, lambda: etag_of(self.get_serializer(token).data))


class MeView(BaseAPIView, APIView):
    has_etag = True

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        """The caller: their name, their role in each of their households, and how they see the admin."""
        return Response(shown_to(caller(request)))

    @extend_schema(request=MeSerializer, responses=MeSerializer)
    def patch(self, request: Request) -> Response:
        """Change the language, the number format and the date format of the admin and of pictures."""
        body = MeSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        body.refuse_changed_read_only(shown_to(caller(request)), but={"pending_invitations"})
        user = services.set_preferences(
            caller(request).pk, body.validated_data, precondition=self.require_unchanged
        )
        return Response(shown_to(user))

    def require_unchanged(self, user: User) -> None:
        require_match(self.request, lambda: etag_of(shown_to(user)))


def shown_to(user: User) -> Any:
    """What the user is shown about themselves."""
    fields = {
        "id": user.pk,
        "username": user.username,
        "email": user.email,
        "households": user.memberships.select_related("household").order_by("created_at"),
        "pending_invitations": pending_invitations(user),
        "language": user.language,
        "number_format": user.number_format,
        "date_format": user.date_format,
    }
    return MeSerializer(fields).data


class PasswordRequest(Request):
    """A request with the user and the new password, once the current password is checked. For mypy alone."""

    password_change: tuple[User, str]


class PasswordView(BaseAPIView, APIView):
    @extend_schema(request=PasswordChangeSerializer, responses={204: None})
    def post(self, request: PasswordRequest) -> Response:
        """Change the password. This ends every token and every session, the caller's too."""
        user, password = request.password_change
        try:
            services.change_password(user.pk, password)
        except services.WeakPassword as weak:
            raise serializers.ValidationError({"new_password": weak.messages}) from None
        return Response(status=status.HTTP_204_NO_CONTENT)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """The current password is checked before the transaction begins: see known_user."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            body = PasswordChangeSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            given = body.validated_data
            login = cast(LoginRequest, request._request)
            user = known_user(login, caller(request).username, given["current_password"])
            lockout.was_right(login.login_attempt, timezone.now())
            if given["new_password"] == given["current_password"]:
                raise Conflict("SAME_PASSWORD", "That is the password that you have now.", "new_password")
            # On the request, because a retry resets the view.
            cast(PasswordRequest, request).password_change = user, given["new_password"]
