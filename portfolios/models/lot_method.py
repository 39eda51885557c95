"""LotMethod: which lots of a holding a sale takes."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class LotMethod(models.TextChoices):
    """A household has one, a portfolio or an asset may have another; FIFO where nobody says."""

    FIFO = "fifo", _("First in first out")
    LIFO = "lifo", _("Last in first out")
    HIFO = "hifo", _("Highest cost first")
    AVERAGE = "average", _("Average cost")
    SPECIFIC = "specific", _("Chosen lots")
