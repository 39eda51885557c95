"""The ids of what the demo makes.

Those of the first demo of an installation are fixed, so that an example can name a row by its id. A later demo is made
beside it, with ids of its own.
"""

from __future__ import annotations

from enum import IntEnum
from uuid import UUID

from strata.fields.ids import uuid7


class Row(IntEnum):
    """The third group of a fixed id is 7000 and this number. 0 is left out: the shared types have it."""

    HOUSEHOLD = 1
    MEMBERSHIP = 2
    PORTFOLIO = 3
    ASSET = 4
    SNAPSHOT = 5
    TRANSACTION = 6
    CATEGORY = 7
    TAG = 8
    TARGET = 9
    TOTAL = 10
    ASSET_TYPE = 11
    INVITATION = 12
    RATE = 13
    TOKEN = 14
    INSTRUMENT = 15
    INSTRUMENT_ACTION = 16


def fixed_id(row: Row, number: int = 1, of_asset: int = 0) -> UUID:
    """The id of the row with this number, counted from 1; of a value or transaction, among those of its asset."""
    return UUID(f"00000000-0000-7{row:03x}-8{of_asset:03x}-{number:012d}")


def new_id(row: Row, number: int = 1, of_asset: int = 0) -> UUID:
    return uuid7()
