"""Logging in for a token, the caller's own tokens, and the caller."""

from __future__ import annotations

import math

from axes.handlers.proxy import AxesProxyHandler
from axes.models import AccessAttempt
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status, viewsets
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.views import APIView

from strata import lockout
from strata.api.errors import Refusal, plain_answer
from strata.api.etags import etag_of, require_match
from strata.api.fields import (
    InstantSerializerField,
    NameSerializerField,
    TextSerializerField,
    UUIDSerializerField,
)
from strata.api.filters import DeclaredFilters
from strata.api.serializers import StrictSerializer
from strata.api.viewsets import OneTransactionAWrite, path_id
from strata.db.locks import lock_rows
from strata.db.retry import run_in_transaction
from strata.exceptions import NotFound
from strata.models import ApiToken, User
from strata.ownership import pending_invitations

LONGEST_PASSWORD = 1000
INVITED = "How many households wait for the user's answer to an invitation: see GET invitations."
LONGEST_USERNAME = User._meta.get_field("username").max_length
LONGEST_COUNTED_NAME = AccessAttempt._meta.get_field("username").max_length


class PasswordField(serializers.CharField):
    def __init__(self, **kwargs):
        super().__init__(max_length=LONGEST_PASSWORD, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data):
        if not isinstance(data, str) or "\x00" in data:
            self.fail("invalid")
        return data


class LoginSerializer(StrictSerializer):
    username = TextSerializerField(max_length=LONGEST_USERNAME)
    password = PasswordField()
    name = NameSerializerField(required=False, allow_blank=True, default="")
    scope = serializers.ChoiceField(choices=ApiToken.Scope.choices, default=ApiToken.Scope.WRITE)
    expires_at = InstantSerializerField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value):
        if value is not None and value.tzinfo is None:
            raise serializers.ValidationError("Send a time with its offset from UTC.")
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("It lies in the past.")
        return value


class TokenSerializer(serializers.ModelSerializer):
    id = UUIDSerializerField(read_only=True)
    expires_at = InstantSerializerField(read_only=True, allow_null=True)
    created_at = InstantSerializerField(read_only=True)
    last_used_at = InstantSerializerField(
        read_only=True, allow_null=True, help_text="To within an hour; null before its first use."
    )

    class Meta:
        model = ApiToken
        fields = ("id", "name", "prefix", "scope", "expires_at", "created_at", "last_used_at")
        read_only_fields = fields


class FailedLoginsSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    last_at = InstantSerializerField(allow_null=True)


class NewTokenSerializer(TokenSerializer):
    token = serializers.CharField(read_only=True, help_text="Shown this once.")
    failed_logins = FailedLoginsSerializer(
        read_only=True,
        help_text="How often, since the last login, a wrong password was given for this username; told once.",
    )
    pending_invitations = serializers.IntegerField(read_only=True, help_text=INVITED)

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "token", "failed_logins", "pending_invitations")


class PasswordChangeSerializer(StrictSerializer):
    current_password = PasswordField()
    new_password = PasswordField()


class MyHouseholdSerializer(serializers.Serializer):
    id = UUIDSerializerField(source="household_id")
    name = serializers.CharField(source="household.name")
    role = serializers.CharField()


class MeSerializer(serializers.Serializer):
    id = UUIDSerializerField()
    username = serializers.CharField()
    email = serializers.CharField()
    households = MyHouseholdSerializer(many=True)
    pending_invitations = serializers.IntegerField(help_text=INVITED)


def known_user(request, username: str, password: str):
    """The user, or a refusal that is the same for a wrong name, a wrong password and a disabled user.

    Who has failed too often is told so before any hash is computed; an unknown name costs a hash as well. Never
    inside a transaction: what is refused rolls it back, and the failure must stay counted.
    """
    if not AxesProxyHandler.is_allowed(request, {"username": username}):
        raise locked_out(request)
    user = authenticate(request, username=username, password=password)
    if user is not None:
        return user
    if request.axes_locked_out:
        request.axes_locked_out = False  # or axes' middleware would answer in its own way
        raise locked_out(request)
    refusal = Refusal("BAD_CREDENTIALS", "The username or the password is wrong.", status=401)
    refusal.auth_header = "Bearer"
    raise refusal


