"""The codes of all findings, each with what the finding is about. That decides where it can be fixed."""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import Self


class Subject(Enum):
    """What a finding is about. Of a transaction, an instrument or its prices, the first of the `facts` is the id of the
    transaction or the instrument.
    """

    VALUE = auto()  # the one of the finding's day
    MISSING_VALUE = auto()
    ASSET = auto()
    TRANSACTION = auto()
    INSTRUMENT = auto()
    PRICES = auto()
    RATE = auto()


class Code(StrEnum):
    """Final once it is released: a finding is dismissed by a key that begins with its code."""

    subject: Subject

    def __new__(cls, text: str, subject: Subject) -> Self:
        code = str.__new__(cls, text)
        code._value_, code.subject = text, subject
        return code

    NO_VALUE = "NO_VALUE", Subject.MISSING_VALUE
    STALE_VALUE = "STALE_VALUE", Subject.MISSING_VALUE
    SUSPICIOUS_JUMP = "SUSPICIOUS_JUMP", Subject.VALUE
    CHANGED_SIGN = "CHANGED_SIGN", Subject.VALUE
    POSITIVE_LIABILITY = "POSITIVE_LIABILITY", Subject.VALUE
    VALUE_AFTER_DISPOSAL = "VALUE_AFTER_DISPOSAL", Subject.VALUE
    LOAN_DRIFT = "LOAN_DRIFT", Subject.VALUE
    POSSIBLE_DUPLICATE = "POSSIBLE_DUPLICATE", Subject.ASSET
    ACQUIRED_AFTER_FIRST_VALUE = "ACQUIRED_AFTER_FIRST_VALUE", Subject.ASSET
    ACTION_WITHOUT_ASSET = "ACTION_WITHOUT_ASSET", Subject.ASSET
    POSSIBLE_DUPLICATE_TRANSACTION = "POSSIBLE_DUPLICATE_TRANSACTION", Subject.TRANSACTION
    MISSING_QUANTITY = "MISSING_QUANTITY", Subject.TRANSACTION
    MISSING_COST = "MISSING_COST", Subject.TRANSACTION
    INCOME_WITHOUT_HOLDING = "INCOME_WITHOUT_HOLDING", Subject.TRANSACTION
    LOT_NOT_THERE = "LOT_NOT_THERE", Subject.TRANSACTION
    BAD_ISIN = "BAD_ISIN", Subject.INSTRUMENT
    DUPLICATE_ISIN = "DUPLICATE_ISIN", Subject.INSTRUMENT
    NO_PRICE = "NO_PRICE", Subject.PRICES
    STALE_PRICE = "STALE_PRICE", Subject.PRICES
    PRICE_JUMP = "PRICE_JUMP", Subject.PRICES
    MISSING_RATE = "MISSING_RATE", Subject.RATE
    RATE_JUMP = "RATE_JUMP", Subject.RATE
