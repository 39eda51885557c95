"""What every form of the admin refuses: rows that somebody else changed meanwhile, and what the database refuses."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _
from unfold.forms import PaginationInlineFormSet

from strata.admin.user_formats.columns import zone_of
from strata.db.errors.uniqueness import is_unique_violation
from strata.db.locks import lock_rows
from strata.exceptions import NotFound, StrataError
from strata.fields.active_formats import validate_places
from strata.fields.currencies import currency_codes
from strata.fields.dates import InstantFormField
from strata.fields.money import MoneyField, NumberFormField
from strata.fields.numbers import plain
from strata.tenancy.querysets import Owned
from strata.tenancy.writes import Service

if TYPE_CHECKING:
    _Form = forms.ModelForm[Any]
else:
    _Form = object  # the mixin comes before a form among its bases

STALE = _(
    "Somebody else has changed or deleted it since you opened this page. Nothing was saved: open it again first."
)
TAKEN = _("It is taken: something else has the same.")
PAGE = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


class VersionField(forms.CharField):
    """The version of the row that the page showed. It differs once the row was changed. It is never a change itself."""

    widget = forms.HiddenInput

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


def version_of(row: models.Model) -> str:
    """The time of the last change; or, for a row without `updated_at`, a keyed hash of its columns.

    `last_login` does not count: no form writes it.
    """
    if hasattr(row, "updated_at"):
        changed_at: datetime = row.updated_at
        return changed_at.isoformat()
    columns = [field.attname for field in row._meta.concrete_fields if field.name != "last_login"]
    values = repr([getattr(row, name) for name in columns])
    return salted_hmac("strata.editing", values, algorithm="sha256").hexdigest()


def version_now(row: models.Model) -> str | None:
    """The version of the row as it is stored; None where it was deleted.

    The guards of the row are locked by then. A row without a household has no guard, so the row itself is locked here.
    """
    rows = type(row)._base_manager.filter(pk=row.pk)
    if not isinstance(row, Owned) or row.owning_household_id() is None:
        lock_rows(rows)
    stored = rows.first()
    return version_of(stored) if stored else None


def is_amount(model: type[models.Model], name: str) -> bool:
    return any(field.name == name and isinstance(field, MoneyField) for field in model._meta.concrete_fields)


class InItsOwnWords(_Form):
    """Shows the model's own error messages. It must be the first base class of a model form.

    Django replaces a message of the model with that of the form field where both have the same code. So a message
    such as "It is before 2024-01-31", with the code "invalid", would become "Enter a valid date."
    """

    def _update_errors(self, errors: Any) -> None:
        self.add_error(None, errors)


class StaleCheckedForm(InItsOwnWords, forms.ModelForm):  # type: ignore[type-arg]  # takes none when it runs
    """A form that refuses to save a row that was changed since the page showed it: the admin's If-Match."""

    # The form's fields for names that a service uses: {"tag_ids": "tags", "tag": "tags"}.
    fields_shown_as: dict[str | None, str] = {}

    version = VersionField(required=False, label="")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.initial["version"] = self.form_version(version_of(self.instance))
        self.amounts = [name for name in self.fields if is_amount(type(self.instance), name)]
        self._prepare_fields()

    def _prepare_fields(self) -> None:
        """Amounts and instants are read last: the currency and the zone may depend on the fields before them."""
        late = []
        for name, field in self.fields.items():
            if isinstance(field, NumberFormField):
                self._prepare_number(field, name)
            elif isinstance(field, InstantFormField):
                field.show_zone(self.zone_of_instants)
            if name in self.amounts or isinstance(field, InstantFormField):
                late.append(name)
        self.order_fields([name for name in self.fields if name not in late])

    def _prepare_number(self, field: NumberFormField, name: str) -> None:
        if name in self.amounts:
            field.currency = self.currency_of_amounts
        stored = self.get_initial_for_field(field, name)
        if isinstance(stored, Decimal):
            field.keep(stored)

    def currency_of_amounts(self) -> str:
        """ "" where it is not known, as for a row that has no asset yet."""
        return getattr(self.instance, "currency", "")

    def zone_of_instants(self) -> str:
        return zone_of(self.instance)

    def changed_fields(self) -> Collection[str]:
        """The fields whose values the service gets for a row that exists."""
        return self.changed_data

    def values_of(self, names: Collection[str]) -> dict[str, Any]:
        """What the service gets of these fields, by column."""
        return columns_of(self, names)

    def check_row(self, row: models.Model) -> None:
        """Raise what a service would raise for the row as the form has filled it. May fill in further fields."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's, not in the stubs
        with refusals_shown(self):
            self.check_row(self.instance)
        if "currency" in self.changed_data:
            self._refuse_fractions(self.currency_of_amounts())

    def _refuse_fractions(self, currency: str) -> None:
        """Refuse more decimal places than the new currency has: unchanged amounts were not read again."""
        for name in self.amounts if currency in currency_codes() else ():
            amount = self.cleaned_data.get(name)
            try:
                validate_places(Decimal(plain(amount or Decimal(0))), currency)
            except ValidationError as error:
                self.add_error(name, error)

    def form_version(self, row_version: str) -> str:
        """The version of the form: that of the row, and of other data that the form shows. Overridden by such forms."""
        return row_version

    def clean(self) -> Any:
        cleaned = super().clean()
        if self._is_stale():
            self.add_error(None, ValidationError(STALE, code="stale"))
        self._keep_instants()
        return cleaned

    def _keep_instants(self) -> None:
        """The input of a time has no microseconds: an unchanged time keeps the stored ones."""
        for name in self.cleaned_data.keys() - set(self.changed_data):
            if isinstance(self.cleaned_data[name], datetime):
                self.cleaned_data[name] = getattr(self.instance, name)

    def _is_stale(self) -> bool:
        if self.instance._state.adding:
            return bool(self.cleaned_data.get("version"))
        return self.has_changed() and self.is_outdated()

    def is_outdated(self) -> bool:
        """Whether the row was changed since the page showed it. Of two parallel saves the second gets the error."""
        now = version_now(self.instance)
        return now is None or self.cleaned_data.get("version", "") != self.form_version(now)


def assign_id(row: models.Model) -> Any:
    if row.pk is None:
        row.pk = row._meta.pk.get_default()
    return row.pk


class ServiceCheckedForm(StaleCheckedForm):
    """Lets the page write the row and rolls it back: what the service refuses is shown in the form.

    `page` is the page of the form (strata.admin.accounts.households.HouseholdAdmin), `request` the present request.
    """

    page: Any
    request: Any

    def validate_unique(self) -> None:
        """Left to the service, as what the constraints refuse: it says it in words, beside the field."""

    def validate_constraints(self) -> None:
        """The same."""

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            return
        state, key = self.instance._state.adding, assign_id(self.instance)
        with refusals_shown(self), transaction.atomic():
            self.page.write_row(self.request, self)
            transaction.set_rollback(True)
        self.instance._state.adding, self.instance.pk = state, key


class StaleCheckedFormSet(PaginationInlineFormSet):  # type: ignore[misc]  # unfold is untyped
    """The rows on one page of an inline. Posted rows are found by id, even if they are on another page by now.

    `service` is that of the inline, which writes the rows.
    """

    service: Service

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound:
            self._queryset = self.queryset.filter(pk__in=self._posted_ids())

    def _posted_ids(self) -> list[UUID]:
        ids = []
        for number in range(self.initial_form_count()):
            with suppress(ValueError):
                ids.append(UUID(self.data.get(f"{self.add_prefix(number)}-id", "")))
        return ids

    def get_page_num(self) -> int:
        page = self.request.GET.get(self.get_pagination_key(), "")
        return int(page) if PAGE.fullmatch(page) else 1

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        """Set the parent itself on the row: it is not stored yet when both are new."""
        form = super()._construct_form(i, **kwargs)
        setattr(form.instance, self.fk.name, self.instance)
        return form

    def full_clean(self) -> None:
        """Django removes the id of a new parent when it builds the forms, but the checks of the rows need it."""
        if self.is_bound and self.forms:
            assign_id(self.instance)
        super().full_clean()

    def save_new(self, form: Any, commit: bool = True) -> Any:
        return save_inline_row(self, form)

    def save_existing(self, form: Any, obj: Any, commit: bool = True) -> Any:
        return save_inline_row(self, form)

    def delete_existing(self, obj: Any, commit: bool = True) -> None:
        """A row that is gone is no error: what was saved before it in the same form may have deleted it."""
        with suppress(NotFound):
            self.service.delete(obj.pk)

    def clean(self) -> None:
        super().clean()
        if any(form.is_outdated() for form in self.deleted_forms if not form.instance._state.adding):
            raise ValidationError(STALE, code="stale")
        for constraint in self.model._meta.total_unique_constraints:
            self._refuse_doubles([name for name in constraint.fields if name != self.fk.name])

    def _refuse_doubles(self, names: list[str]) -> None:
        """Fields that the form does not show count as well. Django's own check ignores those."""
        known = set()
        for form in self.forms:
            row = form.instance
            if (
                form in self.deleted_forms
                or not form.is_valid()
                or (row._state.adding and not form.has_changed())
            ):
                continue
            key = tuple(getattr(row, self.model._meta.get_field(name).attname) for name in names)
            if None not in key and (key in known or (form.has_changed() and self._is_elsewhere(names, key))):
                form.add_error(None, TAKEN)
            known.add(key)

    def _is_elsewhere(self, names: Collection[str], key: tuple[Any, ...]) -> bool:
        """Whether another row of the parent, which is not on this page, has this key."""
        if self.instance._state.adding:
            return False
        rows = self.queryset.filter(**dict(zip(names, key, strict=True)))
        return bool(rows.exclude(pk__in=[form.instance.pk for form in self.forms]).exists())


