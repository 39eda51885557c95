"""User: who logs in. Names are unique whatever the case, in every alphabet and on every database."""

from django.contrib.auth.models import AbstractUser, UserManager
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import models

from strata.ids import uuid7
from strata.models.token import binding, bindings
from strata.models.traced import Traced, TracedQuerySet
from strata.names import NameKeyField, name_key


def username_key(username: str) -> str:
    return name_key(User.normalize_username(username))


class CaseBlindUserManager(UserManager):
    def get_queryset(self):
        return TracedQuerySet(self.model, using=self._db)

    def get_by_natural_key(self, username):
        return self.get(username_key=username_key(username))

    def create_superuser(self, username, email=None, password=None, **extra_fields):
        """Django's createsuperuser asks no validators where the password comes from the environment."""
        if password is not None:
            validate_password(password, self.model(username=username, email=email or ""))
        return super().create_superuser(username, email, password, **extra_fields)


class User(Traced, AbstractUser):
    traced_fields = (
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

    objects = CaseBlindUserManager()

    class Meta(AbstractUser.Meta):
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=("username_key",), name="user_one_for_each_name"),)

    def clean(self):
        """Forms and commands do not see the key, and so not its constraint."""
        super().clean()
        same = type(self).objects.filter(username_key=name_key(self.username))
        if same.exclude(pk=self.pk).exists():
            raise ValidationError({"username": self._meta.get_field("username").error_messages["unique"]})

    def check_password(self, raw_password):
        """A new hash of the same password, as Django makes them stronger, is no new password: tokens live on."""
        before = bindings(self)
        is_right = super().check_password(raw_password)
        now = binding(self)
        if now not in before:
            self.api_tokens.filter(password_stamp__in=before).update(password_stamp=now)
        return is_right
