"""RatesVersion: changes with every write of exchange rates. A process keeps the rates that it read until then."""

from __future__ import annotations

from uuid import uuid4

from django.db import models


class RatesVersion(models.Model):
    """One row. Its version is new in each transaction that adds rates, and is committed together with them.

    It is random instead of counted: a transaction that is rolled back would give its number to another one. Without the
    row no process keeps rates.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    version = models.UUIDField(default=uuid4)

    def __str__(self) -> str:
        return str(self.version)

    @classmethod
    def renew(cls) -> None:
        version = uuid4()
        if not cls.objects.update(version=version):
            cls.objects.create(version=version)
