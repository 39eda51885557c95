"""Assets, their values and movements, and what sorts them, in the admin."""

from __future__ import annotations

from itertools import groupby

from django import forms
from django.contrib import admin
from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone
from django.utils.html import format_html
from unfold.views import ChangeList
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelect2MultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from assets import movements, taxonomy
from assets.models import (
    Asset,
    AssetCategory,
    AssetSnapshot,
    AssetType,
    Category,
    ExchangeRate,
    Tag,
    Transaction,
)
from assets.models.taxonomy import parents_in, subtree
from assets.tree import Branch, in_tree_order
from strata.admin import SUBJECTS, HouseholdAdmin, HouseholdInline, OwnRows, as_uuid
from strata.days import local_day
from strata.editing import PageForm, RowForm, refusals_shown
from strata.money import money_text, plain
from strata.names import NoteField
from strata.ownership import EDITORS

ONE_LINE = {NoteField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 1})}}


# --- choosing from the tree ---


def branches_of(categories) -> list[Branch]:
    """The tree of a queryset's categories, in one query."""
    rows = categories.order_by("household__created_at", "household", "name_key", "id")
    return in_tree_order(rows.values_list("id", "parent_id", "name", "household__name"))


def as_choices(branches: list[Branch]) -> list:
    """Indented, and by household where there are several."""
    households = [
        (household, [(one.id, "\u2003" * one.depth + one.path[-1]) for one in group])
        for household, group in groupby(branches, key=lambda one: one.household)
    ]
    return households[0][1] if len(households) == 1 else households


def own(model, user):
    """What a form of this user offers before it knows the household."""
    rows = model.objects.all()
    return rows if user.is_superuser else rows.for_user(user, EDITORS)


class CategoryFilter(admin.SimpleListFilter):
    """The assets in a category or anywhere below it."""

    title = parameter_name = "category"

    def lookups(self, request, model_admin):
        rows = Category.objects.all()
        rows = rows if request.user.is_superuser else rows.for_user(request.user)
        return [(str(one.id), "\u2003" * one.depth + one.path[-1]) for one in branches_of(rows)]

    def queryset(self, request, queryset):
        if not self.value():
            return queryset
        pk = as_uuid(self.value())
        household = Category.objects.filter(pk=pk).values_list("household", flat=True).first()
        return queryset.in_category_tree(subtree([pk], parents_in(household)) if household else ())


class HeldFilter(admin.SimpleListFilter):
    title, parameter_name = "disposed", "disposed"

    def lookups(self, request, model_admin):
        return [("no", "Still here"), ("yes", "Disposed of")]

    def queryset(self, request, queryset):
        if self.value() == "yes":
            return queryset.filter(disposed_on__lte=F("as_of"))
        return queryset.exclude(disposed_on__lte=F("as_of")) if self.value() == "no" else queryset


# --- assets ---


class DayForm(RowForm):
    """A row of an asset's page, which shows the day alone: moved to another day, it stands at that day's noon."""

    instant = "observed_at"

    def clean(self):
        cleaned = super().clean()
        if "on" in self.changed_data:
            setattr(self.instance, self.instant, None)
        return cleaned

    def _post_clean(self):
        """An asset without a portfolio is refused itself, and has no zone that could tell the day."""
        if self.instance.asset.portfolio_id:
            super()._post_clean()


class MovementForm(DayForm):
    instant = "occurred_at"

    def _post_clean(self):
        row = self.instance
        row.currency = row.currency or row.asset.currency
        super()._post_clean()
        if row._state.adding and not self.errors and not row.asset._state.adding:
            row.position = movements.next_position(row.asset, row.on)


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


