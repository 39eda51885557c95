"""Search for all words of a text in several fields. The lists of the API and of the admin use the same search."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.db.models import Model, Q, QuerySet


def matching[Row: Model](rows: QuerySet[Row], lookups: Iterable[str], words: Iterable[str]) -> QuerySet[Row]:
    """The rows in which each word is in one of the fields, in any case.

    Names are searched by key, with `name_key__has_part`. Other text has no key and is searched with `icontains`.
    """
    lookups = tuple(lookups)
    for word in words:
        condition = Q()
        for lookup in lookups:
            condition |= has_word(lookup, word)
        rows = rows.filter(condition)
    return rows


def has_word(lookup: str, word: str) -> Q:
    if lookup.endswith("__has_part"):
        return Q(**{lookup: word})
    condition = Q()
    for form in dict.fromkeys((word, unicodedata.normalize("NFC", word), unicodedata.normalize("NFD", word))):
        condition |= Q(**{f"{lookup}__icontains": form})
    return condition
