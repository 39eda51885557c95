"""Assets in the admin, with their values and transactions on the same page."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from assets.admin.classification import CategoryFilter, own
from assets.admin.debts import IN_MY_FAVOUR, OwedAmount, describe_value, fields_for, in_my_favour, value_text
from assets.admin.entries import OfATransaction
from assets.admin.of_an_asset import OfAnAsset
from assets.admin.value_charts import past_years, sparkline_of
from assets.admin.values_of_asset import values_of_asset
from assets.models import Asset, AssetSnapshot, Category, Tag, Transaction
from assets.models.querysets import zones_of
from assets.rules.accounts import validate_account_number_end
from assets.services import disposal, transactions
from assets.services.assets import ASSETS
from assets.services.snapshots import SNAPSHOTS
from assets.valuation import with_current_value
from portfolios.models import Portfolio
from strata.admin.actions import counted, shown_refusals
from strata.admin.choices import OwnRowsFilter, RowsSelect
from strata.admin.forms import ServiceCheckedForm, StaleCheckedForm, columns_of, refusals_shown
from strata.admin.households import HouseholdAdmin, HouseholdInline
from strata.admin.user_formats.widgets import CurrencyInput
from strata.audit.clock import written_at
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError
from strata.fields.active_formats import day_text
from strata.fields.dates import resolve_instant_and_day
from strata.fields.names import NoteField
from strata.tenancy.guards import read_locked
from strata.tenancy.roles import EDITORS

ONE_LINE = {NoteField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 1})}}


class HeldFilter(admin.SimpleListFilter):
    title, parameter_name = _("current or sold"), "disposed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("no", _("Current")), ("yes", _("Sold"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        if self.value() == "yes":
            return queryset.filter(disposed_on__lte=F("as_of"))
        return queryset.exclude(disposed_on__lte=F("as_of")) if self.value() == "no" else queryset


class DayForm(OfAnAsset, StaleCheckedForm):
    """A row on an asset's page, which shows only the day. A row that moves to another day is set to its noon.

    A row of a new asset cannot be given to its service yet, so `check_row` completes and checks it.
    """

    instant = "observed_at"

    def check_row(self, row: Any) -> None:
        if row._state.adding or "on" in self.changed_data:
            at, row.on = resolve_instant_and_day(None, row.on, row.asset.portfolio.time_zone, written_at())
            setattr(row, self.instant, at)

    def values_of(self, names: Collection[str]) -> dict[str, Any]:
        """The day as it was typed: without one it is now, and not noon of today."""
        values = super().values_of(names)
        return values | {"on": self.cleaned_data["on"]} if "on" in values else values

    def clean(self) -> Any:
        cleaned = super().clean()
        if "on" in self.changed_data:
            setattr(self.instance, self.instant, None)
        return cleaned

    def _post_clean(self) -> None:
        """An asset without a portfolio is refused anyway, and without its time zone the day is unknown."""
        if self.instance.asset.portfolio_id:
            super()._post_clean()


class ValueForm(OwedAmount, DayForm):
    in_my_favour = in_my_favour()


class MovementForm(OfATransaction, DayForm):
    instant = "occurred_at"

    def check_row(self, row: Any) -> None:
        super().check_row(row)
        stored = None if row._state.adding else Transaction.objects.get(pk=row.pk)
        columns = columns_of(self, [field.name for field in row._meta.concrete_fields])
        transactions.check_recorded_sale(stored, columns)
        transactions.recounted_amount(row, columns, row.asset)

    def _post_clean(self) -> None:
        row = self.instance
        row.currency = row.currency or row.asset.currency
        super()._post_clean()


class InlineOfAnAsset(HouseholdInline):
    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.parent = obj
        return formset


class SnapshotInline(InlineOfAnAsset):
    model = AssetSnapshot
    form = ValueForm
    service = SNAPSHOTS
    fields = ("value", IN_MY_FAVOUR, "on", "note")
    formfield_overrides = HouseholdInline.formfield_overrides | ONE_LINE
    show_change_link = True

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_fields(request, obj)
        if not self.has_change_permission(request, obj):
            return [name for name in fields if name != IN_MY_FAVOUR]
        return fields_for(fields, obj)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        describe_value(formset.form.base_fields.get("value"), obj)  # the heading of the column
        return formset


class TransactionInline(InlineOfAnAsset):
    model = Transaction
    form = MovementForm
    service = transactions.TRANSACTIONS
    fields = ("type", "amount", "quantity", "unit_price", "fee", "tax", "on")
    show_change_link = True


def labels_field(
    name: str, model: type[Category] | type[Tag], label: Promise
) -> forms.ModelMultipleChoiceField[Any]:
    widget = RowsSelect(Asset._meta.get_field(name), admin.site)
    widget.narrow(writable=1)
    rows = model.objects.none()
    return forms.ModelMultipleChoiceField(rows, label=label, required=False, widget=widget)


MOVING = _(
    "Moving it to another portfolio moves its whole past: the figures of both change for all earlier days."
    " In a portfolio of another household, the members of this one no longer see it."
)


# The service's name for the list of ids, and the form's field.
LABEL_FIELDS: dict[str | None, str] = {"category_ids": "categories", "tag_ids": "tags"}


class AssetForm(ServiceCheckedForm):
    """The form's version includes the categories and tags: they are rows of their own, but part of this form."""

    currency = forms.CharField(
        required=False,
        max_length=3,
        widget=CurrencyInput,
        label=_("Currency"),
        help_text=_("A code such as EUR; the portfolio's if empty. Cannot be changed once there are values."),
    )
    # Without maxlength: a browser would cut a whole number that is pasted, to its first digits.
    account_number_end = forms.CharField(
        label=_("Last digits of the account number"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("At most 8 letters and digits, to know it again."),
    )
    categories = labels_field("categories", Category, _("Categories"))
    tags = labels_field("tags", Tag, _("Tags"))
    user: Any
    fields_shown_as = {**LABEL_FIELDS, "category": "categories", "tag": "tags"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        asset = self.instance
        fields: dict[str, Any] = self.fields
        if asset._state.adding:
            categories, tags = own(Category, self.user), own(Tag, self.user)
        else:
            in_household = {"household": asset.portfolio.household_id}
            categories, tags = Category.objects.filter(**in_household), Tag.objects.filter(**in_household)
            for name in ("categories", "tags"):
                self.fields[name].widget.narrow(**in_household)
            if "portfolio" in self.fields:
                self.fields["portfolio"].help_text = MOVING
        fields["categories"].queryset, fields["tags"].queryset = categories, tags

    def clean_account_number_end(self) -> str:
        """Refused in the words of the service: the model's own field knows only how long it may be."""
        text: str = self.cleaned_data["account_number_end"]
        with refusals_shown(self):
            validate_account_number_end(text)
        return text

    def form_version(self, row_version: str) -> str:
        asset = self.instance
        labels = [
            str(pk)
            for links, column in ((asset.category_links, "category_id"), (asset.tag_links, "tag_id"))
            for pk in links.order_by(column).values_list(column, flat=True)
        ]
        return " ".join((super().form_version(row_version), *labels))

    def clean(self) -> Any:
        given = super().clean()
        if given.get("portfolio") and not given.get("currency"):
            given["currency"] = given["portfolio"].base_currency
        return given

    def _save_m2m(self) -> None:
        """Nothing: the service has written the labels."""


@admin.register(Asset)
class AssetPage(HouseholdAdmin):
    icon, place, in_palette = "savings", 20, True
    empty_text = _("Everything that you own or owe is an asset: an account, a house, a loan.")
    form = AssetForm
    service, parent_column = ASSETS, "portfolio_id"
    list_display = (
        "name",
        "asset_type",
        "portfolio",
        "currency",
        "value_now",
        "past_year",
        "value_now_on",
        "disposed_on",
    )
    list_filter = (
        ("portfolio", OwnRowsFilter),
        "asset_type__group",
        ("asset_type", OwnRowsFilter),
        CategoryFilter,
        ("tags", OwnRowsFilter),
        "currency",
        HeldFilter,
    )
    search_fields = ("name_key__has_part", "institution_key__has_part", "notes")
    inlines = (SnapshotInline, TransactionInline)
    change_form_outer_before_template = "assets/values_of_asset.html"
    actions = ("dispose_of", "reinstate")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        what = (
            "name",
            "portfolio",
            "asset_type",
            "currency",
            "quantity",
            "kind",
            "counts_in_net_worth",
            "notes",
        )
        return (
            (None, {"fields": what}),
            (_("Institution"), {"fields": ("institution", "account_number_end")}),
            (_("Classification"), {"fields": ("categories", "tags")}),
            (_("Dates"), {"fields": ("acquired_on", "disposed_on")}),
        )

    def palette_text(self, row: Any) -> str:
        return str(row.portfolio)

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request).select_related("portfolio", "asset_type")
        portfolios = Portfolio.objects.all()
        visible = portfolios if request.user.is_superuser else portfolios.for_user(request.user)
        # A list may be ordered by a column: by the value, if it is that one.
        return with_current_value(rows, zones=zones_of(visible), in_sql="o" in request.GET)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With the values of the past year of all rows of the page, read at once."""
        page = super().get_changelist_instance(request)
        page.result_list = list(page.result_list)
        years = past_years(page.result_list)
        for asset in page.result_list:
            asset.sparkline = sparkline_of(asset, years[asset.pk])
        return page

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        """A new asset is saved with its first values. Later values have their own section, and pages of their own."""
        return self.inlines if obj is None else (TransactionInline,)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], **kwargs: Any
    ) -> HttpResponse:
        if (asset := kwargs.get("obj")) is not None:
            may_add = self.has_change_permission(request, asset)
            context["values_of_asset"] = values_of_asset(asset, request, may_add=may_add)
        answer: HttpResponse = super().render_change_form(request, context, **kwargs)
        return answer

    def get_form(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, **kwargs)
        form.user = request.user
        return form

    def values_of(self, form: Any, names: Collection[str]) -> dict[str, Any]:
        labels = {
            str(column): [row.pk for row in form.cleaned_data[name]]
            for column, name in LABEL_FIELDS.items()
            if name in names
        }
        return super().values_of(form, names) | labels

    @admin.display(description=_("value"), ordering="current_value")
    def value_now(self, asset: Any) -> str:
        return "" if asset.current_value is None else value_text(asset.current_value, asset)

    @admin.display(description=_("past year"), empty_value="")
    def past_year(self, asset: Any) -> str:
        text: str = asset.sparkline
        return text

    @admin.display(description=_("as of"), ordering="current_value_on")
    def value_now_on(self, asset: Any) -> str:
        return "" if asset.current_value_on is None else day_text(asset.current_value_on)

    @admin.action(description=_("Mark as sold today"), permissions=("change",))
    def dispose_of(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, disposal.dispose, gettext("Marked as sold today"))

    @admin.action(description=_("Undo sale"), permissions=("change",))
    def reinstate(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._each(request, queryset, disposal.reinstate, gettext("Sale undone"))

    def what_dispose_of_does(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        chosen = self._changeable(request, queryset)
        owned = chosen.filter(disposed_on=None)
        return [
            gettext("Marks %(assets)s as sold today, without proceeds: from today on they count nothing.")
            % {"assets": counted(owned.count(), Asset)},
            gettext("Leaves %(assets)s alone that are sold already.")
            % {"assets": counted(chosen.count() - owned.count(), Asset)},
            *self._what_is_left_out(queryset, chosen),
        ]

    def what_reinstate_does(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        chosen = self._changeable(request, queryset)
        disposed = chosen.exclude(disposed_on=None)
        sales = Transaction.objects.filter(
            asset__in=disposed.order_by().values("pk"), **disposal.OF_A_DISPOSAL
        )
        return [
            gettext("Undoes the sale of %(assets)s: from its day on they count again.")
            % {"assets": counted(disposed.count(), Asset)},
            gettext("Deletes %(transactions)s that recorded what the sales brought.")
            % {"transactions": counted(sales.count(), Transaction)},
            gettext("Leaves %(assets)s alone that are not sold.")
            % {"assets": counted(chosen.count() - disposed.count(), Asset)},
            *self._what_is_left_out(queryset, chosen),
        ]

    def _what_is_left_out(self, queryset: QuerySet[Any], chosen: Any) -> list[str]:
        rest = queryset.count() - chosen.count()
        text = gettext("Leaves out %(assets)s that you may only see.")
        return [text % {"assets": counted(rest, Asset)}] if rest else []

    def _changeable(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset if request.user.is_superuser else queryset.for_user(request.user, EDITORS)

    def _each(
        self, request: HttpRequest, queryset: QuerySet[Any], act: Callable[[UUID], Any], done: str
    ) -> None:
        """Call `act` with each chosen asset that the caller may change; all of them are locked."""
        chosen = self._changeable(request, queryset)

        def try_each() -> list[str | None]:
            return [error_of(act, asset) for asset in read_locked(chosen)]

        outcomes = run_in_transaction(try_each)
        refused = [message for message in outcomes if message]
        for message in shown_refusals(refused):
            self.message_user(request, message, messages.ERROR)
        counts = {"done": done, "count": len(outcomes) - len(refused), "all": queryset.count()}
        self.message_user(request, gettext("%(done)s: %(count)s of %(all)s.") % counts)


def error_of(act: Callable[[UUID], Any], asset: Asset) -> str | None:
    """Why the action was refused; None if it was done. A refused action has written nothing."""
    try:
        with transaction.atomic():
            act(asset.pk)
    except forms.ValidationError as error:
        return f"{asset}: {' '.join(error.messages)}"
    except StrataError as refusal:
        return f"{asset}: {refusal.message}"
    return None
