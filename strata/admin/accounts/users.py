"""The admin's pages of users, tokens, logins and failed logins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserChangeForm, UserCreationForm

from strata.accounts import lockout, services
from strata.accounts.models import ApiToken, LoginCount, User
from strata.admin.accounts.new_token import new_token
from strata.admin.accounts.password_forms import UserPasswordForm
from strata.admin.choices import parse_uuid
from strata.admin.forms import InItsOwnWords, StaleCheckedForm
from strata.admin.pages import ReadOnlyAdmin, StrataModelAdmin
from strata.db.locks import lock_rows


class NewUserForm(InItsOwnWords, UserCreationForm):  # type: ignore[misc]  # unfold is untyped
    def clean_username(self) -> str:
        """The model checks this with the key of the name. Django's own check compares UPPER, which is not the same."""
        name: str = self.cleaned_data["username"]
        return name

    def set_password_and_save(self, user: Any, *args: Any, **kwargs: Any) -> Any:
        """Nothing: the page gives the password to the service, which hashes it."""
        return user

    def chosen_password(self) -> str | None:
        return self.cleaned_data["password1"] if self.cleaned_data["set_usable_password"] else None


class UserForm(StaleCheckedForm, UserChangeForm):  # type: ignore[misc]  # unfold is untyped
    pass


@admin.register(User)
class UserAdmin(DjangoUserAdmin, StrataModelAdmin):  # type: ignore[misc, type-arg]  # unfold is untyped
    """For superusers. A user is disabled, never deleted: what they wrote keeps its author."""

    icon = "person"
    form, add_form, change_password_form = UserForm, NewUserForm, UserPasswordForm
    change_user_password_template = "strata/change_password.html"  # noqa: S105 - the name of a file
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    ordering = ("username_key",)
    search_fields = ("username_key__has_part", "first_name", "last_name", "email")
    list_filter = ("is_active", "is_staff", "is_superuser")
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )

    def lock(self, request: HttpRequest, object_id: str | None, *, for_delete: bool) -> None:
        if pk := parse_uuid(unquote(object_id or "")):
            lock_rows(User._base_manager.filter(pk=pk))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            changes = {name: form.cleaned_data[name] for name in form.changed_data}
            services.update_user(obj.pk, changes)
        else:
            created = services.create_user(obj.username, form.chosen_password(), is_staff=True)
            obj.pk, obj._state.adding = created.pk, False

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        view = super().user_change_password
        return self._in_transaction(request, id, lambda: view(request, id, form_url))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(StrataModelAdmin):
    """On this page users see, add and revoke their own. The API and a command add tokens too."""

    exported_as = "token-list"
    icon, place = "key", 20
    empty_text = _("A token lets a script or an app use the API for you.")
    list_display = ("prefix", "name", "user", "scope", "expires_at", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__username_key__has_part")
    list_filter = ("scope",)
    fields = readonly_fields = list_display

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return new_token(request, self)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_active and (
            obj is None or request.user.is_superuser or obj.user == request.user
        )

    has_delete_permission = has_view_permission

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user=request.user)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        services.revoke_token(obj.pk)


def attempt_name(attempt: AccessAttempt) -> str:
    words = {"name": attempt.username or "", "address": attempt.ip_address or ""}
    return gettext("%(name)s from %(address)s") % words


AccessAttempt.__str__ = attempt_name  # that of axes is English


@admin.register(AccessAttempt)
class LoginFailureAdmin(ReadOnlyAdmin):
    """Failed logins by address. Deleting a row unlocks the address."""

    icon, place = "lock", 70
    empty_text = _("Nobody has failed to log in.")
    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    fields = ("attempt_time", "username", "ip_address", "failures_since_start", "user_agent", "path_info")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)


@admin.register(LoginCount)
class LoginCountAdmin(ReadOnlyAdmin):
    """Attempts to log in, by account. Superusers see all rows, others their own. Deleting a row unlocks the account."""

    icon, place = "lock_person", 60
    empty_text = _("Nobody has tried to log in.")
    list_display = (
        "name_key",
        "from_address",
        "failures",
        "last_failure_at",
        "paused_until",
        "failures_before_login",
        "last_login_at",
    )
    search_fields = ("name_key", "address")
    fields = list_display

    @admin.display(description=_("from"))
    def from_address(self, count: LoginCount) -> str:
        return count.address or gettext("everywhere")

    @admin.display(description=_("paused until"))
    def paused_until(self, count: LoginCount) -> datetime | None:
        now = timezone.now()
        wait = lockout.pause_of(count, now)
        return now + wait if wait else None

    def get_queryset(self, request: Any) -> Any:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(name_key=request.user.username_key)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active

    def has_view_permission(self, request: Any, obj: Any = None) -> bool:
        is_own = obj is None or obj.name_key == request.user.username_key
        return request.user.is_active and (request.user.is_superuser or is_own)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj)
