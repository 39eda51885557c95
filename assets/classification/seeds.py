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


SHARED_TYPES = (
    # code, label, group, kind, stale after days
    ("CASH", "Cash", "FINANCIAL", "balance", 90),
    ("CHECKING_ACCOUNT", "Checking account", "FINANCIAL", "balance", 45),
    ("SAVINGS_ACCOUNT", "Savings account", "FINANCIAL", "balance", 100),
    ("REAL_ESTATE", "Real estate", "REAL_ESTATE", "value", 730),
    ("STOCKS", "Stocks", "FINANCIAL", "value", 35),
    ("BONDS", "Bonds", "FINANCIAL", "value", 35),
    ("CRYPTO", "Crypto", "FINANCIAL", "value", 14),
    ("COMMODITIES", "Commodities", "FINANCIAL", "value", 100),
    ("PERSONAL_PROPERTY", "Personal property", "PERSONAL_PROPERTY", "value", 1095),
    ("COLLECTIBLES", "Collectibles", "PHYSICAL_COLLECTIONS", "value", 730),
    ("BUSINESS_OWNERSHIP", "Business ownership", "FINANCIAL", "value", 400),
    ("LOAN", "Loan", "LIABILITIES", "balance", 100),
    ("CREDIT_CARD", "Credit card", "LIABILITIES", "balance", 45),
    ("MORTGAGE", "Mortgage", "LIABILITIES", "balance", 100),
    ("OTHER", "Other", "OTHER", "value", 365),
    ("VEHICLE", "Vehicle", "PERSONAL_PROPERTY", "value", 400),
)

STARTER_CATEGORIES = {
    "Financial Assets": ("Cash & Banking", "Investments", "Cryptocurrency"),
    "Real Estate": ("Residential", "Commercial"),
    "Personal Property": ("Electronics & Tech", "Vehicles", "Clothing & Fashion"),
    "Collections": ("Art & Antiques", "Hobbies & Sports"),
    "Liabilities": ("Loans & Credit", "Mortgages"),
}


def shared_types() -> list[dict[str, Any]]:
    names = ("code", "label", "group", "kind", "stale_after_days")
    return [
        {"id": TypeId[code].value, **dict(zip(names, (code, *rest), strict=True))}
        for code, *rest in SHARED_TYPES
    ]
