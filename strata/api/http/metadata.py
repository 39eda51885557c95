"""What OPTIONS answers: what a route takes of the caller. It reads as a GET does, and locks nothing."""

from __future__ import annotations

from typing import Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.request import clone_request

from strata.exceptions import Forbidden


class Metadata(SimpleMetadata):
    """404 for a row that the caller cannot see, as its GET; without `actions` for whoever may only look."""

    def determine_actions(self, request: Any, view: Any) -> dict[str, Any]:
        view.request = clone_request(request, "GET")
        try:
            row = view.get_object() if "pk" in view.kwargs else None
            written = sorted({"PUT", "POST"} & set(view.allowed_methods))
            if not written or not self.may_write(view, row):
                return {}
            return {method: self.get_serializer_info(view.get_serializer()) for method in written}
        finally:
            view.request = request

    def may_write(self, view: Any, row: Any) -> bool:
        """By the role in the row's household; where the path names no row, the body will decide."""
        if row is None or not hasattr(view, "require_writer"):
            return True
        try:
            view.require_writer(row)
        except Forbidden:
            return False
        return True
