"""What every admin page shares: scoped to the caller's households, with the journal as its history; and the users."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import ActionLocation
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from unfold.admin import ModelAdmin, TabularInline
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from strata.admin_actions import asking_first
from strata.admin_choices import RowSelect, as_uuid, is_key_of, offer_choices
from strata.days import DayFormField, InstantFormField
from strata.db.retry import run_in_transaction
from strata.editing import STALE, PageForm, RowForm, RowFormSet, version_of
from strata.guards import cascading, lock_guards
from strata.journal import Event, history_of, target_of
from strata.login_forms import LoginForm
from strata.money import ExactField, MoneyField
from strata.names import NoteField, key_fields, with_article
from strata.ownership import EDITORS, READERS, Owned
from strata.search import matching

admin.site.unregister(Group)
admin.site.disable_action("delete_selected")
admin.site.login_form = LoginForm
admin.site.autocomplete_view = offer_choices
SHOWN_CHANGES = 200
SHOWN_HINDRANCES = 20
SUBJECTS = ("What we have", "How it is sorted", "Who we are", "Behind it")
CROSSED = (
    "Somebody else saved something in the same moment that this contradicts. Nothing was saved: look again."
)


def sidebar(request) -> list[dict[str, Any]]:
    """The first page, then every registered page under its subject, in the order of registration."""
    groups: dict[str, list] = {subject: [] for subject in SUBJECTS}
    for model, page in admin.site._registry.items():
        if page.has_module_permission(request):
            item = {
                "title": capfirst(model._meta.verbose_name_plural),
                "icon": getattr(page, "icon", "table"),
                "link": admin_url(model, "changelist"),
            }
            groups.setdefault(getattr(page, "subject", SUBJECTS[-1]), []).append(item)
    overview = {"title": "Overview", "icon": "dashboard", "link": reverse("admin:index")}
    return [
        {"items": [overview]},
        *(
            {"title": subject, "separator": True, "items": items}
            for subject, items in groups.items()
            if items
        ),
    ]


def admin_url(model, name: str, *args) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


class List(ChangeList):
    """The column of a name is sorted by the name's key, as everywhere."""

    def get_ordering_field(self, field_name):
        found = super().get_ordering_field(field_name)
        return next(iter(key_fields(self.model, {found})), found)


DAYS = {
    models.DateField: {"form_class": DayFormField},
    models.DateTimeField: {"form_class": InstantFormField},
}


class Page(ModelAdmin):
    """A page of the admin, a household's or not. `subject` and `icon` are its place in the sidebar."""

    subject, icon = SUBJECTS[-1], "table"
    list_filter_submit = True
    list_per_page = 50
    formfield_overrides = DAYS
    change_form_before_template = "strata/seen.html"
    show_full_result_count = False
    actions = None

    def get_changelist(self, request, **kwargs):
        return List

    def choosable(self, rows, request):
        """Of its rows those that a select of another page may offer (see strata.admin_choices)."""
        return rows

    def choice_texts(self, rows) -> dict[Any, str]:
        return {row.pk: str(row) for row in rows}

    def get_action_choices(self, request, default_choices=None, action_location=ActionLocation.CHANGE_LIST):
        """With the signature that Django asks for; the theme still has the one before."""
        blank = default_choices or [("", "Select action")]
        return super(ModelAdmin, self).get_action_choices(request, blank, action_location)

    def get_search_results(self, request, queryset, search_term):
        """As the lists of the API are searched. No field of ours has several rows, which would give duplicates."""
        return matching(queryset, self.get_search_fields(request), search_term.split()), False

    def get_actions(self, request, action_location=ActionLocation.CHANGE_LIST):
        """Each with a `what_NAME_does` of the page, which says what it will do to many rows."""
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
        """What is no key of a row was not chosen: Django would ask the database for it, and break."""
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        request.POST = request.POST.copy()
        request.POST.setlist(ACTION_CHECKBOX_NAME, [one for one in chosen if is_key_of(self.model, one)])
        return super().response_action(request, queryset, **kwargs)

    def lookup_allowed(self, lookup, value, request):
        """By the filters that the page shows, and nothing else: `?name__regex=` could ask the database anything."""
        allowed = set()
        for one in self.get_list_filter(request):
            name = one if isinstance(one, str) else one[0] if isinstance(one, tuple) else one.parameter_name
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
            seen = row and version_of(row)
            if request.POST.get("seen", seen) != seen:
                self.message_user(request, STALE, messages.ERROR)
                return HttpResponseRedirect(request.get_full_path())
            return view(request, object_id, {"seen": seen, **(extra_context or {})})

        return self._in_transaction(request, object_id, unless_outdated, below=True)

    def _in_transaction(self, request, object_id, view, *, below=False):
        """A write, begun again after a deadlock, its locks first.

        What passed every check and contradicts a write of the same moment is said, not broken.
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
            self.message_user(request, CROSSED, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def lock(self, request, object_id, *, below: bool) -> None:
        """What a write locks before it reads. Nothing, for a table that is no household's."""


