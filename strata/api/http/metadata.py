"""The answer to OPTIONS: what the caller may send to a route. It reads like a GET, and locks nothing."""

from __future__ import annotations

from typing import Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.request import clone_request

from strata.exceptions import Forbidden


class Metadata(SimpleMetadata):
    """404 for a row that the caller cannot see, like its GET. No `actions` for a caller who may only read."""

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
        """Decided by the role in the row's household. True where the path has no row: then the body decides."""
        if row is None or not hasattr(view, "require_write_role"):
            return True
        try:
            view.require_write_role(row)
        except Forbidden:
            return False
        return True
