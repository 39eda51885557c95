"""What every admin page shares: scoped to the caller's households, with the journal as its history; and the users."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from strata.journal import history_of
from strata.models import ApiToken, Change, User
from strata.money import ExactField, MoneyField
from strata.ownership import EDITORS, READERS, households_of, role_in

admin.site.unregister(Group)
SHOWN_CHANGES = 200


def is_member(user, roles=READERS) -> bool:
    return user.is_active and (user.is_superuser or households_of(user, roles).exists())


class HouseholdPermissions:
    """Staff need no permissions of Django's: the role in the row's household decides; superusers may all."""

    def has_module_permission(self, request):
        return is_member(request.user)

    def has_view_permission(self, request, obj=None):
        return is_member(request.user)

    def has_add_permission(self, request, obj=None):
        return is_member(request.user, EDITORS)

    def has_change_permission(self, request, obj=None):
        return self._may_write(request.user, obj)

    def has_delete_permission(self, request, obj=None):
        return self._may_write(request.user, obj)

    def _may_write(self, user, obj) -> bool:
        if user.is_superuser or obj is None or obj._state.adding:
            return is_member(user, EDITORS)
        household_id = obj.owning_household_id()
        return household_id is not None and role_in(user, household_id) in EDITORS

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.for_user(request.user)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        rows = kwargs.get("queryset") or db_field.related_model._default_manager.all()
        if hasattr(rows, "for_user") and not request.user.is_superuser:
            kwargs["queryset"] = rows.for_user(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


NUMBER = {"widget": UnfoldAdminTextInputWidget(attrs={"inputmode": "decimal"})}
NUMBERS = {MoneyField: NUMBER, ExactField: NUMBER}


class HouseholdInline(HouseholdPermissions, TabularInline):
    extra = 0
    formfield_overrides = NUMBERS


class HouseholdAdmin(HouseholdPermissions, ModelAdmin):
    """The base of every model's page. `duplicate_field` is named where the database says that a name is taken."""

    list_filter_submit = True
    show_full_result_count = False
    duplicate_field = "name"
    actions = None
    formfield_overrides = NUMBERS

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        field = self.duplicate_field
        return type(form.__name__, (RefusesWhatTheDatabaseRefuses, form), {"duplicate_field": field})

    def history_view(self, request, object_id, extra_context=None):
        obj = self.get_object(request, object_id)
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {obj}",
            "rows": history_of(obj, SHOWN_CHANGES),
            "opts": self.opts,
            "object": obj,
        }
        return TemplateResponse(request, "strata/history.html", context)


class RefusesWhatTheDatabaseRefuses:
    """Tries the row out, so that what a constraint refuses is an error of the form and not a broken page."""

    duplicate_field = "name"

    def _post_clean(self):
        super()._post_clean()
        if self.errors:
            return
        try:
            with transaction.atomic():
                adding, key = self.instance._state.adding, self.instance.pk
                self.instance.save()
                transaction.set_rollback(True)
        except IntegrityError:
            field = self.duplicate_field if self.duplicate_field in self.fields else None
            self.add_error(field, "It is taken: something else has the same.")
        except ValidationError as error:
            for messages in error.messages:
                self.add_error(None, messages)
        finally:
            self.instance._state.adding, self.instance.pk = adding, key


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "last_login")


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """Tokens are made over the API or by a command; here they are seen and revoked."""

    list_display = ("prefix", "name", "user", "scope", "expires_at", "created_at")
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__username")
    list_filter = ("scope",)
    fields = readonly_fields = ("prefix", "name", "user", "scope", "expires_at", "created_at")

    def has_add_permission(self, request):
        return False

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user=request.user)


@admin.register(Change)
class ChangeAdmin(ModelAdmin):
    """The journal, for superusers, to read."""

    list_display = ("at", "actor_name", "road", "action", "model", "object_id", "request_id")
    list_filter = ("action", "model")
    search_fields = ("object_id", "request_id", "actor_name")
    show_full_result_count = False

    def has_add_permission(self, request):
        return False

    has_change_permission = has_delete_permission = lambda self, request, obj=None: False

    def has_view_permission(self, request, obj=None):
        return request.user.is_superuser
