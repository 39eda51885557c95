"""Names by which an import finds assets again: by name and currency, so that two assets cannot have the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from strata.fields.names import name_key


def unique_names(assets: Sequence[tuple[str, str]]) -> list[str]:
    """The names of assets with these names and currencies: of two with the same the second is called `Name (2)`."""
    taken = Counter((name_key(name), currency) for name, currency in assets)
    seen: Counter[tuple[str, str]] = Counter()
    names = []
    for name, currency in assets:
        key = name_key(name), currency
        seen[key] += 1
        number, unique = seen[key], name
        while number > 1 and taken[name_key(unique), currency]:
            unique = f"{name} ({number})"
            number += 1
        if unique != name:
            taken[name_key(unique), currency] += 1
        names.append(unique)
    return names
