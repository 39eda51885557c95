"""The currency that every exchange rate is relative to, and the rule that it has no rate itself."""

EURO = "EUR"  # a rate is units of its currency for one euro


def may_have_rate(currency: str) -> bool:
    return currency != EURO