@contextmanager
def refusals_shown(form: StaleCheckedForm) -> Iterator[None]:
    """Turn what a service refuses into errors of the form, each beside its field if the form shows it."""
    try:
        yield
    except StrataError as refusal:
        error = ValidationError(refusal.message, code=refusal.field_code)
        form.add_error(shown_field(form, refusal.field or getattr(refusal, "resource", None)), error)
    except ValidationError as error:
        for field, errors in error.update_error_dict({}).items():
            form.add_error(shown_field(form, field), errors)
    except IntegrityError as error:
        if not is_unique_violation(error, form._meta.model):
            raise
        form.add_error(None, TAKEN)


def shown_field(form: StaleCheckedForm, field: str | None) -> str | None:
    """The form's field for a column, or for a list of ids; None where the form does not show it."""
    names = (field, (field or "").removesuffix("_id"), form.fields_shown_as.get(field))
    return next((name for name in names if name in form.fields), None)


def columns_of(form: StaleCheckedForm, names: Collection[str]) -> dict[str, Any]:
    """The values of these fields of the form as its row has them, by column."""
    return {
        field.attname: getattr(form.instance, field.attname)
        for field in form.instance._meta.concrete_fields
        if field.name in names and not field.primary_key
    }


def adopt(row: models.Model, written: models.Model) -> None:
    """Give the row of a form what its service has stored."""
    for field in row._meta.concrete_fields:
        setattr(row, field.attname, getattr(written, field.attname))
    row._state.adding = False


def save_inline_row(formset: Any, form: StaleCheckedForm) -> models.Model:
    """Write a row of an inline by the service of the inline."""
    row: models.Model = form.instance
    if row._state.adding:
        parent_column = formset.fk.attname
        values = form.values_of(form.fields.keys())
        values.pop(parent_column, None)
        written = formset.service.create(formset.instance.pk, **values)
    else:
        written = formset.service.update(row.pk, form.values_of(form.changed_fields()))
    adopt(row, written)
    return row
