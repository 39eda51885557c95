"""Login for a token, the caller's own tokens, the caller, and the change of a password."""

from __future__ import annotations

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from strata.accounts import lockout
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
from strata.api.views import BaseAPIView, path_id
from strata.db.locks import lock_rows
from strata.db.retry import run_in_transaction
from strata.exceptions import NotFound
from strata.tenancy.invitations import pending_invitations


class LoginView(BaseAPIView, APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    accepts_idempotency_key = False

    @extend_schema(request=LoginSerializer, responses={201: NewTokenSerializer}, auth=[])
    def post(self, request):
        """Logs in, and answers with a token, which is shown only once."""
        body = LoginSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        user = known_user(request._request, given.pop("username"), given.pop("password"))
        attempt = request._request.login_attempt

        def log_in():
            news = lockout.logged_in(attempt, user, timezone.now())
            return news, *ApiToken.issue(user, **given)

        news, token, secret = run_in_transaction(log_in)
        shown = {
            "token": secret,
            "failed_logins": FailedLoginsSerializer(news).data,
            "pending_invitations": pending_invitations(user),
        }
        return Response({**TokenSerializer(token).data, **shown}, status=status.HTTP_201_CREATED)

    def initial(self, request, *args, **kwargs):
        """No transaction around the login: a failed attempt must stay counted."""
        super(BaseAPIView, self).initial(request, *args, **kwargs)
        self.read_parameters()


class TokenViewSet(BaseAPIView, mixins.ListModelMixin, viewsets.GenericViewSet):
    """The caller's own tokens, without their secrets. A deleted token is refused at once."""

    resource_name = "token"
    has_etag = True
    queryset = ApiToken.objects.order_by("-created_at", "-id")
    serializer_class = TokenSerializer
    filter_backends = (DeclaredFilters,)
    lookup_value_regex = "[^/]+"

    def get_queryset(self):
        return self.queryset.filter(user=self.request.user)

    def get_object(self):
        token = self.get_queryset().filter(pk=path_id(self.kwargs["pk"], "token")).first()
        if token is None:
            raise NotFound("token")
        return token

    def retrieve(self, request, pk=None):
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        lock_rows(self.get_queryset().filter(pk=path_id(pk, "token")))
        token = self.get_object()
        require_match(request, lambda: etag_of(self.get_serializer(token).data))
        token.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(BaseAPIView, APIView):
    has_etag = True

    @extend_schema(responses=MeSerializer)
    def get(self, request):
        """The caller: their name, and their role in each of their households."""
        user = request.user
        fields = {
            "id": user.pk,
            "username": user.username,
            "email": user.email,
            "households": user.memberships.select_related("household").order_by("created_at"),
            "pending_invitations": pending_invitations(user),
        }
        return Response(MeSerializer(fields).data)


class PasswordView(BaseAPIView, APIView):
    @extend_schema(request=PasswordChangeSerializer, responses={204: None})
    def post(self, request):
        """Change the password. This ends every token and every session, the caller's too."""
        user, password = request.password_change
        user.set_password(password)
        user.save(update_fields=["password"])
        user.api_tokens.all().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def initial(self, request, *args, **kwargs):
        """The current password is checked before the transaction begins: see known_user."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            body = PasswordChangeSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            given = body.validated_data
            user = known_user(request._request, request.user.username, given["current_password"])
            lockout.was_right(request._request.login_attempt, timezone.now())
            require_good(given["new_password"], user)
            request.password_change = user, given["new_password"]  # a retry resets the view


def require_good(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except DjangoValidationError as error:
        raise serializers.ValidationError({"new_password": error.messages}) from None
