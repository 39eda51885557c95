"""The sections of the dashboards that this process showed last, kept as long as nothing that they show has changed.

The key has the ETag of the reports' state, the user, the address, and what decides how figures are written. Every write
that could change a figure or a name, every rate and every midnight changes that ETag (reports.queries.etag).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any

MOST_PAGES = 16


class KeptPages:
    """At most `most`; the page that was not shown for the longest time goes first."""

    def __init__(self, most: int = MOST_PAGES) -> None:
        self._most = most
        self._pages: OrderedDict[Hashable, dict[str, Any]] = OrderedDict()
        self._lock = Lock()

    def get_or_make(self, key: Hashable, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The kept page, or else the one that is made now. Two threads may make the same page; the last one is kept."""
        with self._lock:
            if key in self._pages:
                self._pages.move_to_end(key)
                return self._pages[key]
        page = make()
        with self._lock:
            self._pages[key] = page
            self._pages.move_to_end(key)
            while len(self._pages) > self._most:
                self._pages.popitem(last=False)
        return page

    def clear(self) -> None:
        with self._lock:
            self._pages.clear()


KEPT = KeptPages()
