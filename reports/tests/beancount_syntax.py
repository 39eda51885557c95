"""Reads a journal of beancount strictly: the grammar of the directives that Strata writes, and the rules of bean-check.

After beancount's language reference: accounts are open before they are used, each transaction adds up to zero in every
currency, a pad is used, and each balance holds. Anything else is a ValueError.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

DAY = r"(?P<on>(?:17|18|19|20)\d\d-\d\d-\d\d)"
ACCOUNT = r"(?:Assets|Liabilities|Equity|Income|Expenses)(?::[A-Z0-9][A-Za-z0-9-]*)+"
COMMODITY = r"[A-Z][A-Z0-9'._-]{0,22}[A-Z0-9]"
NUMBER = r"-?\d+(?:\.\d+)?"
STRING = r'"(?:[^"\\\n]|\\["\\ntr])*"'
DIRECTIVES = {
    "open": rf"{DAY} open (?P<account>{ACCOUNT})(?: (?P<commodity>{COMMODITY}) \"(?P<booking>FIFO|NONE)\")?",
    "commodity": rf"{DAY} commodity (?P<commodity>{COMMODITY})",
    "price": rf"{DAY} price (?P<commodity>{COMMODITY}) (?P<number>{NUMBER}) (?P<currency>{COMMODITY})",
    "pad": rf"{DAY} pad (?P<account>{ACCOUNT}) (?P<other>{ACCOUNT})",
    "balance": rf"{DAY} balance (?P<account>{ACCOUNT}) (?P<number>{NUMBER}) (?P<commodity>{COMMODITY})",
    "custom": rf"{DAY} custom {STRING} (?P<account>{ACCOUNT}) (?P<number>{NUMBER}) (?P<currency>{COMMODITY})",
    "transaction": rf"{DAY} \* {STRING}",
    "option": rf"option {STRING} {STRING}",
}
METADATA = re.compile(rf"  [a-z][a-z0-9_-]*: {STRING}")
POSTING = re.compile(
    rf"  (?P<account>{ACCOUNT})(?:  (?P<number>{NUMBER}) (?P<commodity>{COMMODITY})"
    rf"(?P<cost> \{{\{{(?P<total>{NUMBER}) (?P<cost_in>{COMMODITY})\}}\}}| \{{\}})?"
    rf"(?: @@ (?P<price>{NUMBER}) (?P<price_in>{COMMODITY}))?)?"
)


@dataclass
class Directive:
    kind: str
    on: date | None
    found: dict[str, str | None]
    postings: list[dict[str, str | None]] = field(default_factory=list)


def read(text: str) -> list[Directive]:
    directives: list[Directive] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("; "):
            continue
        if line.startswith("  "):
            posting = POSTING.fullmatch(line)
            if posting and directives[-1].kind == "transaction":
                directives[-1].postings.append(posting.groupdict())
            elif not METADATA.fullmatch(line):
                raise ValueError(f"line {number}: {line}")
            continue
        directives.append(directive(line, number))
    check(directives)
    return directives


def directive(line: str, number: int) -> Directive:
    for kind, pattern in DIRECTIVES.items():
        if match := re.fullmatch(pattern, line):
            names = match.groupdict()
            return Directive(kind, date.fromisoformat(names["on"]) if "on" in names else None, names)
    raise ValueError(f"line {number}: {line}")


def check(directives: list[Directive]) -> None:
    opened: dict[str, date] = {}
    for each in directives:
        if each.kind == "open":
            if each.found["account"] in opened:
                raise ValueError(f"opened twice: {each.found}")
            opened[each.found["account"]] = each.on
    for each in directives:
        accounts = [each.found.get("account"), each.found.get("other")]
        accounts += [posting["account"] for posting in each.postings]
        if late := [name for name in accounts if name and opened.get(name, date.max) > each.on]:
            raise ValueError(f"not open on {each.on}: {late}")
        if each.kind == "transaction":
            add_up(each)
    check_balances(directives)


def add_up(transaction: Directive) -> None:
    """What the postings weigh is zero in each currency; one without an amount takes the rest."""
    weights: dict[str, Decimal] = defaultdict(Decimal)
    is_open = any(posting["number"] is None or posting["cost"] == " {}" for posting in transaction.postings)
    for posting in transaction.postings:
        if posting["number"] is None:
            continue
        units = Decimal(posting["number"])
        sign = -1 if units < 0 else 1
        if posting["total"] is not None:
            weights[posting["cost_in"]] += sign * Decimal(posting["total"])
        elif posting["price"] is not None:
            weights[posting["price_in"]] += sign * Decimal(posting["price"])
        else:
            weights[posting["commodity"]] += units
    if not is_open and any(weights.values()):
        raise ValueError(f"does not add up: {transaction} {dict(weights)}")
    if sum(posting["number"] is None for posting in transaction.postings) > 1:
        raise ValueError(f"two postings without amounts: {transaction}")


def check_balances(directives: list[Directive]) -> None:
    """Balances are of the beginning of a day, pads of the end of theirs."""
    order = {"open": 0, "balance": 1, "transaction": 2, "pad": 3}
    held: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    pads: dict[str, Directive] = {}
    rows = [each for each in directives if each.kind in order]
    for each in sorted(rows, key=lambda row: (row.on, order[row.kind])):
        account = each.found.get("account")
        if each.kind == "pad":
            if account in pads:
                raise ValueError(f"unused: {pads[account]}")
            pads[account] = each
        elif each.kind == "balance":
            key = account, each.found["commodity"]
            expected, pad = Decimal(each.found["number"]), pads.pop(account, None)
            if (held[key] == expected) != (pad is None):
                raise ValueError(f"{each}: {held[key]}, pad {pad}")
            held[key] = expected
        for posting in each.postings:
            if posting["number"] is not None:
                held[posting["account"], posting["commodity"]] += Decimal(posting["number"])
    if pads:
        raise ValueError(f"unused: {pads}")
