"""The page that makes an API token of the user's own, and shows its secret once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from strata.accounts import lockout, services
from strata.accounts.models import ApiToken, User
from strata.admin.sent_again import BEING_SAVED, claimed, keep, key_of
from strata.api.errors import APIError
from strata.api.http.idempotency import release_key
from strata.audit.models import IdempotentAnswer
from strata.db.retry import run_in_transaction
from strata.exceptions import Invalid
from strata.fields.names import NAME_LENGTH
from strata.templatetags.form_key import FIELD

MOST_DAYS = 36_500


class NewTokenForm(forms.Form):
    """Asks for the password, as `POST auth/token` does: a session alone makes no token that outlives it."""

    name = forms.CharField(
        label=_("Name"),
        required=False,
        max_length=NAME_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("What the token is for."),
    )
    scope = forms.ChoiceField(
        label=_("Scope"),
        choices=ApiToken.Scope.choices,
        initial=ApiToken.Scope.WRITE,
        widget=UnfoldAdminSelectWidget,
    )
    days = forms.IntegerField(
        label=_("Valid for (days)"),
        required=False,
        min_value=1,
        max_value=MOST_DAYS,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text=_("Until you delete it if empty."),
    )
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: Any, *, request: HttpRequest) -> None:
        super().__init__(data)
        self.request: Any = request

    @sensitive_variables("password")
    def clean_password(self) -> str:
        """Failures count as at a login. After a lock-out the page of the lock-out is shown instead."""
        password: str = self.cleaned_data["password"]
        if authenticate(self.request, username=self.request.user.get_username(), password=password) is None:
            raise ValidationError(_("The password is wrong."), code="password_incorrect")
        lockout.was_right(self.request.login_attempt, timezone.now())
        return password

    def issue(self) -> str:
        """The secret of the new token."""
        given, days = self.cleaned_data, self.cleaned_data["days"]
        expires_at = timezone.now() + timedelta(days=days) if days else None
        user = cast(User, self.request.user)

        def issue(secret: str) -> str:
            _token, issued = services.issue_token(
                user, name=given["name"], scope=given["scope"], expires_at=expires_at, secret=secret
            )
            return issued

        return run_in_transaction(lambda: secret_once(self.request, issue))


def secret_once(request: HttpRequest, issue: Callable[[str], str]) -> str:
    """The secret of the token that `issue` made; again, where the same form had made it and it is still valid.

    It is not stored: it is made of the key of the page. Raises APIError while the first form is being written.
    """
    if not key_of(request):
        return issue("")

    def secret_of(stored: IdempotentAnswer) -> str:
        return services.secret_from(f"{request.POST[FIELD]} {stored.pk}")

    stored, is_new = claimed(request)
    if not is_new and not services.is_issued(secret_of(stored)):
        release_key(stored)
        stored, is_new = claimed(request)
    if is_new:
        issue(secret_of(stored))
        keep(request, stored, HttpResponse(), [])
    return secret_of(stored)


@sensitive_post_parameters("password")
def new_token(request: HttpRequest, page: Any) -> HttpResponse:
    """No transaction around it: a wrong password must stay counted."""
    form, secret = NewTokenForm(request.POST or None, request=request), ""
    if request.method == "POST" and form.is_valid():
        try:
            secret = form.issue()
        except Invalid as refused:
            form.add_error(refused.field if refused.field in form.fields else None, refused.message)
        except APIError:  # on PostgreSQL, where the first one takes long
            form.add_error(None, BEING_SAVED)
    context = {
        **admin.site.each_context(request),
        "title": _("Add API token"),
        "opts": page.opts,
        "form": form,
        "secret": secret,
    }
    return TemplateResponse(request, "strata/new_token.html", context)
