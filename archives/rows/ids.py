"""The ids of a restored household: those of the archive, or others in the same order.

Another id differs in its last 32 bits, all by the same random number. So rows that are ordered by id stay so, no two
ids become the same, and no table of ids is needed. Nobody can choose the id that a row will get.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import models

ID_BITS = 32
KEPT = 4096  # ids of requests that are remembered
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ID_LENGTH = 36


def random_mask() -> int:
    return secrets.randbelow(2**ID_BITS - 1) + 1


class IdIsTaken(Exception):
    """No id can stay: that of a shared row which becomes the household's own is taken, or one was not looked for."""


class Ids:
    """`mask` is 0 where ids stay. `own` are the ids of the archive that loose references and texts may name."""

    def __init__(self, mask: int, own: set[str]) -> None:
        self.mask, self.own = mask, own
        self.stray_mask = mask or random_mask()
        self.shared: dict[str, str] = {}  # ids of rows that this database has for all households
        # Of each model that others refer to: the ids in the archive, and what they become.
        self.known: dict[type[models.Model], dict[str, str]] = {}
        self.request_id = lru_cache(KEPT)(self._request_id)

    @property
    def remapped(self) -> bool:
        return self.mask != 0

    def require_own(self, text: str) -> None:
        """Raises IdIsTaken for an id that was not looked for, where ids stay: only a forger hides one."""
        if not self.mask and text not in self.own:
            raise IdIsTaken(text)

    def of_row(self, text: str) -> str:
        """The id of a row of the archive as it will be, in 32 hexadecimal digits. ValueError for what is none."""
        if not ID.fullmatch(text):
            raise ValueError(text)
        digits = text.replace("-", "")
        return f"{int(digits, 16) ^ self.mask:032x}" if self.mask else digits

    def of_rows(self, texts: Sequence[Any]) -> list[str]:
        """The same of many. TypeError where one is no text."""
        if not all(map(ID.fullmatch, texts)):
            raise ValueError("one of them is no id")
        if not self.mask:
            return [text.replace("-", "") for text in texts]
        mask = self.mask
        return [f"{int(text.replace('-', ''), 16) ^ mask:032x}" for text in texts]

    def loose(self, text: str) -> str:
        """The same of a reference to a row that may be gone. An id of no row of the archive is never the same after."""
        if not ID.fullmatch(text):
            raise ValueError(text)
        if text in self.shared:
            return self.shared[text]
        if self.mask or text in self.own:
            return self.of_row(text)
        return f"{int(text.replace('-', ''), 16) ^ self.stray_mask:032x}"

    def in_text(self, text: str) -> str:
        """The text with what becomes of the ids in it. Ids of no row of the archive stay as they are."""
        if len(text) < ID_LENGTH or not (self.mask or self.shared):
            return text
        return ID.sub(self._replaced, text)

    def _replaced(self, match: re.Match[str]) -> str:
        text = match[0]
        return self.loose_with_hyphens(text) if text in self.own or text in self.shared else text

    def loose_with_hyphens(self, text: str) -> str:
        return str(UUID(self.loose(text)))

    def in_document(self, value: Any) -> Any:
        """The same in all texts of a JSON value, keys of objects included."""
        if isinstance(value, str):
            return self.in_text(value)
        if isinstance(value, list):
            return [self.in_document(item) for item in value]
        if isinstance(value, dict):
            return {self.in_text(key): self.in_document(item) for key, item in value.items()}
        return value

    def all_in_text(self, text: str) -> str:
        """The text with all ids as loose references: for what is written to the rows that it names."""
        return ID.sub(lambda match: self.loose_with_hyphens(match[0]), text)

    def _request_id(self, text: str) -> str:
        """The id of a request: of a copy it is another one, because an undo looks for all that a request wrote."""
        if not text or not self.mask:
            return text
        digest = hashlib.blake2b(text.encode(), digest_size=16, key=self.mask.to_bytes(4)).digest()
        return str(UUID(bytes=digest))
