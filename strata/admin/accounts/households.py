"""The base of the pages for rows of a household. They show only what the caller may see, and the history of a row."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget

from strata.admin.choices import RowSelect, parse_uuid
from strata.admin.deletion import count_below, hindrances
from strata.admin.forms import (
    ServiceCheckedForm,
    StaleCheckedForm,
    StaleCheckedFormSet,
    adopt,
)
from strata.admin.history import deleted_row, history_rows, name_of
from strata.admin.pages import DAYS, Overrides, StrataModelAdmin
from strata.admin.sidebar import Section
from strata.admin.user_formats.columns import zone_of
from strata.admin.user_formats.widgets import CurrencyInput, NumberInput
from strata.fields.currencies import CurrencyField
from strata.fields.money import ExactField, MoneyField
from strata.fields.names import NoteField
from strata.tenancy.guards import lock_guards
from strata.tenancy.querysets import Owned
from strata.tenancy.roles import EDITORS, READERS
from strata.tenancy.writes import Service

if TYPE_CHECKING:
    _Page = BaseModelAdmin[Any]
else:
    _Page = object  # the mixin comes before an admin page or an inline among its bases

# --- whose rows ---


def roles_of(request: Any) -> dict[UUID, str]:
    """The caller's role in each household. Queried once per request."""
    if not hasattr(request, "strata_roles"):
        request.strata_roles = dict(request.user.memberships.values_list("household_id", "role"))
    roles: dict[UUID, str] = request.strata_roles
    return roles


def is_member(request: HttpRequest, roles: tuple[str, ...] = READERS) -> bool:
    user = request.user
    return user.is_active and (user.is_superuser or any(role in roles for role in roles_of(request).values()))


def of_household(model: type[Owned], household_id: UUID) -> models.Q:
    """A household's rows, and those that all households share."""
    path = model.household_lookup or "pk"
    own = models.Q(**{path: household_id})
    return own | models.Q(**{f"{path}__isnull": True}) if model.shared_when_unowned else own


