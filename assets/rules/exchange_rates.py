"""The currency that every exchange rate is relative to."""

EURO = "EUR"  # a rate is units of its currency for one euro; the euro itself has no rate
