"""Assets in the admin, with their values and transactions on the same page."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db.models import F
from django.utils import timezone
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from assets.admin.classification import CategoryFilter, own
from assets.admin.entries import OfAnAsset, OfATransaction
from assets.models import Asset, AssetSnapshot, Category, Tag, Transaction
from assets.rules.disposal import validate_day_of_sale
from assets.services import classification, disposal, transactions
from assets.valuation import with_current_value
from portfolios.models import Portfolio
from strata.admin.actions import counted, shown_refusals
from strata.admin.choices import OwnRowsFilter, RowsSelect
from strata.admin.forms import ConstraintCheckedForm, StaleCheckedForm, refusals_shown
from strata.admin.households import HouseholdAdmin, HouseholdInline
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError
from strata.fields.dates import local_day
from strata.fields.names import NoteField
from strata.fields.numbers import money_text
from strata.tenancy.guards import read_locked
from strata.tenancy.roles import EDITORS

ONE_LINE = {NoteField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 1})}}


class HeldFilter(admin.SimpleListFilter):
    title, parameter_name = "disposed", "disposed"

    def lookups(self, request, model_admin):
        return [("no", "Still here"), ("yes", "Disposed of")]

    def queryset(self, request, queryset):
        if self.value() == "yes":
            return queryset.filter(disposed_on__lte=F("as_of"))
        return queryset.exclude(disposed_on__lte=F("as_of")) if self.value() == "no" else queryset


class DayForm(OfAnAsset, StaleCheckedForm):
    """A row on an asset's page, which shows only the day. A row that moves to another day is set to its noon."""

    def clean(self):
        cleaned = super().clean()
        if "on" in self.changed_data:
            setattr(self.instance, self.instant, None)
        return cleaned

    def _post_clean(self):
        """An asset without a portfolio is refused anyway, and without its time zone the day is unknown."""
        if self.instance.asset.portfolio_id:
            super()._post_clean()


class MovementForm(OfATransaction, DayForm):
    def _post_clean(self):
        row = self.instance
        row.currency = row.currency or row.asset.currency
        super()._post_clean()
        if row._state.adding and not self.errors and not row.asset._state.adding:
            row.position = transactions.next_position(row.asset, row.on)


class SnapshotInline(HouseholdInline):
    model = AssetSnapshot
    form = DayForm
    verbose_name, verbose_name_plural = "value", "values"
    fields = ("value", "on", "note")
    formfield_overrides = HouseholdInline.formfield_overrides | ONE_LINE
    show_change_link = True


class TransactionInline(HouseholdInline):
    model = Transaction
    form = MovementForm
    fields = ("type", "amount", "quantity", "unit_price", "fee", "tax", "on")
    show_change_link = True


def labels_field(name: str, model: type[Category] | type[Tag]) -> forms.ModelMultipleChoiceField:
    widget = RowsSelect(Asset._meta.get_field(name), admin.site)
    widget.narrow(writable=1)
    return forms.ModelMultipleChoiceField(model.objects.none(), required=False, widget=widget)


MOVING = (
    "Moving it to another portfolio moves its whole past: the figures of both change for all earlier days."
    " In a portfolio of another household, the members of this one no longer see it."
)


class AssetForm(ConstraintCheckedForm):
    """The form's version includes the categories and tags: they are rows of their own, but part of this form."""

    currency = forms.CharField(
        required=False,
        max_length=3,
        widget=UnfoldAdminTextInputWidget,
        help_text="A code such as EUR. Empty: the portfolio's.",
    )
    categories = labels_field("categories", Category)
    tags = labels_field("tags", Tag)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        asset = self.instance
        if asset._state.adding:
            categories, tags = own(Category, self.user), own(Tag, self.user)
        else:
            in_household = {"household": asset.portfolio.household_id}
            categories, tags = Category.objects.filter(**in_household), Tag.objects.filter(**in_household)
            for name in ("categories", "tags"):
                self.fields[name].widget.narrow(**in_household)
            if "portfolio" in self.fields:
                self.fields["portfolio"].help_text = MOVING
        self.fields["categories"].queryset, self.fields["tags"].queryset = categories, tags

    def form_version(self, row_version):
        asset = self.instance
        labels = [
            str(pk)
            for links, column in ((asset.category_links, "category_id"), (asset.tag_links, "tag_id"))
            for pk in links.order_by(column).values_list(column, flat=True)
        ]
        return " ".join((super().form_version(row_version), *labels))

    def clean(self):
        given = super().clean()
        asset, portfolio, asset_type = self.instance, given.get("portfolio"), given.get("asset_type")
        if portfolio and not given.get("currency"):
            given["currency"] = portfolio.base_currency
        if not asset._state.adding and given.get("currency") != asset.currency and asset.has_entries():
            self.add_error("currency", "It has values or transactions in its currency.")
        if portfolio and asset_type:
            labels = {
                f"{name}_ids": [row.pk for row in given.get(many, ())]
                for name, many in (("category", "categories"), ("tag", "tags"))
            }
            attrs = {"portfolio": portfolio, "asset_type": asset_type, **labels}
            with refusals_shown(self):
                classification.check_labels(None if asset._state.adding else asset, attrs)
        return given

    def check_row(self, row):
        if row.disposed_on is None:
            return
        days = {name: getattr(row, name) for name in ("acquired_on", "disposed_on")}
        if row._state.adding or not Asset.objects.filter(pk=row.pk, **days).exists():
            disposal.check_disposal(row, row.disposed_on, field="disposed_on")
            sale = disposal.proceeds_of(row)
            validate_day_of_sale(row.disposed_on, sale and sale.on)