class HouseholdPermissions(_Page):
    """The role in the row's household decides, not Django's permissions. Superusers may do everything.

    `write_roles` are the roles that may change a row. `immutable_fields` cannot change once the row exists.
    """

    write_roles: tuple[str, ...] = EDITORS
    immutable_fields: tuple[str, ...] = ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj, READERS)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (
            is_member(request, self.write_roles) if obj is None else self._may(request, obj, self.write_roles)
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj, self.write_roles)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, obj, self.write_roles)

    def _may(self, request: HttpRequest, obj: Any, roles: tuple[str, ...]) -> bool:
        if obj is None or obj._state.adding:
            return request.user.is_active if roles == READERS else is_member(request, roles)
        household_id = obj.owning_household_id()
        if household_id is None and roles == READERS:
            return request.user.is_active
        return request.user.is_superuser or roles_of(request).get(household_id) in roles

    def get_queryset(self, request: HttpRequest) -> Any:
        rows: Any = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.for_user(request.user)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        readonly = super().get_readonly_fields(request, obj)
        return readonly if obj is None or obj._state.adding else (*readonly, *self.immutable_fields)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offer only rows of households that the caller may write in. Only superusers may choose a shared row."""
        if not request.user.is_superuser:
            kwargs["queryset"] = self.offered(db_field.related_model, request.user)
        if db_field.related_model in self.admin_site._registry:
            kwargs["widget"] = RowSelect(db_field, self.admin_site)
            kwargs["widget"].narrow(writable=1)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def offered(self, model: Any, user: Any) -> Any:
        rows = model._default_manager.all()
        return rows.for_user(user, self.write_roles) if hasattr(rows, "for_user") else rows.none()

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without the links that open another form in a frame: no page may be framed."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


NUMBER = {"widget": NumberInput}
WIDGETS: Overrides = {
    **DAYS,
    CurrencyField: {"widget": CurrencyInput},
    MoneyField: NUMBER,
    ExactField: NUMBER,
    NoteField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})},
}


class HouseholdInline(HouseholdPermissions, TabularInline):  # type: ignore[misc]  # unfold is untyped
    """Rows on the page of their parent. `service` writes them."""

    form, formset = StaleCheckedForm, StaleCheckedFormSet
    service = Service()
    fields: ClassVar[Any]
    extra = 0
    per_page = 20
    formfield_overrides: ClassVar[Overrides] = WIDGETS

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*self.fields, "version") if self.has_change_permission(request, obj) else self.fields

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.service = self.service
        for field in formset.form.base_fields.values():  # the theme's rows have no labels
            if field.label:  # a hidden one has none
                field.widget.attrs.setdefault("aria-label", field.label)
        return formset


class HouseholdAdmin(HouseholdPermissions, StrataModelAdmin):
    """The base of every model's page. `service` writes its rows; `parent_column` names the parent of a new one."""

    lists_all_households = True
    section = Section.ASSETS
    form = ServiceCheckedForm
    service = Service()
    parent_column = "household_id"
    formfield_overrides: ClassVar[Overrides] = WIDGETS

    def lock(self, request: HttpRequest, object_id: str | None, *, for_delete: bool) -> None:
        """Lock the guards of the row and of the rows that the form refers to (see strata.tenancy.guards)."""
        if not issubclass(self.model, Owned):
            return
        rows = self.model._base_manager.filter(pk=parse_uuid(unquote(object_id)) if object_id else None)
        lock_guards(
            self.writable(rows, request), for_delete=for_delete, will_refer_to=self.rows_in_form(request)
        )

    def rows_in_form(self, request: HttpRequest) -> dict[str, QuerySet[Owned]]:
        """The rows that the posted form names and the caller may write to, by foreign key."""
        rows = {}
        fields: Iterable[Any] = self.opts.concrete_fields
        for field in fields:
            pk = parse_uuid(request.POST.get(field.name, "")) if field.is_relation else None
            if pk and issubclass(field.related_model, Owned):
                rows[field.name] = self.writable(field.related_model._base_manager.filter(pk=pk), request)
        return rows

    def writable(self, rows: Any, request: HttpRequest) -> Any:
        return rows if request.user.is_superuser else rows.for_user(request.user, self.write_roles)

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        form.page, form.request = self, request
        return form

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [name for name in super().get_fields(request, obj) if name != "version"]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Preselect the household or portfolio where there is only one."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        for name in ("household", "portfolio"):
            if name in {field.name for field in self.opts.fields}:
                offered = self.offered(self.opts.get_field(name).related_model, request.user)[:2]
                if len(offered) == 1:
                    given.setdefault(name, offered[0].pk)
        return given

    def choosable(self, rows: Any, request: HttpRequest) -> Any:
        """`writable`: only of households that the caller may write in. `household`: only of this household."""
        if "writable" in request.GET and not request.user.is_superuser:
            rows = rows.for_user(request.user, EDITORS)
        if household := parse_uuid(request.GET.get("household", "")):
            rows = rows.filter(of_household(self.model, household))
        return rows

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Nothing is written, and nothing recorded, where only rows of the inlines changed."""
        if not change or form.changed_data:
            adopt(obj, self.write_row(request, form))

    def write_row(self, request: HttpRequest, form: Any) -> Any:
        """Create or change the form's row by the service. The form calls this too, and rolls it back."""
        if form.instance._state.adding:
            values = self.values_of(form, form.fields.keys())
            return self.service.create(values.pop(self.parent_column), **values)
        return self.service.update(form.instance.pk, self.values_of(form, form.changed_fields()))

    def values_of(self, form: Any, names: Collection[str]) -> dict[str, Any]:
        """What the service gets of these fields of the form."""
        values: dict[str, Any] = form.values_of(names)
        return values

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.service.delete(obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for pk in queryset.order_by("pk").values_list("pk", flat=True):
            self.service.delete(pk)

    def get_deleted_objects(
        self, objs: Iterable[Any], request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """What would be deleted. Counted in SQL: an asset may have thousands of values."""
        rows = self.model._base_manager.filter(pk__in=[obj.pk for obj in objs])
        counts: dict[str, int] = {}
        count_below(rows, counts)
        return [str(obj) for obj in objs], counts, set(), hindrances(rows)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Also of a row that was deleted: there it is restored."""
        obj = self.get_object(request, object_id)
        if obj is not None and not self.has_view_permission(request, obj):
            raise PermissionDenied
        obj = obj or deleted_row(self.model, parse_uuid(unquote(object_id)), request.user)
        if obj is None:
            elsewhere: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
            return elsewhere
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("History of %(name)s") % {"name": self.opts.verbose_name},
            "subtitle": name_of(obj),
            "rows": history_rows(obj, request.user),
            "opts": self.opts,
            "object": obj,
            "zone": zone_of(obj),
        }
        return TemplateResponse(request, "strata/history.html", context)
