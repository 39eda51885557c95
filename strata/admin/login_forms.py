"""Where the admin takes a password to let somebody in or change it: failures count as those of the API do."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import authenticate
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.urls import reverse_lazy
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from strata.accounts import lockout
from strata.accounts.login import LONGEST_COUNTED_NAME
from strata.admin.password_forms import WritesPasswordAlone


class LoginForm(AuthenticationForm):
    """A page that refuses a login shows the name that was typed: no more of it than is counted."""

    def __init__(self, request: Any = None, data: Any = None, **kwargs: Any) -> None:
        if data is not None:
            data = data.copy()
            data["username"] = data.get("username", "")[:LONGEST_COUNTED_NAME]
        super().__init__(request, data=data, **kwargs)

    def confirm_login_allowed(self, user: Any) -> None:
        """Whoever may not use the admin gave the right password all the same."""
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            lockout.was_right(self.request.login_attempt, timezone.now())
            raise


class OwnPasswordForm(WritesPasswordAlone, AdminOwnPasswordChangeForm):
    """The old password is tried as at a login; the page of a lock-out takes the place of this one."""

    def __init__(self, user: Any, *args: Any, request: Any, **kwargs: Any) -> None:
        self.request = request
        super().__init__(user, *args, **kwargs)

    @sensitive_variables("password")
    def clean_old_password(self) -> str:
        password = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=password) is None:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        lockout.was_right(self.request.login_attempt, timezone.now())
        return password


class OwnPasswordView(PasswordChangeView):
    """In the place of the admin's own, whose form does not know the request."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{**admin.site.each_context(self.request), **kwargs})
