"""The admin's pages of users, tokens, logins and failed logins."""

from __future__ import annotations

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.utils import timezone
from unfold.forms import UserChangeForm, UserCreationForm

from strata.accounts import lockout
from strata.accounts.models import ApiToken, LoginCount, User
from strata.admin.choices import parse_uuid
from strata.admin.forms import InItsOwnWords, StaleCheckedForm
from strata.admin.pages import ReadOnlyAdmin, StrataModelAdmin
from strata.admin.password_forms import UserPasswordForm
from strata.admin.sidebar import Section
from strata.db.locks import lock_rows


class NewUserForm(InItsOwnWords, UserCreationForm):
    def clean_username(self):
        """The model checks this with the key of the name. Django's own check compares UPPER, which is not the same."""
        return self.cleaned_data["username"]


class UserForm(StaleCheckedForm, UserChangeForm):
    pass


@admin.register(User)
class UserAdmin(DjangoUserAdmin, StrataModelAdmin):
    """For superusers. A user is disabled, never deleted: what they wrote keeps its author."""

    section, icon = Section.HOUSEHOLD, "person"
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
        ("Rights", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def lock(self, request, object_id, *, below):
        if pk := parse_uuid(unquote(object_id or "")):
            lock_rows(User._base_manager.filter(pk=pk))

    def user_change_password(self, request, id, form_url=""):
        view = super().user_change_password
        return self._in_transaction(request, id, lambda: view(request, id, form_url))

    def has_view_permission(self, request, obj=None):
        return request.user.is_active and request.user.is_superuser

    def has_module_permission(self, request):
        return self.has_view_permission(request)

    def has_add_permission(self, request):
        return self.has_view_permission(request)

    def has_change_permission(self, request, obj=None):
        return self.has_view_permission(request)

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(StrataModelAdmin):
    """Tokens are created by the API or a command. On this page users see and revoke their own."""

    section, icon = Section.HOUSEHOLD, "key"
    list_display = ("prefix", "name", "user", "scope", "expires_at", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__username_key__has_part")
    list_filter = ("scope",)
    fields = readonly_fields = list_display

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_module_permission(self, request):
        return request.user.is_active

    def has_view_permission(self, request, obj=None):
        return request.user.is_active and (
            obj is None or request.user.is_superuser or obj.user == request.user
        )

    has_delete_permission = has_view_permission

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(user=request.user)


@admin.register(AccessAttempt)
class LoginFailureAdmin(ReadOnlyAdmin):
    """Failed logins by address. Deleting a row unlocks the address."""

    icon = "lock"
    list_display = ("attempt_time", "username", "ip_address", "failures_since_start")
    search_fields = ("username", "ip_address")
    fields = ("attempt_time", "username", "ip_address", "failures_since_start", "user_agent", "path_info")

    def has_delete_permission(self, request, obj=None):
        return self.has_view_permission(request)


@admin.register(LoginCount)
class LoginCountAdmin(ReadOnlyAdmin):
    """Attempts to log in, by account. Superusers see all rows, others their own. Deleting a row unlocks the account."""

    section, icon = Section.HOUSEHOLD, "lock_person"
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

    @admin.display(description="from")
    def from_address(self, count):
        return count.address or "everywhere"

    @admin.display(description="paused until")
    def paused_until(self, count):
        now = timezone.now()
        wait = lockout.pause_of(count, now)
        return now + wait if wait else None

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(name_key=request.user.username_key)

    def has_module_permission(self, request):
        return request.user.is_active

    def has_view_permission(self, request, obj=None):
        is_own = obj is None or obj.name_key == request.user.username_key
        return request.user.is_active and (request.user.is_superuser or is_own)

    def has_delete_permission(self, request, obj=None):
        return super().has_view_permission(request, obj)
