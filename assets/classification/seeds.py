"""The shared asset types of every installation, and the categories of a new household."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class TypeId(StrEnum):
    """The ids of the shared types by code; the same on every installation."""

    CASH = "00000000-0000-7000-8000-000000000001"
    CHECKING_ACCOUNT = "00000000-0000-7000-8000-000000000002"
    SAVINGS_ACCOUNT = "00000000-0000-7000-8000-000000000003"
    REAL_ESTATE = "00000000-0000-7000-8000-000000000004"
    STOCKS = "00000000-0000-7000-8000-000000000005"
    BONDS = "00000000-0000-7000-8000-000000000006"
    CRYPTO = "00000000-0000-7000-8000-000000000007"
    COMMODITIES = "00000000-0000-7000-8000-000000000008"
    PERSONAL_PROPERTY = "00000000-0000-7000-8000-000000000009"
    COLLECTIBLES = "00000000-0000-7000-8000-000000000010"
    BUSINESS_OWNERSHIP = "00000000-0000-7000-8000-000000000011"
    LOAN = "00000000-0000-7000-8000-000000000012"
    CREDIT_CARD = "00000000-0000-7000-8000-000000000013"
    MORTGAGE = "00000000-0000-7000-8000-000000000014"
    OTHER = "00000000-0000-7000-8000-000000000015"
    VEHICLE = "00000000-0000-7000-8000-000000000016"
    PENSION = "00000000-0000-7000-8000-000000000017"
    FUND = "00000000-0000-7000-8000-000000000018"
    INSURANCE = "00000000-0000-7000-8000-000000000019"
    STUDENT_LOAN = "00000000-0000-7000-8000-000000000020"


SHARED_TYPES = (
    # code, label, group, kind, stale after days, liquid
    ("CASH", "Cash", "FINANCIAL", "balance", 90, True),
    ("CHECKING_ACCOUNT", "Checking account", "FINANCIAL", "balance", 45, True),
    ("SAVINGS_ACCOUNT", "Savings account", "FINANCIAL", "balance", 100, True),
    ("REAL_ESTATE", "Real estate", "REAL_ESTATE", "value", 730, False),
    ("STOCKS", "Stocks", "FINANCIAL", "value", 35, True),
    ("BONDS", "Bonds", "FINANCIAL", "value", 35, True),
    ("CRYPTO", "Crypto", "FINANCIAL", "value", 14, True),
    ("COMMODITIES", "Commodities", "FINANCIAL", "value", 100, True),
    ("PERSONAL_PROPERTY", "Personal property", "PERSONAL_PROPERTY", "value", 1095, False),
    ("COLLECTIBLES", "Collectibles", "PHYSICAL_COLLECTIONS", "value", 730, False),
    ("BUSINESS_OWNERSHIP", "Business ownership", "FINANCIAL", "value", 400, False),
    ("LOAN", "Loan", "LIABILITIES", "balance", 100, None),
    ("CREDIT_CARD", "Credit card", "LIABILITIES", "balance", 45, None),
    ("MORTGAGE", "Mortgage", "LIABILITIES", "balance", 100, None),
    ("OTHER", "Other", "OTHER", "value", 365, False),
    ("VEHICLE", "Vehicle", "PERSONAL_PROPERTY", "value", 400, False),
    ("PENSION", "Pension", "FINANCIAL", "value", 400, False),
    ("FUND", "ETF or fund", "FINANCIAL", "value", 35, True),
    ("INSURANCE", "Insurance", "FINANCIAL", "value", 400, False),
    ("STUDENT_LOAN", "Student loan", "LIABILITIES", "balance", 100, None),
)

STARTER_CATEGORIES = {
    "Financial assets": ("Cash & banking", "Investments", "Cryptocurrency"),
    "Real estate": ("Residential", "Commercial"),
    "Personal property": ("Electronics & tech", "Vehicles", "Clothing & fashion"),
    "Collections": ("Art & antiques", "Hobbies & sports"),
    "Debts": ("Loans & credit", "Mortgages"),
}


def shared_types() -> list[dict[str, Any]]:
    names = ("code", "label", "group", "kind", "stale_after_days", "liquid")
    return [
        {"id": TypeId[code].value, **dict(zip(names, (code, *rest), strict=True))}
        for code, *rest in SHARED_TYPES
    ]
