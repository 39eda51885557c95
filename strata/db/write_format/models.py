"""DatabaseFormat: the number of the format in which the database is written."""

from __future__ import annotations

from django.db import models


class DatabaseFormat(models.Model):
    """One row. Where it is missing, the format is the first. Only the operation RaiseFormat of migrations writes it."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    number = models.PositiveSmallIntegerField(
        help_text="A version that writes only lower ones answers reads, and refuses writes."
    )

    def __str__(self) -> str:
        return f"format {self.number}"
