"""LotMethod: which lots of a holding a sale takes. Without Django, for the calculations."""

from enum import StrEnum


class LotMethod(StrEnum):
    """A household has one, a portfolio or an asset may have another; FIFO where nobody says."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    AVERAGE = "average"
    SPECIFIC = "specific"