class AssetForm(PageForm):
    """Its categories and tags are rows of their own, so a change of theirs counts as one of the asset."""

    currency = forms.CharField(
        required=False,
        max_length=3,
        widget=UnfoldAdminTextInputWidget,
        help_text="A code such as EUR. Empty: the portfolio's.",
    )
    categories = forms.ModelMultipleChoiceField(
        Category.objects.none(), required=False, widget=UnfoldAdminSelect2MultipleWidget
    )
    tags = forms.ModelMultipleChoiceField(
        Tag.objects.none(), required=False, widget=UnfoldAdminSelect2MultipleWidget
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        asset = self.instance
        if asset._state.adding:
            categories, tags = own(Category, self.user), own(Tag, self.user)
        else:
            here = {"household": asset.portfolio.household_id}
            categories, tags = Category.objects.filter(**here), Tag.objects.filter(**here)
        self.fields["categories"].queryset, self.fields["tags"].queryset = categories, tags
        self.fields["categories"].choices = as_choices(branches_of(categories))

    def stamp(self, updated_at):
        asset = self.instance
        labels = [
            str(pk)
            for links, column in ((asset.category_links, "category_id"), (asset.tag_links, "tag_id"))
            for pk in links.order_by(column).values_list(column, flat=True)
        ]
        return " ".join((super().stamp(updated_at), *labels))

    def clean(self):
        given = super().clean()
        asset, portfolio, kind = self.instance, given.get("portfolio"), given.get("asset_type")
        if portfolio and not given.get("currency"):
            given["currency"] = portfolio.base_currency
        if not asset._state.adding and given.get("currency") != asset.currency and asset.has_entries():
            self.add_error("currency", "It has values or transactions in its currency.")
        if portfolio and kind:
            labels = {
                f"{name}_ids": [row.pk for row in given.get(many, ())]
                for name, many in (("category", "categories"), ("tag", "tags"))
            }
            attrs = {"portfolio": portfolio, "asset_type": kind, **labels}
            with refusals_shown(self):
                taxonomy.refuse_foreign_labels(None if asset._state.adding else asset, attrs)
        return given


@admin.register(Asset)
class AssetPage(HouseholdAdmin):
    icon = "savings"
    form = AssetForm
    list_display = ("name", "asset_type", "portfolio", "currency", "value_now", "value_now_on", "disposed_on")
    list_filter = (
        ("portfolio", OwnRows),
        "asset_type__group",
        ("asset_type", OwnRows),
        CategoryFilter,
        ("tags", OwnRows),
        "currency",
        HeldFilter,
    )
    search_fields = ("name", "notes")
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
        return rows.with_current_value()

    def get_form(self, request, obj=None, **kwargs):
        form = super().get_form(request, obj, **kwargs)
        form.user = request.user
        return form

    def save_model(self, request, obj, form, change):
        """An emptied day of disposal takes the disposal back, with what it recorded, as the API's reinstate does."""
        if change and "disposed_on" in form.changed_data and obj.disposed_on is None:
            obj.disposed_on = form.initial["disposed_on"]
            movements.reinstate(obj)
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
        self._each(request, queryset, movements.reinstate, "Reinstated")

    def _each(self, request, queryset, act, done: str) -> None:
        """Of the chosen ones those that the caller may change, locked."""
        chosen = queryset if request.user.is_superuser else queryset.for_user(request.user, EDITORS)
        with transaction.atomic():
            ids = list(chosen.order_by("pk").values_list("pk", flat=True))
            assets = Asset.objects.select_for_update(of=("self",)).select_related("portfolio")
            for asset in assets.filter(pk__in=ids).order_by("pk"):
                act(asset)
        self.message_user(request, f"{done}: {len(ids)} of {queryset.count()}.")


def dispose_today(asset: Asset) -> None:
    movements.dispose(asset, on=local_day(timezone.now(), asset.portfolio.time_zone), proceeds=None)


@admin.register(AssetSnapshot)
class SnapshotPage(HouseholdAdmin):
    icon = "payments"
    fields = ("asset", "value", "on", "observed_at", "note")
    fixed = ("asset",)
    list_display = ("asset", "value_shown", "currency", "on", "observed_at")
    list_filter = (("asset__portfolio", OwnRows),)
    search_fields = ("asset__name", "note")
    autocomplete_fields = ("asset",)
    duplicate_field = "observed_at"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("asset__portfolio")

    @admin.display(description="value", ordering="value")
    def value_shown(self, snapshot):
        return money_text(snapshot.value)

    @admin.display(description="currency")
    def currency(self, snapshot):
        return snapshot.asset.currency


class TransactionForm(PageForm):
    currency = forms.CharField(
        required=False, max_length=3, widget=UnfoldAdminTextInputWidget, help_text="Empty: the asset's."
    )
    position = forms.IntegerField(
        required=False,
        min_value=0,
        max_value=2**31 - 1,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="The order within the day. Empty: after the day's last.",
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.initial["position"] = None

    def clean(self):
        given = super().clean()
        asset = given.get("asset") or (self.instance.asset if self.instance.asset_id else None)
        if asset and not given.get("currency"):
            given["currency"] = asset.currency
        self.comes_last = given.get("position") is None
        if self.comes_last:
            given["position"] = 0
        return given

    def _post_clean(self):
        super()._post_clean()
        if self.comes_last and not self.errors:
            self.instance.position = movements.next_position(self.instance.asset, self.instance.on)


@admin.register(Transaction)
class TransactionPage(HouseholdAdmin):
    icon = "receipt_long"
    form = TransactionForm
    fields = (
        "asset",
        "type",
        "amount",
        "quantity",
        "unit_price",
        "fee",
        "tax",
        "currency",
        "on",
        "occurred_at",
        "position",
        "note",
        "source",
        "external_id",
    )
    fixed = ("asset",)
    list_display = ("asset", "type", "amount_shown", "currency", "quantity_shown", "on")
    list_filter = ("type", ("asset__portfolio", OwnRows), "currency")
    search_fields = ("asset__name", "note", "external_id")
    autocomplete_fields = ("asset",)
    duplicate_field = "external_id"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("asset__portfolio")

    @admin.display(description="amount", ordering="amount")
    def amount_shown(self, movement):
        return "" if movement.amount is None else money_text(movement.amount)

    @admin.display(description="quantity")
    def quantity_shown(self, movement):
        return "" if movement.quantity is None else plain(movement.quantity)


# --- what sorts them ---


class AssetTypeForm(PageForm):
    def clean_code(self):
        code = self.cleaned_data["code"]
        if AssetType.objects.filter(household=None, code=code).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("A shared type has this code.")
        return code


class InOneHousehold(HouseholdAdmin):
    """What sorts a household's assets: it stays in its household."""

    subject = SUBJECTS[1]
    fixed = ("household",)
    list_select_related = ("household",)
    list_filter = (("household", OwnRows),)


class CategoryTree(ChangeList):
    """A page of the list in the order of the tree, each row with its branch."""

    def get_results(self, request):
        super().get_results(request)
        rows = {row.pk: row for row in self.result_list}
        links = AssetCategory.objects.filter(category__in=rows).order_by().values_list("category")
        here = dict(links.annotate(count=Count("pk")))
        self.result_list = []
        for branch in branches_of(self.root_queryset):
            if branch.id in rows:
                row = rows[branch.id]
                row.branch, row.asset_count, row.is_found = branch, here.get(row.pk, 0), bool(self.query)
                self.result_list.append(row)


class CategoryForm(PageForm):
    """`parent` is chosen from the tree; what stands below the category is not offered."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "parent" in self.fields:
            parents = self.fields["parent"].queryset
            row = self.instance
            if not row._state.adding:
                below = subtree([row.pk], parents_in(row.household_id))
                parents = parents.filter(household=row.household_id).exclude(pk__in=below)
            self.fields["parent"].queryset = parents
            self.fields["parent"].choices = [
                ("", "None: it stands at the top"),
                *as_choices(branches_of(parents)),
            ]


@admin.register(Category)
class CategoryPage(InOneHousehold):
    """The list is the tree. To move a branch, give it another parent."""

    icon = "account_tree"
    form = CategoryForm
    fields = ("household", "name", "parent")
    list_display = ("branch", "below", "assets_here", "household")
    list_per_page = 1000
    sortable_by = ()
    search_fields = ("name",)

    def get_changelist(self, request, **kwargs):
        return CategoryTree

    @admin.display(description="category")
    def branch(self, category):
        branch = category.branch
        if category.is_found:
            return " › ".join(branch.path)
        if branch.in_cycle:
            return format_html("{} (it stands below itself: give it another parent)", branch.path[-1])
        return format_html(
            '<span class="strata-branch" data-depth="{}" style="--depth:{}">{}</span>',
            branch.depth,
            branch.depth,
            branch.path[-1],
        )

    @admin.display(description="below it")
    def below(self, category):
        return category.branch.below or ""

    @admin.display(description="assets")
    def assets_here(self, category):
        return category.asset_count or ""


@admin.register(Tag)
class TagPage(InOneHousehold):
    icon = "sell"
    ordering = ("name_key", "id")  # a count groups the rows, and groups have no order of their own
    fields = ("household", "name")
    list_display = ("name", "assets_here", "household")
    search_fields = ("name",)

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(asset_count=Count("asset_links"))

    @admin.display(description="assets")
    def assets_here(self, tag):
        return tag.asset_count or ""


@admin.register(AssetType)
class AssetTypePage(InOneHousehold):
    """A household's own types, beside the shared ones, which superusers alone may change."""

    icon = "category"
    form = AssetTypeForm
    fields = ("household", "code", "label", "group", "kind", "stale_after_days")
    list_display = ("label", "code", "group", "kind", "household")
    list_filter = ("group", "kind")
    search_fields = ("code", "label")
    duplicate_field = "code"

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """Without a household it would be shared by all."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "household":
            field.required = not request.user.is_superuser
        return field


@admin.register(ExchangeRate)
class ExchangeRatePage(HouseholdAdmin):
    """Rates are shared: everyone reads them, a superuser adds them, nobody alters them."""

    subject, icon = SUBJECTS[3], "currency_exchange"
    list_display = ("currency", "on", "units_shown", "source")
    list_filter = ("source", "currency")
    search_fields = ("currency",)
    duplicate_field = "currency"

    def get_queryset(self, request):
        return ExchangeRate.objects.order_by("-on", "currency", "-id")

    def has_view_permission(self, request, obj=None):
        return request.user.is_active

    def has_add_permission(self, request):
        return request.user.is_active and request.user.is_superuser

    def has_change_permission(self, request, obj=None):
        return False

    has_delete_permission = has_change_permission

    @admin.display(description="units per euro")
    def units_shown(self, rate):
        return plain(rate.units_per_euro)
