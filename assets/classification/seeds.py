"""What every installation starts with: the shared asset types, and the categories of a new household."""

from __future__ import annotations

from typing import Any

SHARED_TYPES = (
    # number (the id's last digits), code, label, group, kind, stale after days
    (1, "CASH", "Cash", "FINANCIAL", "balance", 90),
    (2, "CHECKING_ACCOUNT", "Checking account", "FINANCIAL", "balance", 45),
    (3, "SAVINGS_ACCOUNT", "Savings account", "FINANCIAL", "balance", 100),
    (4, "REAL_ESTATE", "Real estate", "REAL_ESTATE", "value", 730),
    (5, "STOCKS", "Stocks", "FINANCIAL", "value", 35),
    (6, "BONDS", "Bonds", "FINANCIAL", "value", 35),
    (7, "CRYPTO", "Crypto", "FINANCIAL", "value", 14),
    (8, "COMMODITIES", "Commodities", "FINANCIAL", "value", 100),
    (9, "PERSONAL_PROPERTY", "Personal property", "PERSONAL_PROPERTY", "value", 1095),
    (10, "COLLECTIBLES", "Collectibles", "PHYSICAL_COLLECTIONS", "value", 730),
    (11, "BUSINESS_OWNERSHIP", "Business ownership", "FINANCIAL", "value", 400),
    (12, "LOAN", "Loan", "LIABILITIES", "balance", 100),
    (13, "CREDIT_CARD", "Credit card", "LIABILITIES", "balance", 45),
    (14, "MORTGAGE", "Mortgage", "LIABILITIES", "balance", 100),
    (15, "OTHER", "Other", "OTHER", "value", 365),
    (16, "VEHICLE", "Vehicle", "PERSONAL_PROPERTY", "value", 400),
)

STARTER_CATEGORIES = {
    "Financial Assets": ("Cash & Banking", "Investments", "Cryptocurrency"),
    "Real Estate": ("Residential", "Commercial"),
    "Personal Property": ("Electronics & Tech", "Vehicles", "Clothing & Fashion"),
    "Collections": ("Art & Antiques", "Hobbies & Sports"),
    "Liabilities": ("Loans & Credit", "Mortgages"),
}


def type_id(number: int) -> str:
    """The fixed id of a shared type, the same on every installation."""
    return f"00000000-0000-7000-8000-{number:012d}"


def shared_types() -> list[dict[str, Any]]:
    names = ("code", "label", "group", "kind", "stale_after_days")
    return [{"id": type_id(number), **dict(zip(names, rest, strict=True))} for number, *rest in SHARED_TYPES]
