"""The shapes of logins, tokens, passwords and the caller."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rest_framework import serializers

from strata.accounts import services
from strata.accounts.login import LONGEST_USERNAME
from strata.accounts.models import DATE_FORMATS, LANGUAGES, NUMBER_FORMATS, ApiToken
from strata.api.fields import (
    InstantSerializerField,
    NameSerializerField,
    TextSerializerField,
    UUIDSerializerField,
)
from strata.api.serializers import StrictSerializer

LONGEST_PASSWORD = 1000
INVITED = "How many invitations to households the user has not answered yet: see GET invitations."


class PasswordField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_PASSWORD, trim_whitespace=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or "\x00" in data:
            self.fail("invalid")
        return data


class LoginSerializer(StrictSerializer):
    username = TextSerializerField(max_length=LONGEST_USERNAME)
    password = PasswordField()
    name = NameSerializerField(required=False, allow_blank=True, default="")
    scope = serializers.ChoiceField(choices=ApiToken.Scope.choices, default=ApiToken.Scope.WRITE)
    expires_at = InstantSerializerField(required=False, allow_null=True, default=None)

    def validate_expires_at(self, value: datetime | None) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise serializers.ValidationError("Send a time with its offset from UTC.")
        services.validate_expiry(value)  # here too: before the password is checked
        return value


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    id = UUIDSerializerField(read_only=True)
    expires_at = InstantSerializerField(read_only=True, allow_null=True)
    created_at = InstantSerializerField(read_only=True)
    last_used_at = InstantSerializerField(
        read_only=True, allow_null=True, help_text="To within an hour; null before its first use."
    )

    class Meta:
        model = ApiToken
        fields: tuple[str, ...] = (
            "id",
            "name",
            "prefix",
            "scope",
            "expires_at",
            "created_at",
            "last_used_at",
        )
        read_only_fields = fields


class FailedLoginsSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    last_at = InstantSerializerField(allow_null=True)


class NewTokenSerializer(TokenSerializer):
    token = serializers.CharField(read_only=True, help_text="Shown this once.")
    failed_logins = FailedLoginsSerializer(
        read_only=True,
        help_text="How often a wrong password was given for this username since the last login; shown once.",
    )
    pending_invitations = serializers.IntegerField(read_only=True, help_text=INVITED)

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "token", "failed_logins", "pending_invitations")


class PasswordChangeSerializer(StrictSerializer):
    current_password = PasswordField()
    new_password = PasswordField()


class MyHouseholdSerializer(serializers.Serializer[Any]):
    id = UUIDSerializerField(source="household_id")
    name = serializers.CharField(source="household.name")
    role = serializers.CharField()


def preference(choices: list[tuple[str, str]], help_text: str) -> serializers.ChoiceField:
    return serializers.ChoiceField(choices=choices, allow_null=True, required=False, help_text=help_text)


class MeSerializer(StrictSerializer):
    id = UUIDSerializerField(read_only=True)
    username = serializers.CharField(read_only=True)
    email = serializers.CharField(read_only=True)
    households = MyHouseholdSerializer(many=True, read_only=True)
    pending_invitations = serializers.IntegerField(read_only=True, help_text=INVITED)
    language = preference(LANGUAGES, "Of the admin and of pictures. Null: as the browser asks.")
    number_format = preference(
        NUMBER_FORMATS,
        "How the admin and pictures write 1234.56. Null: as the browser asks. Figures in the API never depend on it.",
    )
    date_format = preference(
        DATE_FORMATS,
        "How the admin and pictures write a day. Null: as the browser asks. Days in the API are always YYYY-MM-DD.",
    )
