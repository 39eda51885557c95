"""The colours of groups in pictures. Most colour-blind people can distinguish them (after Okabe and Ito)."""

PALETTE = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b5a642", "#8b5cf6")
OTHER_COLOUR = "#9ca3af"


def colour_of(place: int) -> str:
    """The colour of the group at that place; the small groups at the end share one colour."""
    return PALETTE[place] if place < len(PALETTE) else OTHER_COLOUR
