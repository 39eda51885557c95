"""What a check found, and the key by which it is dismissed."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any, Literal

from reports.calculations.quality.codes import Code

type Severity = Literal["warning", "note"]


KEY_DIGITS = 24
KEY_PATTERN = "^[A-Z_]+-[0-9a-f]+$"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to look at. `on` is the day of the value or rate; `other` is the asset that this one may duplicate.

    `asset` is None if the finding is about a rate.

    `facts`, with `asset` and `other`, identify the finding; by default the day. `params` are the values that the
    message names: amounts, days, numbers of days.
    """

    code: Code
    asset: Hashable
    on: date | None
    message: str
    severity: Severity
    other: Hashable | None = None
    facts: tuple[Hashable, ...] = field(default=(), kw_only=True)
    params: Mapping[str, Any] = field(default_factory=dict, kw_only=True, compare=False)

    @property
    def key(self) -> str:
        """Identifies the finding by its code, its assets and its facts: if the facts change, the key changes."""
        return key_of(self.code, self.asset, self.other, *(self.facts or (self.on,)))


def key_of(code: Code, *named: Hashable) -> str:
    digest = sha256("\n".join(map(str, named)).encode()).hexdigest()
    return f"{code}-{digest[:KEY_DIGITS]}"


def stale_value_key(asset: Hashable, value_on: date) -> str:
    """The key of the finding that the asset's last value, of that day, is out of date."""
    return key_of(Code.STALE_VALUE, asset, None, value_on)


def is_key(text: str) -> bool:
    """Whether the text has the form of a finding's key."""
    return re.fullmatch(KEY_PATTERN, text) is not None
