"""The admin's pages as a browser of the staff's has them: where they are, what their forms would send and refuse."""

from __future__ import annotations

from typing import Any

from django import forms
from django.test import Client
from django.urls import reverse


def url(model, name="changelist", *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def staff(user) -> Client:
    user.is_staff = True
    user.save()
    client = Client()
    client.force_login(user)
    return client


def filled(page_answer) -> dict[str, str]:
    """What a browser would send of the page's form, its inlines included, untouched."""
    return {name: value for name, value in inputs_of(page_answer).items() if value not in (None, [], "")}


def inputs_of(page_answer) -> dict[str, Any]:
    """Every input of the page's form and its inlines, with its value, also the empty ones."""
    context = page_answer.context
    data: dict[str, Any] = {}
    formsets = [inline.formset for inline in context["inline_admin_formsets"]]
    for form in (
        context["adminform"].form,
        *(f.management_form for f in formsets),
        *(x for f in formsets for x in f),
    ):
        for bound in form:
            data.update(sent(bound))
    return data


def sent(bound: forms.BoundField) -> dict[str, Any]:
    context = bound.field.widget.get_context(bound.html_name, bound.value(), {})["widget"]
    parts = context.get("subwidgets") or [context]
    return {part["name"]: part["value"] for part in parts}


def form_of(client, row) -> dict:
    return filled(client.get(url(type(row), "change", row.pk)))


def save(client, row, data):
    return client.post(url(type(row), "change", row.pk), data)


def errors_of(answer) -> str:
    form = answer.context["adminform"].form
    formsets = [inline.formset for inline in answer.context["inline_admin_formsets"]]
    return " ".join(
        str(part)
        for part in (form.errors, *(f.errors for f in formsets), *(f.non_form_errors() for f in formsets))
    )
