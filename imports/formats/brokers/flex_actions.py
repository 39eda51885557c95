"""Corporate actions of a Flex query: splits and stock dividends, by the ratio in their description."""

from __future__ import annotations

import re
from fractions import Fraction

from imports.formats.brokers.flex_nodes import FlexFile
from imports.formats.cells import Refused
from imports.formats.rows import ActionItem, Item
from imports.reading.containers.markup import Node
from imports.reading.refusals import Reason

TYPES = {"FS": "split", "RS": "split", "SD": "stock_dividend"}
_RATIO = re.compile(r"\b([0-9]{1,9}(?:\.[0-9]{1,9})?) FOR ([0-9]{1,9}(?:\.[0-9]{1,9})?)\b", re.IGNORECASE)
_ISIN = re.compile(r"\(([A-Z]{2}[A-Z0-9]{9}[0-9])\)")
MOST = 10**9


def split_of(file: FlexFile, node: Node) -> tuple[Item, ...] | Reason:
    kind = node.attributes.get("type", "").strip().upper()
    text = (
        node.attributes.get("actionDescription", "").strip() or node.attributes.get("description", "").strip()
    )
    ratio = _RATIO.search(text)
    if kind not in TYPES or not ratio:
        raise Refused("UNSUPPORTED_ACTION", "type", " ".join((kind, text))[:100].strip())
    first, second = Fraction(ratio[1]), Fraction(ratio[2])
    if not first or not second:
        raise Refused("UNSUPPORTED_ACTION", "description", text[:100])
    new, old = (first / second).as_integer_ratio()
    if max(new, old) > MOST:
        raise Refused("UNSUPPORTED_ACTION", "description", text[:100])
    instrument = file.instrument(node)
    held = _ISIN.search(text)
    if held and instrument.isin and held[1] != instrument.isin:
        # The security had another ISIN before: what is held is booked there, and this row is of the one after it.
        raise Refused("UNSUPPORTED_ACTION", "isin", text[:100])
    return (ActionItem(file.reading.instrument(instrument), file.day(node), TYPES[kind], new, old),)
