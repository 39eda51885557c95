"""What every page of the admin shares: lists, search, actions, and writes with their locks."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import ActionLocation
from django.contrib.admin.utils import unquote
from django.db import IntegrityError, models
from django.http import HttpResponseRedirect
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from strata.admin.actions import asking_first
from strata.admin.choices import is_key_of
from strata.admin.deletion import count_below, hindrances
from strata.admin.forms import STALE, version_of
from strata.admin.sidebar import Section
from strata.db.retry import run_in_transaction
from strata.fields.dates import DayFormField, InstantFormField
from strata.fields.names import key_fields
from strata.fields.search import matching

CONFLICTING_SAVE = (
    "Somebody else saved something in the same moment that this contradicts. Nothing was saved: look again."
)


class NameSortedChangeList(ChangeList):
    """A column of names is sorted by the keys of the names, as everywhere."""

    def get_ordering_field(self, field_name):
        ordering_field = super().get_ordering_field(field_name)
        return next(iter(key_fields(self.model, {ordering_field})), ordering_field)


DAYS = {
    models.DateField: {"form_class": DayFormField},
    models.DateTimeField: {"form_class": InstantFormField},
}


class StrataModelAdmin(ModelAdmin):
    """The base of every page of the admin. `section` and `icon` are its place in the sidebar."""

    section, icon = Section.DATA, "table"
    list_filter_submit = True
    list_per_page = 50
    formfield_overrides = DAYS
    change_form_before_template = "strata/version.html"
    show_full_result_count = False
    actions = None

    def get_changelist(self, request, **kwargs):
        return NameSortedChangeList

    def choosable(self, rows, request):
        """The rows that a select of another page may offer (see strata.admin.choices)."""
        return rows

    def choice_texts(self, rows) -> dict[Any, str]:
        return {row.pk: str(row) for row in rows}

    def get_action_choices(self, request, default_choices=None, action_location=ActionLocation.CHANGE_LIST):
        """With the signature that Django needs; the theme still has the older one."""
        blank = default_choices or [("", "Select action")]
        return super(ModelAdmin, self).get_action_choices(request, blank, action_location)

    def get_search_results(self, request, queryset, search_term):
        """The same search as in the API. No search field has several rows, so there are no duplicates."""
        return matching(queryset, self.get_search_fields(request), search_term.split()), False

    def get_actions(self, request, action_location=ActionLocation.CHANGE_LIST):
        """The actions, each with a question before it. The page's `what_NAME_does` says what it will do."""
        actions = super().get_actions(request, action_location=action_location)
        return {name: asking_first(self, action) for name, action in actions.items()}

    def what_delete_selected_does(self, request, queryset):
        counts: dict[str, int] = {}
        rows = self.model._base_manager.filter(pk__in=queryset.order_by().values("pk"))
        count_below(rows, counts)
        return [f"Deletes {count:,} {name}." for name, count in counts.items()]

    def obstacles_to(self, action: str, queryset) -> list[str]:
        rows = self.model._base_manager.filter(pk__in=queryset.order_by().values("pk"))
        return hindrances(rows) if action == "delete_selected" else []

    def response_action(self, request, queryset, **kwargs):
        """Ignore posted values that are not keys: Django would query for them, and raise."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        request.POST = request.POST.copy()
        request.POST.setlist(ACTION_CHECKBOX_NAME, [key for key in chosen if is_key_of(self.model, key)])
        return super().response_action(request, queryset, **kwargs)

    def lookup_allowed(self, lookup, value, request):
        """Allow only the filters that the page shows: with `?name__regex=` one could query anything."""
        allowed = set()
        for list_filter in self.get_list_filter(request):
            field = list_filter[0] if isinstance(list_filter, tuple) else list_filter
            name = field if isinstance(field, str) else field.parameter_name
            allowed |= {name, f"{name}__exact", f"{name}__isnull", f"{name}__id__exact"}
        return lookup in allowed

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        view = super().changeform_view
        return self._in_transaction(
            request, object_id, lambda: view(request, object_id, form_url, extra_context)
        )

    def delete_view(self, request, object_id, extra_context=None):
        view = super().delete_view

        def unless_outdated():
            row = self.get_object(request, unquote(object_id))
            version = row and version_of(row)
            if request.POST.get("version", version) != version:
                self.message_user(request, STALE, messages.ERROR)
                return HttpResponseRedirect(request.get_full_path())
            return view(request, object_id, {"version": version, **(extra_context or {})})

        return self._in_transaction(request, object_id, unless_outdated, below=True)

    def _in_transaction(self, request, object_id, view, *, below=False):
        """Run a write in a transaction, which takes its locks first and is repeated after a deadlock.

        A conflict with a parallel write, after every check has passed, is shown as a message.
        """
        if request.method != "POST":
            return view()

        def attempt():
            forget_attempt(request)
            self.lock(request, object_id, below=below)
            return view()

        try:
            return run_in_transaction(attempt)
        except IntegrityError:
            forget_attempt(request)
            self.message_user(request, CONFLICTING_SAVE, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def lock(self, request, object_id, *, below: bool) -> None:
        """Lock what a write needs before it reads. Nothing for a table without households."""


def forget_attempt(request) -> None:
    """Remove from the request what a rolled-back attempt left there: queued messages, and roles."""
    queued = messages.get_messages(request)._queued_messages
    if not hasattr(request, "strata_queued"):
        request.strata_queued = len(queued)
    del queued[request.strata_queued :]
    vars(request).pop("strata_roles", None)


class ReadOnlyAdmin(StrataModelAdmin):
    """A table that the program writes; superusers may read it."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def has_view_permission(self, request, obj=None):
        return request.user.is_active and request.user.is_superuser

    def has_module_permission(self, request):
        return self.has_view_permission(request)
