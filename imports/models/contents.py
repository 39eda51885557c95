"""What belongs to an import and is not in the journal: its file, the rows of its preview, and what it made.

They refer to the import without a constraint, so that they are there again when the undo of a deletion brings it back.
"""

from __future__ import annotations

from typing import Any

from django.db import models

from imports.models.file_import import Import


def of_import() -> Any:
    return models.ForeignKey(
        Import, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )


class ImportFile(models.Model):
    """The bytes of a file until commit, undo or expiry; and the state of the data that its preview depends on."""

    file_import = models.OneToOneField(
        Import, primary_key=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    data = models.BinaryField()
    state = models.CharField(max_length=64)

    def __str__(self) -> str:
        return str(self.pk)


class ImportBlock(models.Model):
    """Up to a thousand rows of a preview, packed (imports.services.blocks). `counts` has how many are of which kind."""

    id = models.BigAutoField(primary_key=True)
    file_import = of_import()
    first = models.PositiveIntegerField()  # the number of its first row, from 1
    counts = models.JSONField()
    rows = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("file_import", "first"), name="import_block_one_per_place"),
        )

    def __str__(self) -> str:
        return f"{self.file_import_id} {self.first}"


class ImportedRows(models.Model):
    """Which days or which references of one asset an import has written, packed: a million rows take a few MB.

    `made_asset` is True where the import made the asset itself. Instruments, categories and tags that it used have
    a row too, with their ids: what was made for imports alone goes with the last of them.
    """

    id = models.BigAutoField(primary_key=True)
    file_import = of_import()
    asset_id = models.UUIDField()
    made_asset = models.BooleanField(default=False)
    days = models.BinaryField()
    references = models.BinaryField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("file_import", "asset_id"), name="imported_rows_one_per_asset"),
        )
        indexes = (models.Index(fields=("asset_id",), name="imported_rows_of_asset"),)

    def __str__(self) -> str:
        return f"{self.file_import_id} {self.asset_id}"
