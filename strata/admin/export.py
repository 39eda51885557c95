"""The control "Export" of a page: the API's table of the same rows, with the page's filters and columns to choose."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from django.urls import get_script_prefix, resolve, reverse

from strata.api.http.csv_columns import columns_of

IN_THE_PATH = ""  # what a filter is called that the path of the API's list names
# How Django's filters end the name of the field that they compare.
EXACT = ("__id__exact", "__exact")
VALUES = {"yes": "true", "no": "false"}  # of a filter, as the API writes them
# What is in the address of a list beside its filters: its order, its page, and what a popup needs.
NO_FILTERS = frozenset({"o", "p", "q", "all", "e", "_facets", "_popup", "_to_field", "_changelist_filters"})


@dataclass(frozen=True, slots=True)
class Export:
    """`filters` are parameters of the API. `drops_filters` says that it has none for some filter of the page,
    `of_own_households` that the page has rows of more households than the API gives.
    """

    address: str
    filters: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    drops_filters: bool = False
    of_own_households: bool = False

    @property
    def csv_address(self) -> str:
        """With a byte order mark, for Excel."""
        return self.address_of("csv", ("bom", "1"))

    @property
    def xlsx_address(self) -> str:
        return self.address_of("xlsx")

    def address_of(self, table_format: str, *more: tuple[str, str]) -> str:
        return f"{self.address}?{urlencode([*self.filters, ('format', table_format), *more])}"


def export_of_report(
    route: str, columns: Iterable[str], *, args: Sequence[Any] = (), **filters: Any
) -> Export:
    """Filters without a value are left out."""
    chosen = tuple((name, str(value)) for name, value in filters.items() if value not in (None, ""))
    return Export(reverse(route, args=args), chosen, tuple(columns))


def export_of_list(
    route: str,
    params: Mapping[str, Sequence[str]],
    *,
    names: Mapping[str, str],
    query: str = "",
    args: Sequence[Any] = (),
    of_own_households: bool = False,
) -> Export:
    """`params` are those of the list's address; `names` says which parameter of the API a field of a filter is."""
    address = reverse(route, args=args)
    view = resolve(address.removeprefix(get_script_prefix().rstrip("/"))).func.cls  # type: ignore[attr-defined]  # of DRF
    asked = {field_of(name): values for name, values in params.items() if name not in NO_FILTERS}
    wanted = {
        names.get(field, field): [VALUES.get(value, value) for value in values]
        for field, values in asked.items()
        if any(values) and names.get(field) != IN_THE_PATH
    }
    if query:
        wanted["search"] = [query]
    kept = {name: values for name, values in wanted.items() if takes(view, name, values)}
    return Export(
        address,
        tuple((name, value) for name, values in kept.items() for value in values),
        columns_of_list(view),
        drops_filters=len(kept) < len(wanted),
        of_own_households=of_own_households,
    )


def takes(view: Any, name: str, values: Sequence[str]) -> bool:
    """Whether the API's list has the filter, with so many values."""
    return name in view.parameters and (len(values) == 1 or view.parameters[name].many)


def field_of(parameter: str) -> str:
    for ending in EXACT:
        if parameter.endswith(ending):
            return parameter.removesuffix(ending)
    return parameter


@cache
def columns_of_list(view: type[Any]) -> tuple[str, ...]:
    return tuple(columns_of(view.serializer_class()))