@admin.register(Asset)
class AssetPage(HouseholdAdmin):
    icon = "savings"
    form = AssetForm
    list_display = ("name", "asset_type", "portfolio", "currency", "value_now", "value_now_on", "disposed_on")
    list_filter = (
        ("portfolio", OwnRowsFilter),
        "asset_type__group",
        ("asset_type", OwnRowsFilter),
        CategoryFilter,
        ("tags", OwnRowsFilter),
        "currency",
        HeldFilter,
    )
    search_fields = ("name_key__has_part", "notes")
    inlines = (SnapshotInline, TransactionInline)
    actions = ("dispose_of", "reinstate")

    def get_fieldsets(self, request, obj=None):
        what = ("name", "portfolio", "asset_type", "currency", "quantity", "kind", "notes")
        return (
            (None, {"fields": what}),
            ("Sorted under", {"fields": ("categories", "tags")}),
            ("Days", {"fields": ("acquired_on", "disposed_on")}),
        )

    def get_queryset(self, request):
        rows = super().get_queryset(request).select_related("portfolio", "asset_type")
        portfolios = Portfolio.objects.all()
        visible = portfolios if request.user.is_superuser else portfolios.for_user(request.user)
        return with_current_value(rows, portfolios=visible)

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.user = request.user
        return form

    def save_model(self, request, obj, form, change):
        """Emptying the day of disposal undoes the disposal and deletes its DISPOSE, as the API's reinstate does."""
        if change and "disposed_on" in form.changed_data and obj.disposed_on is None:
            obj.disposed_on = form.initial["disposed_on"]
            disposal.reinstate(obj)
        else:
            super().save_model(request, obj, form, change)

    @admin.display(description="current value", ordering="current_value")
    def value_now(self, asset):
        return "" if asset.current_value is None else money_text(asset.current_value)

    @admin.display(description="as of", ordering="current_value_on")
    def value_now_on(self, asset):
        return asset.current_value_on

    @admin.action(description="Dispose of, from today on", permissions=("change",))
    def dispose_of(self, request, queryset):
        self._each(request, queryset, dispose_today, "Disposed of")

    @admin.action(description="Reinstate", permissions=("change",))
    def reinstate(self, request, queryset):
        self._each(request, queryset, disposal.reinstate, "Reinstated")

    def what_dispose_of_does(self, request, queryset):
        chosen = self._changeable(request, queryset)
        owned = chosen.filter(disposed_on=None)
        return [
            f"Disposes of {counted(owned.count(), Asset)} from today on, without proceeds: they count nothing then.",
            f"Leaves {counted(chosen.count() - owned.count(), Asset)} alone that are disposed of already.",
            *self._what_is_left_out(queryset, chosen),
        ]

    def what_reinstate_does(self, request, queryset):
        chosen = self._changeable(request, queryset)
        disposed = chosen.exclude(disposed_on=None)
        sales = Transaction.objects.filter(
            asset__in=disposed.order_by().values("pk"), **disposal.OF_A_DISPOSAL
        )
        return [
            f"Reinstates {counted(disposed.count(), Asset)}: from the day of their disposal on they count again.",
            f"Deletes {counted(sales.count(), Transaction)} that recorded what the disposals brought.",
            f"Leaves {counted(chosen.count() - disposed.count(), Asset)} alone that are not disposed of.",
            *self._what_is_left_out(queryset, chosen),
        ]

    def _what_is_left_out(self, queryset, chosen) -> list[str]:
        rest = queryset.count() - chosen.count()
        return [f"Leaves out {counted(rest, Asset)} that you may only see."] if rest else []

    def _changeable(self, request, queryset):
        return queryset if request.user.is_superuser else queryset.for_user(request.user, EDITORS)

    def _each(self, request, queryset, act, done: str) -> None:
        """Call `act` with each chosen asset that the caller may change; all of them are locked."""
        chosen = self._changeable(request, queryset)

        def try_each() -> list[str | None]:
            return [error_of(act, asset) for asset in read_locked(chosen)]

        outcomes = run_in_transaction(try_each)
        refused = [message for message in outcomes if message]
        for message in shown_refusals(refused):
            self.message_user(request, message, messages.ERROR)
        self.message_user(request, f"{done}: {len(outcomes) - len(refused)} of {queryset.count()}.")


def error_of(act, asset: Asset) -> str | None:
    """Why the action was refused; None if it was done. A refused action has written nothing."""
    try:
        act(asset)
    except forms.ValidationError as error:
        return f"{asset}: {' '.join(error.messages)}"
    except StrataError as refusal:
        return f"{asset}: {refusal.message}"
    return None


def dispose_today(asset: Asset) -> None:
    disposal.dispose(asset, on=local_day(timezone.now(), asset.portfolio.time_zone), proceeds=None)
