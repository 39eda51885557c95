"""Choosing a row in the admin by typing and searching. No page lists all rows of a table.

A select fetches its options from the site's autocomplete URL, which asks the page of the related model (`choosable`,
`choice_texts`). A filter lists up to MOST_LISTED rows; with more rows it is such a select.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext
from unfold.contrib.filters.forms import AutocompleteDropdownForm

if TYPE_CHECKING:
    _Select = AutocompleteSelect
else:
    _Select = object  # the mixin comes before a select of Django among its bases

MOST_LISTED = 50
FILTER_TEMPLATE = "unfold/filters/filters_field.html"


def parse_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def texts_of(rows: Iterable[models.Model], model: type[models.Model]) -> dict[Any, str]:
    """The text of each row in a select, by its key."""
    page: Any = admin.site._registry[model]
    texts: dict[Any, str] = page.choice_texts(list(rows))
    return texts


class ChosenRows(_Select):
    """Shared by both selects: only the chosen rows are rendered. `narrow` adds parameters to the URL of the options."""

    asked: dict[str, Any] = {}

    def narrow(self, **asked: Any) -> None:
        self.asked = {**self.asked, **asked}

    def get_url(self) -> str:
        return f"{super().get_url()}?{urlencode(self.asked)}" if self.asked else super().get_url()

    def optgroups(self, name: str, value: Any, attrs: dict[str, Any] | None = None) -> list[Any]:
        """Django's own method queries for whatever was posted, and raises where that is not a key."""
        options = [self.create_option(name, "", "", False, 0)] if self.may_be_empty() else []
        rows = self.choices.queryset
        chosen = rows.filter(pk__in=[key for key in value if is_key_of(rows.model, key)])
        for pk, text in texts_of(chosen, rows.model).items():
            options.append(self.create_option(name, str(pk), text, True, len(options)))
        return [(None, options, 0)]

    def may_be_empty(self) -> bool:
        return not self.is_required and not self.allow_multiple_selected


class RowSelect(ChosenRows, AutocompleteSelect):
    pass


class RowsSelect(ChosenRows, AutocompleteSelectMultiple):
    pass


def is_key_of(model: type[models.Model], value: Any) -> bool:
    try:
        return model._meta.pk.to_python(value) is not None
    except ValidationError:
        return False


class ChoicesView(AutocompleteJsonView):
    """The options of a select: the rows that the caller may see and choose there, and that match the typed text."""

    model_admin: Any

    def process_request(self, request: HttpRequest) -> Any:
        term, *rest = super().process_request(request)
        return term.replace("\x00", ""), *rest

    def get_queryset(self) -> Any:
        return self.model_admin.choosable(super().get_queryset(), self.request)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        self.texts = texts_of(context["object_list"], self.model_admin.model)
        return context

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        return super().serialize_result(obj, to_field_name) | {"text": self.texts[obj.pk]}


def offer_choices(request: HttpRequest) -> HttpResponseBase:
    return ChoicesView.as_view(admin_site=admin.site)(request)


# --- filters ---


class RowFilterForm(AutocompleteDropdownForm):  # type: ignore[misc]  # unfold is untyped
    widget = RowSelect

    def __init__(self, *args: Any, rows: QuerySet[Any], name: str, **kwargs: Any) -> None:
        super().__init__(*args, name=name, choices=(), **kwargs)
        self.fields[name].queryset = rows


def filter_of_many(
    spec: Any, *, parameter: str, value: Any, field: Any, rows: QuerySet[Any], request: HttpRequest
) -> dict[str, Any]:
    """The choice of a filter with more rows than MOST_LISTED: a select with a search."""
    form = RowFilterForm(
        request=request,
        name=parameter,
        label=gettext("By %(title)s") % {"title": spec.title},
        field=field,
        model_admin=admin.site._registry[field.model],
        rows=rows,
        data={parameter: value},
    )
    return {"form": form}


class OwnRowsFilter(admin.RelatedFieldListFilter):
    """Offers only rows of the caller's households; a superuser gets the rows of all households."""

    form_class = RowFilterForm  # the theme loads its scripts
    lookup_val: Any
    rows: Any

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        """A select without a choice is sent with an empty value: no filter."""
        if self.lookup_val == [""]:
            del self.used_parameters[self.lookup_kwarg]
        return super().queryset(request, queryset)

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[Any]:
        self.request, rows = request, field.related_model._default_manager.all()
        self.rows = rows if request.user.is_superuser else rows.for_user(request.user)
        listed = list(texts_of(self.rows[: MOST_LISTED + 1], field.related_model).items())
        if len(listed) > MOST_LISTED:
            self.template = FILTER_TEMPLATE
        return listed

    def choices(self, changelist: Any) -> Iterator[Any]:
        if len(self.lookup_choices) <= MOST_LISTED:
            yield from super().choices(changelist)
            return
        yield filter_of_many(
            self,
            parameter=self.lookup_kwarg,
            value=self.lookup_val[-1] if self.lookup_val else None,
            field=self.field,
            rows=self.rows,
            request=self.request,
        )
