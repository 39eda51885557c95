"""What every exchange rate is relative to."""

EURO = "EUR"  # a rate is so many units of its currency for one euro; the euro has none itself
