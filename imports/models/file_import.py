"""Import: a file that becomes rows of a portfolio: seen before, written at once, and undone as a whole."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from portfolios.models import Portfolio
from strata.audit.tracking import TrackedModel
from strata.fields.dates import InstantField
from strata.fields.names import NameField


class Import(TrackedModel):
    """A file of one portfolio. `summary` is what the preview says about it, `result` what the commit and the undo did.

    Its bytes and the rows of its preview are in untracked tables (imports.models.contents): they are large, and what an
    import makes is in the journal by itself.
    """

    class Status(models.TextChoices):
        PREVIEW = "preview", _("Preview")
        COMMITTED = "committed", _("Imported")
        UNDONE = "undone", _("Undone")

    belongs_to = "portfolio"
    raises_revision = False

    portfolio = models.ForeignKey(
        Portfolio, verbose_name=_("portfolio"), on_delete=models.CASCADE, related_name="imports"
    )
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PREVIEW)
    format = models.CharField(_("format"), max_length=40)
    container = models.CharField(_("file type"), max_length=10)
    file_name = NameField(_("file"), blank=True, default="")
    file_size = models.PositiveBigIntegerField(_("size"))
    file_sha256 = models.CharField("SHA-256", max_length=64)
    mapping_key = models.CharField(max_length=64, blank=True, default="", editable=False)
    options = models.JSONField(default=dict, blank=True, editable=False)
    summary = models.JSONField(default=dict, blank=True, editable=False)
    result = models.JSONField(default=dict, blank=True, editable=False)
    previewed_at = InstantField(_("previewed"))
    committed_at = InstantField(_("imported"), null=True, blank=True)
    undone_at = InstantField(_("undone"), null=True, blank=True)

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("import"), _("imports")
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("portfolio", "mapping_key", "id"), name="import_with_a_mapping"),
            models.Index(fields=("portfolio", "id"), name="import_of_portfolio"),
        )

    def __str__(self) -> str:
        return self.file_name or str(self.pk)
