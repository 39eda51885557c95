"""The filter of the allocation on the admin's first page, and the breadcrumbs that show it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assets.models import AssetType, Tag
from assets.models.classification import Group
from portfolios.models import Portfolio
from reports.queries.groups import NONE_LABELS, category_tree
from reports.queries.keys import NONE_KEY, key_text
from strata.fields.currencies import validate_currency

# Each filter parameter of the page, and the way of grouping whose groups it names.
SPLIT_BY = {
    "group": "group",
    "type": "type",
    "tag": "tag",
    "asset_currency": "currency",
    "category": "category",
}

NO_SUCH = {
    "type": _("There is no such type."),
    "tag": _("There is no such tag."),
    "category": _("There is no such category."),
}


class IdOrNone(forms.UUIDField):
    """An id as text, or "none"."""

    def to_python(self, value: Any) -> str | None:  # type: ignore[override]  # Django takes any value
        if value == NONE_KEY:
            return NONE_KEY
        pk = super().to_python(value)
        return None if pk is None else str(pk)


class DrillDownForm(forms.Form):
    """The filter parameters of the page's address. A group that the portfolios' households do not have is an error."""

    group = forms.ChoiceField(label=_("Asset class"), choices=Group.choices, required=False)
    type = IdOrNone(label=_("Type"), required=False)
    tag = IdOrNone(label=_("Tag"), required=False)
    asset_currency = forms.CharField(label=_("Currency"), required=False, validators=[validate_currency])  # type: ignore[list-item]  # Django ignores what it returns
    category = IdOrNone(label=_("Category"), required=False)

    def __init__(self, given: Any, *, portfolios: Sequence[Portfolio]) -> None:
        super().__init__(given)
        self.households = {portfolio.household_id for portfolio in portfolios}
        self.names: dict[str, str] = {}
        self.category_path: list[tuple[UUID, str]] = []
        self.is_valid()

    def clean_type(self) -> str | None:
        """Own types of the households, and the shared types."""
        # nosemgrep: rows-through-for-user - the households are those that the page is of
        types = AssetType.objects.filter(Q(household=None) | Q(household__in=self.households))
        return self.named("type", types)

    def clean_tag(self) -> str | None:
        # nosemgrep: rows-through-for-user - the households are those that the page is of
        tags = Tag.objects.filter(household__in=self.households)
        return self.named("tag", tags)

    def named(self, field: str, rows: Any) -> str | None:
        wanted: str | None = self.cleaned_data[field]
        if wanted == NONE_KEY and field in NONE_LABELS:
            self.names[field] = str(NONE_LABELS[field])
        elif wanted:
            row = None if wanted == NONE_KEY else rows.filter(pk=wanted).first()
            if row is None:
                raise ValidationError(NO_SUCH[field])
            self.names[field] = str(row)
        return wanted

    def clean_asset_currency(self) -> str:
        code: str = self.cleaned_data["asset_currency"]
        return code.upper()

    def clean_category(self) -> str | None:
        wanted: str | None = self.cleaned_data["category"]
        if wanted and wanted != NONE_KEY:
            tree = category_tree(self.households)
            if UUID(wanted) not in tree.parents:
                raise ValidationError(NO_SUCH["category"])
            self.category_path = [(pk, tree.names[pk]) for pk in tree.path(UUID(wanted))]
        return wanted

    @property
    def chosen(self) -> dict[str, str]:
        """The filter parameters that are set, as in the page's address."""
        return {name: self.cleaned_data[name] for name in SPLIT_BY if self.cleaned_data.get(name)}

    @property
    def report_params(self) -> dict[str, Any]:
        """The filter as keyword arguments of the reports."""
        chosen = self.chosen
        asset_filter: dict[str, Any] = {}
        for name in ("group", "type", "asset_currency"):
            if name in chosen:
                asset_filter[SPLIT_BY[name]] = [chosen[name]]
        for name in ("tag", "category"):
            if name in chosen:
                asset_filter[SPLIT_BY[name]] = None if chosen[name] == NONE_KEY else UUID(chosen[name])
        category = asset_filter.pop("category") if asset_filter.get("category") else None
        return {"category": category, "asset_filter": asset_filter}

    def steps(self) -> Iterator[tuple[str, str, str]]:
        """(parameter, value, the group's name) for each filter, from the whole down to the group shown."""
        for name, value in self.chosen.items():
            if name == "category" and self.category_path:
                yield from (("category", key_text(pk), category) for pk, category in self.category_path)
            elif name == "category":
                yield name, value, str(NONE_LABELS["category"])
            elif name == "group":
                yield name, value, str(Group(value).label)
            else:
                yield name, value, self.names.get(name, value)

    def breadcrumbs(self) -> list[tuple[str, dict[str, str]]]:
        """(name, parameters that show it) from the whole down to the group shown; empty without a filter."""
        crumbs: list[tuple[str, dict[str, str]]] = []
        so_far: dict[str, str] = {}
        shown = gettext("All")
        for name, value, group in self.steps():
            crumbs.append((shown, so_far | {"group_by": SPLIT_BY[name]}))
            so_far = so_far | {name: value}
            shown = group
        return [*crumbs, (shown, so_far)] if crumbs else []
