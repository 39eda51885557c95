"""Rows that a caller names by an id, a code or a name, among those that the caller may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from strata.api.parameters import TEXT, UUID_SCHEMA, Parameter, read_text
from strata.exceptions import Conflict, NotFound
from strata.fields.ids import CANONICAL_ID
from strata.fields.names import name_key
from strata.tenancy.querysets import Owned

MOST_NAMED = 10  # ids in the message of an ambiguous name
ID_OR_NAME = {"anyOf": [UUID_SCHEMA, TEXT]}


@dataclass(frozen=True)
class NamedRows:
    """Rows of a model that have names. `resource` is their name in errors, `key` the column of the names' keys.

    `code` is the column of codes, where there are any. A code is tried before a name, and an id before both.
    """

    model: type[Owned]
    resource: str
    key: str = "name_key"
    code: str = ""

    def ids(self, texts: Sequence[str], user: Any, field: str) -> list[UUID]:
        """The id of the row that each text names, by one query. `field` is named in errors.

        Raises NotFound where the user sees no such row, and Conflict where the user sees several.
        """
        keys = {text: name_key(text) for text in texts if not CANONICAL_ID.fullmatch(text)}
        wanted = Q(pk__in=[text for text in texts if text not in keys]) | Q(
            **{f"{self.key}__in": {*keys.values()}}
        )
        columns = ["pk", self.key]
        if self.code:
            wanted, columns = wanted | Q(**{f"{self.code}__in": [*keys]}), [*columns, self.code]
        rows = list(self.model.objects.for_user(user).filter(wanted).order_by("pk").values_list(*columns))
        return [self._only(self._matches(text, keys.get(text), rows), field) for text in texts]

    def _matches(self, text: str, key: str | None, rows: list[tuple[Any, ...]]) -> list[UUID]:
        if key is None:
            return [row[0] for row in rows if row[0] == UUID(text)]
        by_code = [row[0] for row in rows if self.code and row[2] == text]
        return by_code or [row[0] for row in rows if row[1] == key]

    def _only(self, ids: list[UUID], field: str) -> UUID:
        if not ids:
            raise NotFound(self.resource, field)
        if len(ids) > 1:
            named = ", ".join(map(str, ids[:MOST_NAMED])) + (" and others" if len(ids) > MOST_NAMED else "")
            raise Conflict("AMBIGUOUS_NAME", f"Several have that name. Send one of the ids: {named}.", field)
        return ids[0]


def named_filter(
    name: str, rows_named: NamedRows, lookup: str | Callable[[Any, list[UUID], Any], Any], about: str = ""
) -> Parameter:
    """The rows that belong to the named row; 404 where the caller does not see it. `name` is the parameter's."""

    def apply(rows: Any, texts: list[str], view: Any) -> Any:
        ids = rows_named.ids(texts, view.request.user, name)
        return rows.filter(**{f"{lookup}__in": ids}) if isinstance(lookup, str) else lookup(rows, ids, view)

    by = "By id, code or name." if rows_named.code else "By id or name."
    return Parameter(read_text, apply, ID_OR_NAME, f"{by} {about}".strip())


def name_filter(key: str = "name_key") -> Parameter:
    """The rows with exactly this name, compared as names are for uniqueness."""

    def apply(rows: Any, texts: list[str], view: Any) -> Any:
        return rows.filter(**{f"{key}__in": [name_key(text) for text in texts]})

    return Parameter(read_text, apply, TEXT, "Exactly this name, in any case.")
