"""LoginCount: how often the password of a name was tried since it was last right, by everybody and by each address."""

from __future__ import annotations

from django.db import models

from strata.collation import CodeField
from strata.ids import uuid7
from strata.names import KEY_LENGTH

EVERYWHERE = ""
NO_ADDRESS = "::"  # of a client whose proxy does not say who it is


class LoginCount(models.Model):
    """One row for each name that was typed, whether a user has it or not, and one for each address that logged in.

    `attempts` are those begun since the password was last right: they decide who has to wait, and one is counted
    before its password is looked at, so that many at a time are no way round. `failures` are those that were wrong
    since the last login, which is told of them.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name_key = CodeField("name", max_length=KEY_LENGTH)
    address = CodeField(max_length=45, blank=True, default=EVERYWHERE, help_text="Empty: all addresses.")
    attempts = models.PositiveIntegerField(default=0)
    last_attempt_at = models.DateTimeField()
    failures = models.PositiveIntegerField("failures since the last login", default=0)
    last_failure_at = models.DateTimeField(null=True)
    failures_before_login = models.PositiveIntegerField("failures before the last login", default=0)
    last_login_at = models.DateTimeField("last login", null=True)

    class Meta:
        verbose_name = "account login"
        ordering = ("name_key", "address")
        constraints = (
            models.UniqueConstraint(
                fields=("name_key", "address"), name="login_count_one_for_each_name_and_address"
            ),
        )
        indexes = (models.Index(fields=("last_attempt_at",), name="login_count_by_age"),)

    def __str__(self) -> str:
        return f"{self.name_key} from {self.address or 'everywhere'}"
