"""The last characters of an account's number, by which a person and an import know it. A whole number is never kept."""

from __future__ import annotations

import re

from django.utils.translation import gettext

from assets.rules.refusal import refusal
from strata.exceptions import StrataError
from strata.fields.account_numbers import END_PATTERN, LONGEST_END


def validate_account_number_end(text: str) -> None:
    """400 for more than the end of a number, and for anything but letters and digits."""
    if len(text) > LONGEST_END:
        message = gettext(
            "Give at most its last %(most)s letters and digits: a whole account number is not kept."
        )
        raise StrataError("ACCOUNT_NUMBER_TOO_LONG", message % {"most": LONGEST_END}, "account_number_end")
    if not re.fullmatch(END_PATTERN, text):
        raise refusal("account_number_end", gettext("Use letters and digits alone."))
