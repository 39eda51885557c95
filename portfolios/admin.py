"""Households, members and portfolios in the admin."""

from django.contrib import admin

from portfolios.models import AllocationTarget, Household, Membership, Portfolio, PortfolioSnapshot
from portfolios.models.target import GROUPS
from strata.admin import HouseholdAdmin, HouseholdInline


class MembershipInline(HouseholdInline):
    model = Membership
    fk_name = "household"
    fields = ("user", "role", "accepted_at")


@admin.register(Household)
class HouseholdPage(HouseholdAdmin):
    list_display = ("name", "created_at")
    search_fields = ("name",)
    inlines = (MembershipInline,)


@admin.register(Portfolio)
class PortfolioPage(HouseholdAdmin):
    list_display = ("name", "household", "base_currency", "time_zone")
    list_select_related = ("household",)
    list_filter = ("base_currency",)
    search_fields = ("name",)


@admin.register(AllocationTarget)
class AllocationTargetPage(HouseholdAdmin):
    list_display = ("by", "group_named", "share", "portfolio", "household")
    list_select_related = ("portfolio", "household", "asset_type", "category", "tag", "asset")
    search_fields = ("category__name", "tag__name", "asset__name", "asset_type__label")
    duplicate_field = "share"

    @admin.display(description="group")
    def group_named(self, target):
        return getattr(target, GROUPS[target.by])


@admin.register(PortfolioSnapshot)
class PortfolioSnapshotPage(HouseholdAdmin):
    list_display = ("portfolio", "on", "value", "currency", "complete", "manual")
    list_select_related = ("portfolio",)
    list_filter = ("complete", "manual")
    search_fields = ("portfolio__name", "note")
    readonly_fields = (
        "portfolio",
        "on",
        "observed_at",
        "value",
        "currency",
        "complete",
        "missing_rates",
        "manual",
    )

    def has_add_permission(self, request):
        return False
