"""What every page of the admin shares: lists, search, actions, and writes with their locks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import ActionLocation
from django.contrib.admin.utils import unquote
from django.db import IntegrityError, models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.functional import Promise, cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import View
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from strata.admin.actions import asking_first
from strata.admin.choices import is_key_of
from strata.admin.deletion import count_below, hindrances
from strata.admin.export import Export, export_of_list
from strata.admin.forms import STALE, version_of
from strata.admin.sent_again import forget_attempt, once, once_of_many
from strata.admin.sidebar import Section
from strata.admin.undo import undo_tag
from strata.admin.user_formats.columns import column, formatted_field
from strata.audit import actor
from strata.db.empty_last import EmptyLast, may_be_empty
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError
from strata.fields.active_formats import count_text
from strata.fields.dates import DayFormField, InstantFormField
from strata.fields.names import key_fields
from strata.fields.search import matching

CONFLICTING_SAVE = _(
    "Somebody else saved something in the same moment that this contradicts. Nothing was saved: look again."
)


class NameSortedChangeList(ChangeList):  # type: ignore[misc]  # unfold is untyped
    """A column of names is sorted by the keys of the names, and one with empty cells has them last, as everywhere."""

    def get_ordering_field(self, field_name: str) -> Any:
        ordering_field = super().get_ordering_field(field_name)
        if not isinstance(ordering_field, str):
            return ordering_field
        (name,) = key_fields(self.model, {ordering_field}) or (ordering_field,)
        return EmptyLast(name) if may_be_empty(self.root_queryset, name) else name

    @cached_property  # the template asks twice
    def export(self) -> Export | None:
        """The control that exports the rows of the list, where the API has them."""
        page, user = self.model_admin, actor.current().user
        args = page.export_args(self.filter_params) if page.exported_as else None
        if args is None:
            return None
        return export_of_list(
            page.exported_as,
            self.filter_params,
            names=page.exported_filters,
            query=self.query,
            args=args,
            of_own_households=page.lists_all_households and user is not None and user.is_superuser,
        )


type Overrides = dict[type[models.Field[Any, Any]], dict[str, Any]]
DAYS: Overrides = {
    models.DateField: {"form_class": DayFormField},
    models.DateTimeField: {"form_class": InstantFormField},
}


class StrataModelAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """The base of every page of the admin. `section`, `place` and `icon` are for the menu.

    `menu_title` is its title there; by default that of the list. `empty_text` says what belongs into the list; it is
    shown where the list is empty. `exported_as` is the route of the API's list of these rows, for the control "Export";
    `exported_filters` says which of its parameters a field of `list_filter` is, where that has another name.
    `row_pages` are the pages of a row beside its form, by the last part of their address and of their name:
    `admin:assets_asset_terms`. A page gets the id of the row, and says itself who may see it.
    """

    section, icon, place = Section.DATA, "table", 50
    menu_title: str | Promise = ""
    empty_text = _("There is nothing here yet.")
    exported_as = ""
    exported_filters: Mapping[str, str] = {}
    lists_all_households = False  # to superusers, who have no more rights in the API than their roles
    list_before_template = "strata/export_of_list.html"
    in_palette = False
    list_filter_submit = True
    list_per_page = 50
    formfield_overrides: ClassVar[Overrides] = DAYS
    change_form_before_template = "strata/version.html"
    show_full_result_count = False
    actions: tuple[str, ...] | None = None
    row_pages: Mapping[str, type[View]] = {}

    def get_urls(self) -> list[Any]:
        prefix = f"{self.opts.app_label}_{self.opts.model_name}"
        pages = [
            path(f"<uuid:pk>/{name}/", self.admin_site.admin_view(page.as_view()), name=f"{prefix}_{name}")
            for name, page in self.row_pages.items()
        ]
        return [*pages, *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[Any]:
        return NameSortedChangeList

    def export_args(self, params: Mapping[str, Sequence[str]]) -> Sequence[Any] | None:
        """What the path of the API's list names, by the parameters of this one; None where it has no such list."""
        return ()

    def in_menu(self, request: HttpRequest) -> bool:
        """Whether the menu has the page, of those who may see it."""
        return True

    def palette_text(self, row: Any) -> str:
        """What the command palette says of a row after its name, of a page that is `in_palette`."""
        return str(self.opts.verbose_name)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """An action of the list is a POST of it."""
        title = self.menu_title or capfirst(self.opts.verbose_name_plural)
        view: Callable[..., HttpResponse] = super().changelist_view
        return once_of_many(request, lambda: view(request, {"title": title, **(extra_context or {})}))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:
        """The title is a heading: in German it may begin with the name of the model, which is in small letters."""
        context["title"] = capfirst(context["title"])
        answer: HttpResponse = super().render_change_form(request, context, **kwargs)
        return answer

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """With amounts, numbers, days and instants in the user's format."""
        fields = [(name, formatted_field(self.model, name)) for name in super().get_list_display(request)]
        return [column(field) if field else name for name, field in fields]

    def choosable(self, rows: Any, request: HttpRequest) -> Any:
        """The rows that a select of another page may offer (see strata.admin.choices)."""
        return rows

    def choice_texts(self, rows: Any) -> dict[Any, str]:
        return {row.pk: str(row) for row in rows}

    def get_action_choices(
        self,
        request: HttpRequest,
        default_choices: list[tuple[str, str]] | None = None,
        action_location: ActionLocation = ActionLocation.CHANGE_LIST,
    ) -> list[tuple[str, str]]:
        """With the signature that Django needs; the theme still has the older one."""
        blank = default_choices or [("", gettext("Actions"))]
        choices: list[tuple[str, str]] = super(ModelAdmin, self).get_action_choices(
            request, blank, action_location
        )
        return choices

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[Any, bool]:
        """The same search as in the API. No search field has several rows, so there are no duplicates."""
        return matching(queryset, self.get_search_fields(request), search_term.split()), False

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """The actions, each with a question before it. The page's `what_NAME_does` says what it will do."""
        actions = super().get_actions(request, action_location=action_location)
        return {name: asking_first(self, action) for name, action in actions.items()}

    def what_delete_selected_does(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        counts: dict[str, int] = {}
        rows = self.model._base_manager.filter(pk__in=queryset.order_by().values("pk"))
        count_below(rows, counts)
        text = gettext("Deletes %(count)s %(name)s.")
        return [text % {"count": count_text(count), "name": name} for name, count in counts.items()]

    def obstacles_to(self, action: str, queryset: QuerySet[Any]) -> list[str]:
        rows = self.model._base_manager.filter(pk__in=queryset.order_by().values("pk"))
        return hindrances(rows) if action == "delete_selected" else []

    def response_action(self, request: Any, queryset: QuerySet[Any], **kwargs: Any) -> HttpResponse | None:
        """Ignore posted values that are not keys: Django would query for them, and raise."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        request.POST = request.POST.copy()
        request.POST.setlist(ACTION_CHECKBOX_NAME, [key for key in chosen if is_key_of(self.model, key)])
        response: HttpResponse | None = super().response_action(request, queryset, **kwargs)
        return response

    def message_user(
        self,
        request: HttpRequest,
        message: str,
        level: int | str = messages.INFO,
        extra_tags: str = "",
        fail_silently: bool = False,
    ) -> None:
        """What is said after a write has a button "Undo", where it may be undone."""
        if request.method == "POST" and level in (messages.INFO, messages.SUCCESS):
            extra_tags = extra_tags or undo_tag(request)
        super().message_user(request, message, level, extra_tags, fail_silently)

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow only the filters that the page shows: with `?name__regex=` one could query anything."""
        allowed = set()
        for list_filter in self.get_list_filter(request):
            field = list_filter[0] if isinstance(list_filter, tuple) else list_filter
            name = field if isinstance(field, str) else field.parameter_name
            allowed |= {name, f"{name}__exact", f"{name}__isnull", f"{name}__id__exact"}
        return lookup in allowed

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        view: Callable[..., HttpResponse] = super().changeform_view
        return self._in_transaction(
            request, object_id, lambda: view(request, object_id, form_url, extra_context)
        )

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        view: Callable[..., HttpResponse] = super().delete_view

        def unless_outdated() -> HttpResponse:
            row = self.get_object(request, unquote(object_id))
            version = row and version_of(row)
            if request.POST.get("version", version) != version:
                self.message_user(request, str(STALE), messages.ERROR)
                return HttpResponseRedirect(request.get_full_path())
            title = gettext("Delete %(name)s") % {"name": self.opts.verbose_name}
            return view(
                request,
                object_id,
                {"version": version, "title": title, "subtitle": row, **(extra_context or {})},
            )

        return self._in_transaction(request, object_id, unless_outdated, for_delete=True)

    def _in_transaction(
        self,
        request: HttpRequest,
        object_id: str | None,
        view: Callable[..., HttpResponse],
        *,
        for_delete: bool = False,
    ) -> HttpResponse:
        """Run a write in a transaction, which takes its locks first and is repeated after a deadlock.

        What a service refuses, and a conflict with a parallel write, after the form has passed is shown as a message.
        """
        if request.method != "POST":
            return view()

        def write() -> HttpResponse:
            self.lock(request, object_id, for_delete=for_delete)
            return view()

        try:
            return run_in_transaction(lambda: once(request, write, state=lambda: self._version(object_id)))
        except IntegrityError:
            refusal = str(CONFLICTING_SAVE)
        except StrataError as error:
            refusal = gettext("%(refusal)s Nothing was saved.") % {"refusal": error.message}
        forget_attempt(request)
        self.message_user(request, refusal, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def _version(self, object_id: str | None) -> str:
        """Of the row as it is stored; "" where it is gone, and for a new one."""
        key = unquote(object_id) if object_id else ""
        row = self.model._base_manager.filter(pk=key).first() if is_key_of(self.model, key) else None
        return version_of(row) if row else ""

    def lock(self, request: HttpRequest, object_id: str | None, *, for_delete: bool) -> None:
        """Lock what a write needs before it reads. Nothing for a table without households."""


class ReadOnlyAdmin(StrataModelAdmin):
    """A table that the program writes; superusers may read it."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)
