"""For migrations that change the rule for keys of names, so that names of several rows may become equal.

Of rows with equal names the oldest keeps its name. Each newer row gets the next free number, "Flat (2)", with a journal
entry. No row is lost, and the same rows get the same names on every database.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F
from django.utils import timezone

from strata.audit.recording import row_image
from strata.fields.names import name_key

WRITTEN_BY = "migrate"  # the channel of the journal entries


def first_name_key(name: str) -> str:
    """The key of the first release: case folding and NFC."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())


@dataclass(frozen=True)
class Names:
    """A model's names and their keys. `scope` are columns, the first of which that is not null is the scope in which
    keys are unique. None where keys need not be unique."""

    label: str
    scope: tuple[str, ...] | None = None
    name: str = "name"
    key: str = "name_key"
    age: tuple[str, ...] = ("created_at", "pk")
    numbered: str = " ({})"
    household: str | None = "household_id"
    image: Callable[[Any, Any], dict[str, Any]] = field(default=lambda rows, pk: stored_image(rows, pk))


def stored_image(rows: Any, pk: Any) -> dict[str, Any]:
    return rows.filter(pk=pk).values_list(row_image(rows.model), flat=True).get()


def keys_of_names(*all_names: Names) -> tuple[Callable[..., None], Callable[..., None]]:
    """Both directions of a RunPython: to the present key, and back to that of the first release."""

    def forwards(apps: Any, schema_editor: Any) -> None:
        for names in all_names:
            alias = schema_editor.connection.alias
            rows = apps.get_model(names.label)._base_manager.using(alias)
            if names.scope is not None:
                for old, new in renamed(names, rows, apps.get_model("strata.Change")._base_manager.using(alias)):
                    # nosemgrep: no-print - the operator has to know about renamed rows
                    print(f"\n    {names.label}: {old!r} is called {new!r} now: its name was in use", end="")
            give_keys(names, rows, name_key)

    def backwards(apps: Any, schema_editor: Any) -> None:
        for names in all_names:
            rows = apps.get_model(names.label)._base_manager.using(schema_editor.connection.alias)
            give_keys(names, rows, first_name_key)

    return forwards, backwards


def give_keys(names: Names, rows: Any, key_of: Callable[[str], str]) -> None:
    """Write only the rows whose key changes: of a million rows most are only read."""
    stored = rows.order_by("pk").values_list("pk", names.name, names.key).iterator(chunk_size=2000)
    changed = [(pk, key_of(name)) for pk, name, key in stored if key_of(name) != key]
    for pk, key in changed:
        rows.filter(pk=pk).update(**{names.key: key})


def renamed(names: Names, rows: Any, journal: Any) -> Iterator[tuple[str, str]]:
    """Rename each row that has the same key as an older one. Yields (old, new) for each."""
    groups: dict[Any, dict[Any, str]] = defaultdict(dict)
    for pk, name, *scopes in rows.order_by(*names.age).values_list("pk", names.name, *names.scope):
        groups[next((scope for scope in scopes if scope is not None), None)][pk] = name
    for group in groups.values():
        taken = {name_key(name) for name in group.values()}
        seen = {""}
        for pk, name in group.items():
            if name_key(name) in seen:
                new = free_name(names, rows.model, name, taken)
                taken.add(name_key(new))
                rename(names, rows, journal, pk, new)
                yield name, new
            seen.add(name_key(name))


def free_name(names: Names, model: Any, name: str, taken: set[str]) -> str:
    longest, number = model._meta.get_field(names.name).max_length, 2
    while True:
        end = names.numbered.format(number)
        new = name[: longest - len(end)].rstrip() + end
        if name_key(new) not in taken:
            return new
        number += 1


def rename(names: Names, rows: Any, journal: Any, pk: Any, new: str) -> None:
    row, now = rows.filter(pk=pk), timezone.now()
    household = row.values_list(names.household, flat=True).get() if names.household else None
    journal.create(
        at=now,
        road=WRITTEN_BY,
        model=names.label,
        object_id=pk,
        household_id=household,
        action="update",
        before=names.image(rows, pk),
    )
    fields = {field.name for field in rows.model._meta.concrete_fields}
    also: dict[str, Any] = {"updated_at": now} if "updated_at" in fields else {}
    also |= {"revision": F("revision") + 1} if "revision" in fields else {}
    row.update(**{names.name: new, names.key: name_key(new)}, **also)
