"""The one order of groups, whatever order a database gave its rows in.

Rounding goes by keys, which nobody renames: a tie falls the same way whatever things are called. People see names:
reports.queries.groups.by_name.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping


def by_key[Figure](groups: Mapping[Hashable, Figure]) -> dict[Hashable, Figure]:
    """The groups by their keys as text, and None, which is in no group, last."""
    return dict(sorted(groups.items(), key=lambda item: (item[0] is None, str(item[0]))))
