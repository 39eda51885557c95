"""The admin's forms that check a password: the login, and the change of one's own. Failures count as in the API."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import authenticate
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables
from unfold.forms import AdminOwnPasswordChangeForm, AuthenticationForm

from strata.accounts import lockout
from strata.accounts.login import LONGEST_COUNTED_NAME
from strata.admin.accounts.password_forms import ChangesPasswordInService
from strata.admin.sent_again import once, once_in_steps
from strata.db.retry import run_in_transaction

API_ONLY = _(
    "The password is right, but this user may use the API only. Ask whoever runs Strata for access to these pages."
)


class LoginForm(AuthenticationForm):  # type: ignore[misc]  # unfold is untyped
    """The page that refuses a login shows the typed name, cut to the length that is counted."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _("The username or the password is wrong."),
    }

    def __init__(self, request: Any = None, data: Any = None, **kwargs: Any) -> None:
        if data is not None:
            data = data.copy()
            data["username"] = data.get("username", "")[:LONGEST_COUNTED_NAME]
        super().__init__(request, data=data, **kwargs)

    def confirm_login_allowed(self, user: Any) -> None:
        """The password was right, even if the user may not use the admin: no failure is counted."""
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            lockout.was_right(self.request.login_attempt, timezone.now())
            if user.is_active:
                raise ValidationError(API_ONLY, code="api_only") from None
            raise


class OwnPasswordForm(ChangesPasswordInService, AdminOwnPasswordChangeForm):  # type: ignore[misc]  # unfold is untyped
    """The old password is checked as at a login. After a lock-out the page of the lock-out is shown instead."""

    def __init__(self, user: Any, *args: Any, request: Any, **kwargs: Any) -> None:
        self.request = request
        super().__init__(user, *args, **kwargs)

    @sensitive_variables("password")
    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        if authenticate(self.request, username=self.user.get_username(), password=password) is None:
            raise ValidationError(self.error_messages["password_incorrect"], code="password_incorrect")
        lockout.was_right(self.request.login_attempt, timezone.now())
        return password


class OwnPasswordView(PasswordChangeView):
    """Replaces the admin's own view, whose form does not know the request."""

    form_class = OwnPasswordForm
    success_url = reverse_lazy("admin:password_change_done")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A second one would be refused: the old password is not right any more. Wrong ones must stay counted."""
        view = super().post
        return once_in_steps(request, lambda: view(request, *args, **kwargs))

    def form_valid(self, form: Any) -> HttpResponse:
        view = super().form_valid
        return run_in_transaction(lambda: once(self.request, lambda: view(form)))

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{**admin.site.each_context(self.request), **kwargs})