class LongNamesBackend:
    """Refuses a name that no user can have before its password is hashed. Django then counts it as a failure.

    The admin's login form does not check the length of what is typed, and normalising can make a name longer.
    """

    def authenticate(self, request, username=None, **credentials):
        if username is not None and len(username) > LONGEST_USERNAME:
            raise PermissionDenied


def counted_name(request, credentials) -> str | None:
    """The name under which axes counts a failure: as typed, and no longer than its column."""
    name = (credentials or request.POST).get("username")
    return name if name is None else name[:LONGEST_COUNTED_NAME]


def locked_out(request) -> Refusal:
    wait = math.ceil(request.login_attempt.wait.total_seconds())
    return Refusal("LOCKED_OUT", "Too many failed attempts. Try again later.", status=429, wait=wait)


def locked_page(request, response, credentials):
    """What axes answers for the admin's login, and for its change of a password."""
    refusal = locked_out(request)
    page = plain_answer(request, refusal.status_code, refusal.code, refusal.message)
    page["Retry-After"] = str(refusal.wait)
    return page


class LoginView(OneTransactionAWrite, APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    repeats_safely = False

    @extend_schema(request=LoginSerializer, responses={201: NewTokenSerializer}, auth=[])
    def post(self, request):
        """Logs in: answers a token, which is shown this once."""
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
        """No transaction round the login: a failed attempt must stay counted."""
        super(OneTransactionAWrite, self).initial(request, *args, **kwargs)
        self.read_parameters()


class TokenViewSet(OneTransactionAWrite, mixins.ListModelMixin, viewsets.GenericViewSet):
    """The caller's own tokens, without their secrets. A deleted one is refused from then on."""

    thing = "token"
    has_etag = True
    queryset = ApiToken.objects.order_by("-created_at", "-id")
    serializer_class = TokenSerializer
    filter_backends = (DeclaredFilters,)
    lookup_value_regex = "[^/]+"

    def get_queryset(self):
        return self.queryset.filter(user=self.request.user)

    def get_object(self):
        found = self.get_queryset().filter(pk=path_id(self.kwargs["pk"], "token")).first()
        if found is None:
            raise NotFound("token")
        return found

    def retrieve(self, request, pk=None):
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request, pk=None):
        lock_rows(self.get_queryset().filter(pk=path_id(pk, "token")))
        token = self.get_object()
        require_match(request, lambda: etag_of(self.get_serializer(token).data))
        token.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


class MeView(OneTransactionAWrite, APIView):
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


class PasswordView(OneTransactionAWrite, APIView):
    @extend_schema(request=PasswordChangeSerializer, responses={204: None})
    def post(self, request):
        """Change the password. Every token and every session ends with it, the caller's too."""
        user, password = request.password_change
        user.set_password(password)
        user.save(update_fields=["password"])
        user.api_tokens.all().delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def initial(self, request, *args, **kwargs):
        """The current password is tried before the write's transaction begins: see known_user."""
        super().initial(request, *args, **kwargs)
        if request.method == "POST":
            body = PasswordChangeSerializer(data=request.data)
            body.is_valid(raise_exception=True)
            given = body.validated_data
            user = known_user(request._request, request.user.username, given["current_password"])
            lockout.was_right(request._request.login_attempt, timezone.now())
            require_good(given["new_password"], user)
            request.password_change = user, given["new_password"]  # the view forgets what it has itself


def require_good(password: str, user: User) -> None:
    try:
        validate_password(password, user)
    except DjangoValidationError as error:
        raise serializers.ValidationError({"new_password": error.messages}) from None
