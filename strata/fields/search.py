"""Search: the words of a text, each in any of some fields. Lists of the API and of the admin search alike."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from django.db.models import Q, QuerySet


def matching(rows: QuerySet, lookups: Iterable[str], words: Iterable[str]) -> QuerySet:
    """The rows in which each word is in one of the fields, whatever its case.

    Of a name its key is asked, `name_key__has_part`; of other text, which has none, `icontains`.
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
