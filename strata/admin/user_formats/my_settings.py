"""The page "My settings": the language, the number format and the date format of the user."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from strata.accounts.models import LANGUAGES, NUMBER_FORMATS, User
from strata.accounts.preferences import as_preferred, preferences_of
from strata.accounts.services import set_preferences
from strata.admin.sent_again import once
from strata.db.retry import run_in_transaction
from strata.fields import date_formats
from strata.fields.active_formats import months
from strata.fields.date_formats import DateFormat


def example_of(date_format: DateFormat) -> str:
    return f"{date_formats.day_text(date_formats.EXAMPLE, date_format, months())} ({date_format})"


class PreferencesForm(forms.Form):
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, widget=UnfoldAdminSelectWidget)
    number_format = forms.ChoiceField(
        label=_("Number format"),
        choices=NUMBER_FORMATS,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Other formats are understood too, where there is only one way to read a number."),
    )
    date_format = forms.ChoiceField(
        label=_("Date format"),
        choices=lambda: [(item.value, example_of(item)) for item in DateFormat],
        widget=UnfoldAdminSelectWidget,
        help_text=_("YYYY-MM-DD is always understood."),
    )


def my_settings(request: HttpRequest) -> HttpResponse:
    """Shows what applies now: what the user chose, and what the browser suggests for the rest."""
    user = cast(User, request.user)
    accepted = request.headers.get("Accept-Language", "")
    form = PreferencesForm(request.POST or None, initial=preferences_of(user, accepted)._asdict())
    if request.method == "POST" and form.is_valid():
        return run_in_transaction(lambda: once(request, lambda: saved(request, user, form.cleaned_data)))
    context: dict[str, Any] = {**admin.site.each_context(request), "title": _("My settings"), "form": form}
    return TemplateResponse(request, "strata/my_settings.html", context)


def saved(request: HttpRequest, user: User, values: dict[str, Any]) -> HttpResponse:
    accepted = request.headers.get("Accept-Language", "")
    with as_preferred(preferences_of(set_preferences(user.pk, values), accepted)):
        messages.success(request, gettext("Your settings are saved."))
    return HttpResponseRedirect(reverse("my-settings"))