def forget_attempt(request) -> None:
    """What an attempt that was rolled back left on the request: messages that it queued, roles that it read."""
    queued = messages.get_messages(request)._queued_messages
    if not hasattr(request, "strata_queued"):
        request.strata_queued = len(queued)
    del queued[request.strata_queued :]
    vars(request).pop("strata_roles", None)


# --- whose rows ---


def roles_of(request) -> dict[UUID, str]:
    """The caller's role in each household, asked for once a request."""
    if not hasattr(request, "strata_roles"):
        request.strata_roles = dict(request.user.memberships.values_list("household_id", "role"))
    return request.strata_roles


def is_member(request, roles=READERS) -> bool:
    user = request.user
    return user.is_active and (user.is_superuser or any(role in roles for role in roles_of(request).values()))


def of_household(model: type[Owned], household_id: UUID) -> models.Q:
    """A household's rows, and those that all households share."""
    path = model.household_lookup or "pk"
    own = models.Q(**{path: household_id})
    return own | models.Q(**{f"{path}__isnull": True}) if model.shared_when_unowned else own


class HouseholdPermissions:
    """Staff need no permissions of Django's: the role in the row's household decides; superusers may all.

    `writers` are the roles that may change a row, `fixed` the fields that a row keeps once it is made.
    """

    writers = EDITORS
    fixed: tuple[str, ...] = ()

    def has_module_permission(self, request):
        return request.user.is_active

    def has_view_permission(self, request, obj=None):
        return self._may(request, obj, READERS)

    def has_add_permission(self, request, obj=None):
        return is_member(request, self.writers) if obj is None else self._may(request, obj, self.writers)

    def has_change_permission(self, request, obj=None):
        return self._may(request, obj, self.writers)

    def has_delete_permission(self, request, obj=None):
        return self._may(request, obj, self.writers)

    def _may(self, request, obj, roles) -> bool:
        if obj is None or obj._state.adding:
            return request.user.is_active if roles == READERS else is_member(request, roles)
        household_id = obj.owning_household_id()
        if household_id is None and roles == READERS:
            return request.user.is_active
        return request.user.is_superuser or roles_of(request).get(household_id) in roles

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.for_user(request.user)

    def get_readonly_fields(self, request, obj=None):
        readonly = super().get_readonly_fields(request, obj)
        return readonly if obj is None or obj._state.adding else (*readonly, *self.fixed)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Only rows of households that the caller may write in; what has no household is for superusers to choose."""
        if not request.user.is_superuser:
            kwargs["queryset"] = self.offered(db_field.related_model, request.user)
        if db_field.related_model in self.admin_site._registry:
            kwargs["widget"] = RowSelect(db_field, self.admin_site)
            kwargs["widget"].narrow(writable=1)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def offered(self, model, user):
        rows = model._default_manager.all()
        return rows.for_user(user, self.writers) if hasattr(rows, "for_user") else rows.none()

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Without the links that open another form in a frame: nothing here may be framed."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


NUMBER = {"widget": UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})}
WIDGETS = {
    **DAYS,
    MoneyField: NUMBER,
    ExactField: NUMBER,
    NoteField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
}


class HouseholdInline(HouseholdPermissions, TabularInline):
    form, formset = RowForm, RowFormSet
    extra = 0
    per_page = 20
    formfield_overrides = WIDGETS

    def get_fields(self, request, obj=None):
        return (*self.fields, "seen") if self.has_change_permission(request, obj) else self.fields


class HouseholdAdmin(HouseholdPermissions, Page):
    """The base of every model's page. `duplicate_field` is named where the database says that a name is taken."""

    subject = SUBJECTS[0]
    form = PageForm
    duplicate_field = "name"
    formfield_overrides = WIDGETS

    def lock(self, request, object_id, *, below):
        """What guards the row, and the rows that the form names (see strata.guards)."""
        if not issubclass(self.model, Owned):
            return
        rows = self.model._base_manager.filter(pk=as_uuid(unquote(object_id)) if object_id else None)
        lock_guards(self.writable(rows, request), below=below, named=self.named_by_form(request))

    def named_by_form(self, request) -> dict[str, models.QuerySet]:
        """By foreign key the rows that the posted form names, of those that the caller may write to."""
        named = {}
        for field in self.opts.concrete_fields:
            pk = as_uuid(request.POST.get(field.name, "")) if field.is_relation else None
            if pk and issubclass(field.related_model, Owned):
                named[field.name] = self.writable(field.related_model._base_manager.filter(pk=pk), request)
        return named

    def writable(self, rows, request):
        return rows if request.user.is_superuser else rows.for_user(request.user, self.writers)

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.duplicate_field, form.request = self.duplicate_field, request
        return form

    def get_fields(self, request, obj=None):
        return [name for name in super().get_fields(request, obj) if name != "seen"]

    def get_changeform_initial_data(self, request):
        """What there is no choice of is chosen."""
        given = super().get_changeform_initial_data(request)
        for name in ("household", "portfolio"):
            if name in {field.name for field in self.opts.fields}:
                offered = self.offered(self.opts.get_field(name).related_model, request.user)[:2]
                if len(offered) == 1:
                    given.setdefault(name, offered[0].pk)
        return given

    def choosable(self, rows, request):
        """`writable`: of households that the caller may write in. `household`: of this one, which a form is about."""
        if "writable" in request.GET and not request.user.is_superuser:
            rows = rows.for_user(request.user, EDITORS)
        if household := as_uuid(request.GET.get("household", "")):
            rows = rows.filter(of_household(self.model, household))
        return rows

    def save_model(self, request, obj, form, change):
        """A form that changed nothing leaves no trace: its inlines were meant."""
        if not change or form.changed_data:
            super().save_model(request, obj, form, change)

    def get_deleted_objects(self, objs, request):
        """What would go, counted by set: an asset may have thousands of values."""
        rows = self.model._base_manager.filter(pk__in=[obj.pk for obj in objs])
        counts: dict[str, int] = {}
        count_below(rows, counts)
        return [str(obj) for obj in objs], counts, set(), hindrances(rows)

    def history_view(self, request, object_id, extra_context=None):
        obj = self.get_object(request, object_id)
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {obj}",
            "rows": [told(event, request.user) for event in history_of(obj, SHOWN_CHANGES, request.user)],
            "opts": self.opts,
            "object": obj,
        }
        return TemplateResponse(request, "strata/history.html", context)


