"""Amounts of journals: `$-1,000.00`, `10 AAPL {450.72 USD, 2013-06-02} @ 500 USD`, `200 USD = -200 USD`."""

from __future__ import annotations

import re

from imports.formats.cells import Refused
from imports.formats.journals.contents import Amount, Posting
from imports.reading.currencies import SIGNS
from imports.reading.numbers import POINT, digits_as, times

LONGEST = 60
_PLAIN = r"[^\s\d.,;:?!+\-*/^&|=<>\[\](){}@\"~]+"
_PATTERN = (
    r"\s*(?P<sign>[-+])?\s*(?:(?P<before>{commodity})\s*)?(?P<second>[-+])?\s*"
    r"(?P<number>[0-9][0-9.,']*|\.[0-9]+)(?:[ \t]*(?P<after>{commodity}))?"
)
LOOSE = re.compile(_PATTERN.format(commodity=rf"\"[^\"]+\"|{_PLAIN}"))
STRICT = re.compile(_PATTERN.format(commodity=r"[A-Z][A-Z0-9'._\-]*"))
_COST = re.compile(r"\s*(\{\{[^{}]*\}\}|\{[^{}]*\})")
_LOT = re.compile(r"\s*(?:\[[^\[\]]*\]|\([^()]*\))")
_PRICE = re.compile(r"\s*\(?(@@?)\)?")
_ASSERTED = re.compile(r"\s*(={1,2}\*?)")


class AmountReader:
    """Its methods raise Refused. `dollar` is the currency of the sign that many countries have."""

    def __init__(self, pattern: re.Pattern[str] = STRICT, mark: str = POINT, dollar: str = "USD") -> None:
        self.pattern, self.mark, self.dollar = pattern, mark, dollar
        self.default = ""
        self.saw_dollar = False

    def amount(self, text: str) -> Amount:
        """The one amount that the text is."""
        amount, rest = self.first(text)
        if amount is None or rest.strip():
            raise Refused("BAD_NUMBER" if text.strip() else "MISSING_FIELD", "amount", text.strip()[:100])
        return amount

    def first(self, text: str) -> tuple[Amount | None, str]:
        """The amount with which the text begins, and the rest of it."""
        match = self.pattern.match(text)
        if match is None:
            return None, text
        signs, written = (match["sign"], match["second"]), match["number"]
        number = digits_as(written, self.mark) if len(written) <= LONGEST else None
        if number is None and written.endswith(self.mark):
            number = digits_as(written[:-1], self.mark)
        commodity = self.commodity(match["before"] or match["after"] or self.default)
        if number is None or not commodity or all(signs) or (match["before"] and match["after"]):
            raise Refused("BAD_NUMBER", "amount", match[0].strip()[:100])
        return Amount(-number if "-" in signs else number, commodity), text[match.end() :]

    def commodity(self, written: str) -> str:
        """The currency of a sign, else what is written."""
        name = written.strip('"')
        if name == "$":
            self.saw_dollar = True
            return self.dollar
        is_word = name.isascii() and name.isalnum()
        return name if is_word else SIGNS.get(name.lower(), name)

    def fill(self, posting: Posting, text: str) -> None:
        """The posting with what follows its account."""
        posting.units, rest = self.first(text)
        while rest.strip():
            rest = self._part(posting, rest)

    def _part(self, posting: Posting, text: str) -> str:
        if match := _COST.match(text):
            self._cost(posting, match[1])
        elif posting.units is not None and (match := _LOT.match(text)):
            pass
        elif match := _PRICE.match(text):
            each, rest = self.first(text[match.end() :])
            posting.price = self._total(posting, each, is_total=match[1] == "@@")
            return rest
        elif match := _ASSERTED.match(text):
            posting.asserted, rest = self.first(text[match.end() :])
            if posting.asserted is None:
                raise Refused("BAD_NUMBER", "balance", text.strip()[:100])
            has_price = _PRICE.match(rest) or _COST.match(rest)  # which is not checked
            return "" if has_price else rest
        else:
            raise Refused("BAD_NUMBER", "amount", text.strip()[:100])
        return text[match.end() :]

    def _cost(self, posting: Posting, written: str) -> None:
        is_total = written.startswith("{{")
        inside = written.strip("{}").strip().removeprefix("=")
        match = self.pattern.match(inside)
        has_currency = match is not None and (match["before"] or match["after"])
        if not has_currency or "#" in inside:
            posting.from_lots = True
            return
        posting.cost = self._total(posting, self.first(inside)[0], is_total=is_total)

    def _total(self, posting: Posting, each: Amount | None, *, is_total: bool) -> Amount:
        if posting.units is None or each is None:
            raise Refused("MISSING_FIELD", "amount", "")
        units = posting.units.number
        number = abs(each.number) if is_total else times(abs(units), abs(each.number))
        return Amount(number if units >= 0 else -number, each.commodity)
