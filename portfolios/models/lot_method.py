"""What users see of LotMethod."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from portfolios.lot_method import LotMethod

LOT_METHODS = [
    (LotMethod.FIFO.value, _("First in first out")),
    (LotMethod.LIFO.value, _("Last in first out")),
    (LotMethod.HIFO.value, _("Highest cost first")),
    (LotMethod.AVERAGE.value, _("Average cost")),
    (LotMethod.SPECIFIC.value, _("Chosen lots")),
]
