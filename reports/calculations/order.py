"""The order of groups for rounding: by key, so that it does not depend on the database.

Keys never change, so a tie in rounding is decided the same way even if a group is renamed. Users see groups ordered by
name: reports.queries.groups.by_name.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping


def by_key[Figure](groups: Mapping[Hashable, Figure]) -> dict[Hashable, Figure]:
    """The groups ordered by their keys as text; None (in no group) is last."""
    return dict(sorted(groups.items(), key=lambda item: (item[0] is None, str(item[0]))))
