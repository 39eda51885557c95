"""The one order of groups and assets, whatever order a database gave its rows in.

Rounding goes by keys, which nobody renames: a tie falls the same way whatever things are called. People see names.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping


def by_key[Figure](groups: Mapping[Hashable, Figure]) -> dict[Hashable, Figure]:
    """The groups by their keys as text, and None, which is in no group, last."""
    return dict(sorted(groups.items(), key=lambda item: (item[0] is None, str(item[0]))))


def by_name(names: Mapping[Hashable, str]) -> dict[Hashable, str]:
    """Keys and what they are called, as `alphabetical` has them; None last."""
    return dict(sorted(names.items(), key=lambda item: (item[0] is None, *alphabetical(item[1], item[0]))))


def alphabetical(name: str, key: Hashable) -> tuple[str, str, str]:
    """What to sort by: the name without regard to case, then as written, then the key."""
    return name.casefold(), name, str(key)
