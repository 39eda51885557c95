"""User: who logs in. Names are unique whatever the case."""

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.db.models.functions import Lower

from strata.ids import uuid7


class CaseBlindUserManager(UserManager):
    def get_by_natural_key(self, username):
        return self.get(username__iexact=username)


class User(AbstractUser):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    objects = CaseBlindUserManager()

    class Meta(AbstractUser.Meta):
        constraints = (models.UniqueConstraint(Lower("username"), name="user_name_unique_whatever_the_case"),)
