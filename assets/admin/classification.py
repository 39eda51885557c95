"""The admin pages of asset types, tags and the tree of categories, and the filter by category."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from assets.classification.tree import TreeRow, in_reading_order, subtree
from assets.models import Asset, AssetCategory, AssetType, Category, Tag
from assets.models.classification import parents_in
from assets.services import classification
from strata.admin.accounts.households import HouseholdAdmin, is_member
from strata.admin.choices import (
    FILTER_TEMPLATE,
    MOST_LISTED,
    OwnRowsFilter,
    RowFilterForm,
    filter_of_many,
    parse_uuid,
)
from strata.admin.forms import ServiceCheckedForm
from strata.admin.pages import NameSortedChangeList
from strata.admin.sidebar import Section
from strata.tenancy.roles import EDITORS, OWNERS

# --- choosing from the tree ---


def tree_rows_of(categories: QuerySet[Category], most: int | None = None) -> list[TreeRow]:
    """The tree of a queryset's categories (the first `most` of them), in one query."""
    rows = categories.order_by("household__created_at", "household", "name_key", "id")
    return in_reading_order(rows.values_list("id", "parent_id", "name", "household__name")[:most])


def own(model: type[Any], user: Any) -> Any:
    """The rows that a form offers this user while the household is not known yet."""
    rows = model.objects.all()
    return rows if user.is_superuser else rows.for_user(user, EDITORS)


class CategoryFilter(admin.SimpleListFilter):
    """The assets in a category or anywhere below it. Shows the tree, or a search field if the tree is large."""

    title, parameter_name = _("category"), "category"
    form_class = RowFilterForm

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.request, rows = request, Category.objects.all()
        self.rows = rows if request.user.is_superuser else rows.for_user(request.user)
        tree_rows = tree_rows_of(self.rows, MOST_LISTED + 1)
        if len(tree_rows) > MOST_LISTED:
            self.template = FILTER_TEMPLATE
        return [(str(row.id), "\u2003" * row.depth + row.name) for row in tree_rows]

    def choices(self, changelist: Any) -> Iterator[Any]:
        if self.template != FILTER_TEMPLATE:
            yield from super().choices(changelist)
            return
        yield filter_of_many(
            self,
            parameter=self.parameter_name,
            value=self.value(),
            field=Asset._meta.get_field("categories"),
            rows=self.rows,
            request=self.request,
        )

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        value = self.value()
        if not value:
            return queryset
        pk: Any = parse_uuid(value)
        household = Category.objects.filter(pk=pk).values_list("household", flat=True).first()
        return queryset.in_category_tree(subtree([pk], parents_in(household)) if household else ())


# --- the pages ---


class InOneHousehold(HouseholdAdmin):
    """A row that sorts a household's assets. It cannot move to another household."""

    section = Section.CLASSIFICATION
    immutable_fields = ("household",)
    list_select_related = ("household",)
    list_filter: tuple[Any, ...] = (("household", OwnRowsFilter),)