def count_below(rows: models.QuerySet, counts: dict[str, int]) -> None:
    """How many rows of each kind that has a page are deleted with these, themselves among them."""
    found = rows.count()
    if found and rows.model in admin.site._registry:
        name = rows.model._meta.verbose_name_plural
        counts[name] = counts.get(name, 0) + found
    for relation in cascading(rows.model) if found else ():
        below = relation.related_model._base_manager.filter(
            **{f"{relation.field.name}__in": rows.values("pk")}
        )
        count_below(below, counts)


def hindrances(rows: models.QuerySet) -> list[str]:
    """What stands in the way of deleting these rows: what uses them, or stands below them."""
    found = []
    for relation in rows.model._meta.related_objects:
        if relation.on_delete in (models.PROTECT, models.RESTRICT):
            users = relation.related_model._base_manager.filter(
                **{f"{relation.field.name}__in": rows.values("pk")}
            )
            found += [f"{row._meta.verbose_name}: {row}" for row in users[:SHOWN_HINDRANCES]]
    return found


# --- history ---


def told(event: Event, user) -> dict[str, Any]:
    """The event as it is shown: fields by their names, and related rows by theirs where the caller may see them.

    To a superuser, who sees all of them, what has no name is gone, and its id is shown.
    """
    labels = {field.attname: field.verbose_name for field in event.model._meta.concrete_fields}

    def text_of(field: str, value: str, name: str | None) -> str:
        target = target_of(event.model, field)
        if name or not value or user.is_superuser or target is None or not issubclass(target, Owned):
            return name or value
        return f"{with_article(target._meta.verbose_name)} that you do not see"

    return {
        "change": event.change,
        "fields": [
            (
                labels.get(one.name, one.name),
                text_of(one.name, one.before, one.before_name),
                text_of(one.name, one.after, one.after_name),
            )
            for one in event.fields
            if one.before or one.after
        ],
    }


# Django looks for pages here alone; these build on what is above.
from strata import admin_users  # noqa: E402, F401
