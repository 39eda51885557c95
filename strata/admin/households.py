"""The base of the pages for rows of a household. They show only what the caller may see, and the history of a row."""

from __future__ import annotations

from uuid import UUID

from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models
from django.template.response import TemplateResponse
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from strata.admin.choices import RowSelect, parse_uuid
from strata.admin.deletion import count_below, hindrances
from strata.admin.forms import ConstraintCheckedForm, StaleCheckedForm, StaleCheckedFormSet
from strata.admin.journal import describe_event
from strata.admin.pages import DAYS, StrataModelAdmin
from strata.admin.sidebar import Section
from strata.audit.journal import history_of
from strata.fields.money import ExactField, MoneyField
from strata.fields.names import NoteField
from strata.tenancy.guards import lock_guards
from strata.tenancy.querysets import Owned
from strata.tenancy.roles import EDITORS, READERS

SHOWN_CHANGES = 200


# --- whose rows ---


def roles_of(request) -> dict[UUID, str]:
    """The caller's role in each household. Queried once per request."""
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
    """The role in the row's household decides, not Django's permissions. Superusers may do everything.

    `write_roles` are the roles that may change a row. `immutable_fields` cannot change once the row exists.
    """

    write_roles = EDITORS
    immutable_fields: tuple[str, ...] = ()

    def has_module_permission(self, request):
        return request.user.is_active

    def has_view_permission(self, request, obj=None):
        return self._may(request, obj, READERS)

    def has_add_permission(self, request, obj=None):
        return (
            is_member(request, self.write_roles) if obj is None else self._may(request, obj, self.write_roles)
        )

    def has_change_permission(self, request, obj=None):
        return self._may(request, obj, self.write_roles)

    def has_delete_permission(self, request, obj=None):
        return self._may(request, obj, self.write_roles)

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
        return readonly if obj is None or obj._state.adding else (*readonly, *self.immutable_fields)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Offer only rows of households that the caller may write in. Only superusers may choose a shared row."""
        if not request.user.is_superuser:
            kwargs["queryset"] = self.offered(db_field.related_model, request.user)
        if db_field.related_model in self.admin_site._registry:
            kwargs["widget"] = RowSelect(db_field, self.admin_site)
            kwargs["widget"].narrow(writable=1)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def offered(self, model, user):
        rows = model._default_manager.all()
        return rows.for_user(user, self.write_roles) if hasattr(rows, "for_user") else rows.none()

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        """Without the links that open another form in a frame: no page may be framed."""
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
    form, formset = StaleCheckedForm, StaleCheckedFormSet
    extra = 0
    per_page = 20
    formfield_overrides = WIDGETS

    def get_fields(self, request, obj=None):
        return (*self.fields, "version") if self.has_change_permission(request, obj) else self.fields


class HouseholdAdmin(HouseholdPermissions, StrataModelAdmin):
    """The base of every model's page. `duplicate_field` is the field that gets the error where a name is taken."""

    section = Section.ASSETS
    form = ConstraintCheckedForm
    duplicate_field = "name"
    formfield_overrides = WIDGETS

    def lock(self, request, object_id, *, below):
        """Lock the guards of the row and of the rows that the form names (see strata.tenancy.guards)."""
        if not issubclass(self.model, Owned):
            return
        rows = self.model._base_manager.filter(pk=parse_uuid(unquote(object_id)) if object_id else None)
        lock_guards(self.writable(rows, request), below=below, named=self.named_by_form(request))

    def named_by_form(self, request) -> dict[str, models.QuerySet]:
        """The rows that the posted form names and the caller may write to, by foreign key."""
        named = {}
        for field in self.opts.concrete_fields:
            pk = parse_uuid(request.POST.get(field.name, "")) if field.is_relation else None
            if pk and issubclass(field.related_model, Owned):
                named[field.name] = self.writable(field.related_model._base_manager.filter(pk=pk), request)
        return named

    def writable(self, rows, request):
        return rows if request.user.is_superuser else rows.for_user(request.user, self.write_roles)

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.duplicate_field, form.request = self.duplicate_field, request
        return form

    def get_fields(self, request, obj=None):
        return [name for name in super().get_fields(request, obj) if name != "version"]

    def get_changeform_initial_data(self, request):
        """Preselect the household or portfolio where there is only one."""
        given = super().get_changeform_initial_data(request)
        for name in ("household", "portfolio"):
            if name in {field.name for field in self.opts.fields}:
                offered = self.offered(self.opts.get_field(name).related_model, request.user)[:2]
                if len(offered) == 1:
                    given.setdefault(name, offered[0].pk)
        return given

    def choosable(self, rows, request):
        """`writable`: only of households that the caller may write in. `household`: only of this household."""
        if "writable" in request.GET and not request.user.is_superuser:
            rows = rows.for_user(request.user, EDITORS)
        if household := parse_uuid(request.GET.get("household", "")):
            rows = rows.filter(of_household(self.model, household))
        return rows

    def save_model(self, request, obj, form, change):
        """Nothing is written, and nothing recorded, where only rows of the inlines changed."""
        if not change or form.changed_data:
            super().save_model(request, obj, form, change)

    def get_deleted_objects(self, objs, request):
        """What would be deleted. Counted in SQL: an asset may have thousands of values."""
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
            "rows": [
                describe_event(event, request.user) for event in history_of(obj, SHOWN_CHANGES, request.user)
            ],
            "opts": self.opts,
            "object": obj,
        }
        return TemplateResponse(request, "strata/history.html", context)
