"""The admin's pages as a staff member's browser uses them: their URLs, the data of their forms and their errors."""

from __future__ import annotations

from typing import Any

from django import forms
from django.test import Client
from django.urls import reverse

from strata.fields.date_formats import DateFormat


def url(model, name="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def staff(user) -> Client:
    """A browser in which the user, made staff, is logged in. Days are YYYY-MM-DD, unless the user chose a format."""
    user.is_staff = True
    user.date_format = user.date_format or DateFormat.ISO
    user.save()
    client = Client()
    client.force_login(user)
    return client


def form_data(page_answer) -> dict[str, str]:
    """What a browser sends when the page's form, with its inlines, is submitted unchanged."""
    return {name: value for name, value in inputs_of(page_answer).items() if value not in (None, [], "")}


def inputs_of(page_answer) -> dict[str, Any]:
    """Every input of the page's form and its inlines with its value, including empty ones.

    None on a page without the form of a row: that of a new token has a form of its own.
    """
    context = page_answer.context
    if "adminform" not in context:
        return {}
    data: dict[str, Any] = {}
    formsets = [inline.formset for inline in context["inline_admin_formsets"]]
    for form in (
        context["adminform"].form,
        *(formset.management_form for formset in formsets),
        *(row_form for formset in formsets for row_form in formset),
    ):
        for bound in form:
            data.update(widget_inputs(bound))
    return data


def widget_inputs(bound: forms.BoundField) -> dict[str, Any]:
    context = bound.field.widget.get_context(bound.html_name, bound.value(), {})["widget"]
    parts = context.get("subwidgets") or [context]
    return {part["name"]: "on" if part["attrs"].get("checked") else part["value"] for part in parts}


def change_form_data(client, row) -> dict:
    """What the row's change page sends when nothing is edited."""
    return form_data(client.get(url(type(row), "change", row.pk)))


def save(client, row, data):
    return client.post(url(type(row), "change", row.pk), data)


def errors_of(answer) -> str:
    """All errors of the page's form and its inlines, as one text."""
    form = answer.context["adminform"].form
    formsets = [inline.formset for inline in answer.context["inline_admin_formsets"]]
    return " ".join(
        str(error)
        for error in (
            form.errors,
            *(formset.errors for formset in formsets),
            *(formset.non_form_errors() for formset in formsets),
        )
    )
