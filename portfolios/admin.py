"""Households, members and portfolios in the admin."""

from django.contrib import admin
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html

from portfolios.models import AllocationTarget, Household, Membership, Portfolio, PortfolioSnapshot
from portfolios.models.target import GROUPS
from portfolios.reports import bring_up_to_date, quality_report
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
    list_display = ("name", "household", "base_currency", "time_zone", "what_needs_care")
    list_select_related = ("household",)
    list_filter = ("base_currency",)
    search_fields = ("name",)

    @admin.display(description="quality")
    def what_needs_care(self, portfolio):
        address = reverse("admin:portfolios_portfolio_quality", args=[portfolio.pk])
        return format_html('<a href="{}">What needs care</a>', address)

    def get_urls(self):
        page = self.admin_site.admin_view(self.quality_view)
        return [path("<uuid:pk>/quality/", page, name="portfolios_portfolio_quality"), *super().get_urls()]

    def quality_view(self, request, pk):
        portfolio = self.get_object(request, str(pk))
        if portfolio is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))
        context = {
            **self.admin_site.each_context(request),
            "title": f"What needs care in {portfolio}",
            "doubts": quality_report(portfolio),
            "opts": self.opts,
            "object": portfolio,
        }
        return TemplateResponse(request, "portfolios/quality.html", context)


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

    def has_change_permission(self, request, obj=None):
        """Those that the clock took stay as they are; notes and deletion are for those taken by hand."""
        return (obj is None or obj.manual) and super().has_change_permission(request, obj)

    has_delete_permission = has_change_permission

    def get_changelist_instance(self, request):
        page = super().get_changelist_instance(request)
        bring_up_to_date(page.result_list)
        return page

    def get_object(self, request, object_id, from_field=None):
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            bring_up_to_date([row])
        return row