class CategoryTree(NameSortedChangeList):
    """Pages of the tree in reading order, each category with its TreeRow."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        matching_ids = set(self.queryset.values_list("pk", flat=True))
        tree_rows = [row for row in tree_rows_of(self.root_queryset) if row.id in matching_ids]
        tree_rows = self.on_this_page(tree_rows)
        categories = self.queryset.in_bulk([row.id for row in tree_rows])
        links = AssetCategory.objects.filter(category__in=categories).order_by().values_list("category")
        asset_counts = dict(links.annotate(count=Count("pk")))
        self.result_list = []
        for index, row in enumerate(tree_rows):
            category = categories[row.id]
            category.tree_row, category.asset_count = row, asset_counts.get(row.id, 0)
            category.is_found = bool(self.query) or index == 0  # its parents may not be on this page
            self.result_list.append(category)

    def on_this_page(self, tree_rows: list[TreeRow]) -> list[TreeRow]:
        if not self.multi_page or (self.show_all and self.can_show_all):
            return tree_rows
        start = (self.page_num - 1) * self.list_per_page
        return tree_rows[start : start + self.list_per_page]


class CategoryForm(ServiceCheckedForm):
    """The categories below this one are not offered as its parent."""

    fields_shown_as = {"category": "parent"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        if "parent" in self.fields and not row._state.adding:
            below = subtree([row.pk], parents_in(row.household_id))
            parent: Any = self.fields["parent"]
            parents = parent.queryset.filter(household=row.household_id)
            parent.queryset = parents.exclude(pk__in=below)
            parent.widget.narrow(household=row.household_id, not_below=row.pk)


@admin.register(Category)
class CategoryPage(InOneHousehold):
    """The list is the tree. To move a branch, give it another parent."""

    exported_as = "category-list"
    icon, place = "account_tree", 10
    empty_text = _("Categories sort what you own and owe into a tree of your own.")
    form = CategoryForm
    service = classification.CATEGORIES
    fields = ("household", "name", "parent")
    list_display = ("branch", "below", "assets_here", "household")
    sortable_by = ()
    search_fields = ("name_key__has_part",)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[CategoryTree]:
        return CategoryTree

    def choosable(self, rows: Any, request: HttpRequest) -> Any:
        """`not_below` leaves out the branch that the form moves."""
        rows, moved = super().choosable(rows, request), parse_uuid(request.GET.get("not_below", ""))
        household = rows.filter(pk=moved).values_list("household", flat=True).first() if moved else None
        if moved is None or household is None:
            return rows
        return rows.exclude(pk__in=subtree([moved], parents_in(household)))

    def choice_texts(self, rows: Any) -> dict[Any, str]:
        """Each category by its path from the top, because names repeat."""
        trees = Category.objects.filter(household__in={row.household_id for row in rows})
        paths = {row.id: " › ".join(row.path) for row in (tree_rows_of(trees) if rows else ())}
        return {row.pk: paths.get(row.pk, row.name) for row in rows}

    @admin.display(description=_("category"))
    def branch(self, category: Any) -> str:
        row = category.tree_row
        if category.is_found:
            return " › ".join(row.path)
        if row.in_cycle:
            return format_html("{} ({})", row.name, _("it is below itself: give it another parent"))
        return format_html(
            '<span class="strata-branch" data-depth="{}" style="--depth:{}">{}</span>',
            row.depth,
            row.depth,
            row.name,
        )

    @admin.display(description=_("subcategories"))
    def below(self, category: Any) -> int | str:
        return category.tree_row.below or ""

    @admin.display(description=_("assets"))
    def assets_here(self, category: Any) -> int | str:
        return category.asset_count or ""


@admin.register(Tag)
class TagPage(InOneHousehold):
    exported_as = "tag-list"
    icon, place = "sell", 20
    empty_text = _("A tag marks assets of any type, such as “shared” or “insured”.")
    service = classification.TAGS
    ordering = ("name_key", "id")  # a count groups the rows, and groups have no order of their own
    fields = ("household", "name")
    list_display = ("name", "assets_here", "household")
    search_fields = ("name_key__has_part",)

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(asset_count=Count("asset_links"))

    @admin.display(description=_("assets"))
    def assets_here(self, tag: Any) -> int | str:
        return tag.asset_count or ""


@admin.register(AssetType)
class AssetTypePage(InOneHousehold):
    """A household's own types, and the shared types, which only superusers may change."""

    exported_as = "asset-type-list"
    icon, place = "category", 30
    empty_text = _("Your own types are listed beside those that all households share.")
    fields = ("household", "code", "label", "group", "kind", "stale_after_days", "liquid")
    list_display = ("shown_name", "code", "group", "kind", "liquid", "household")
    list_filter = ("group", "kind", "liquid")
    search_fields = ("code", "label_key__has_part")
    service = classification.TYPES

    @admin.display(description=_("name"), ordering="label_key")
    def shown_name(self, asset_type: Any) -> str:
        return str(asset_type)

    def in_menu(self, request: HttpRequest) -> bool:
        return is_member(request, OWNERS)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A type without a household is shared by all, so only superusers may leave it empty."""
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "household":
            field.required = not request.user.is_superuser
        return field
