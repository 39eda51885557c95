"""Households, members and portfolios in the admin."""

from __future__ import annotations

from datetime import date

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from unfold.widgets import UnfoldAdminSelect2Widget, UnfoldAdminTextInputWidget

from portfolios.households import move_in
from portfolios.models import AllocationTarget, Household, Membership, Portfolio, PortfolioSnapshot
from portfolios.models.target import GROUPS
from portfolios.reports import bring_up_to_date, quality_report, today_of
from strata.admin import SUBJECTS, HouseholdAdmin, HouseholdInline, OwnRows
from strata.days import time_zones, validate_year
from strata.editing import RowForm, RowFormSet
from strata.models import User
from strata.ownership import OWNER, OWNERS

DAY = forms.DateField(required=False, validators=[validate_year])


@admin.register(Portfolio)
class PortfolioPage(HouseholdAdmin):
    icon = "account_balance_wallet"
    fields = ("household", "name", "base_currency", "time_zone")
    fixed = ("household",)
    list_display = ("name", "household", "base_currency", "time_zone", "what_needs_care")
    list_select_related = ("household",)
    list_filter = (("household", OwnRows), "base_currency")
    search_fields = ("name",)

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if db_field.name == "time_zone":
            kwargs["widget"] = UnfoldAdminSelect2Widget(
                choices=[(name, name) for name in sorted(time_zones())]
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="quality")
    def what_needs_care(self, portfolio):
        address = reverse("admin:portfolios_portfolio_quality", args=[portfolio.pk])
        return format_html('<a href="{}" class="underline">What needs care</a>', address)

    def get_urls(self):
        page = self.admin_site.admin_view(self.quality_view)
        return [path("<uuid:pk>/quality/", page, name="portfolios_portfolio_quality"), *super().get_urls()]

    def quality_view(self, request, pk):
        portfolio = self.get_object(request, str(pk))
        if portfolio is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))
        on = day_asked(request.GET) or today_of(portfolio)
        doubts = quality_report(portfolio, on=on)
        context = {
            **self.admin_site.each_context(request),
            "title": f"What needs care in {portfolio}",
            "on": on,
            "doubts": [(doubt, doubt.admin_link_for(request.user)) for doubt in doubts],
            "opts": self.opts,
            "object": portfolio,
        }
        return TemplateResponse(request, "portfolios/quality.html", context)


def day_asked(given) -> date | None:
    """The day in a page's address; None where there is none, or what is no day."""
    try:
        return DAY.clean(given.get("on"))
    except ValidationError:
        return None


@admin.register(PortfolioSnapshot)
class PortfolioSnapshotPage(HouseholdAdmin):
    """Totals that were written down; here their notes are edited."""

    icon = "monitoring"
    list_display = ("portfolio", "on", "value_shown", "currency", "complete", "manual")
    list_filter = (("portfolio", OwnRows), "complete", "manual")
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

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("portfolio")

    def has_add_permission(self, request, obj=None):
        return False

    @admin.display(description="value")
    def value_shown(self, snapshot):
        return snapshot.value

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


@admin.register(AllocationTarget)
class AllocationTargetPage(HouseholdAdmin):
    icon = "target"
    fixed = ("household",)
    list_display = ("by", "group_named", "share", "portfolio", "household")
    list_select_related = ("portfolio", "household", "asset_type", "category", "tag", "asset")
    search_fields = ("category__name", "tag__name", "asset__name", "asset_type__label")
    duplicate_field = "share"

    @admin.display(description="group")
    def group_named(self, target):
        return getattr(target, GROUPS[target.by])


# --- who we are ---


class MemberForm(RowForm):
    """A member is named by their username, as in the API: the admin shows nobody a list of all users."""

    username = forms.CharField(max_length=150, widget=UnfoldAdminTextInputWidget)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.instance._state.adding:
            self.fields["username"].disabled = True
            self.initial["username"] = self.instance.user.username

    def clean_username(self):
        name = self.cleaned_data["username"]
        if self.instance._state.adding:
            self.instance.user = active_user(name)
        return name


def active_user(name: str) -> User:
    try:
        user = User.objects.get_by_natural_key(name)
    except User.DoesNotExist:
        user = None
    if user is None or not user.is_active:
        raise ValidationError("There is no such user.")
    return user


class MemberFormSet(RowFormSet):
    def clean(self):
        """The last owner stays. The household is locked, so that two who leave at once take turns."""
        super().clean()
        list(Household.objects.select_for_update().filter(pk=self.instance.pk).values_list("pk"))
        members = Membership.objects.filter(household=self.instance.pk, role=OWNER, accepted_at__isnull=False)
        before = set(members.filter(user__is_active=True).values_list("pk", flat=True))
        owners = set(before)
        for form in self.forms:
            stays = form not in self.deleted_forms and form.is_valid() and is_owner(form.instance)
            if stays and form.has_changed():
                owners.add(form.instance.pk)
            elif not stays:
                owners.discard(form.instance.pk)
        if before and not owners:
            raise ValidationError("A household keeps at least one owner.", code="last_owner")


def is_owner(member: Membership) -> bool:
    return bool(member.role == OWNER and member.accepted_at and member.user_id and member.user.is_active)


class MembershipInline(HouseholdInline):
    """Staff invite; only who is invited accepts, over the API. Superusers may enter the day themselves."""

    model = Membership
    form, formset = MemberForm, MemberFormSet
    fk_name = "household"
    writers = OWNERS
    fields = ("username", "role", "accepted_at")
    verbose_name, verbose_name_plural = "member", "members"

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("user")

    def get_readonly_fields(self, request, obj=None):
        readonly = super().get_readonly_fields(request, obj)
        return readonly if request.user.is_superuser else (*readonly, "accepted_at")


@admin.register(Household)
class HouseholdPage(HouseholdAdmin):
    """Its owners change it. Who makes one owns it."""

    subject, icon = SUBJECTS[2], "cottage"
    writers = OWNERS
    fields = ("name",)
    list_display = ("name", "created_at")
    search_fields = ("name",)
    inlines = (MembershipInline,)

    def has_add_permission(self, request, obj=None):
        return request.user.is_active

    def get_inlines(self, request, obj):
        return super().get_inlines(request, obj) if obj else ()

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if not change:
            move_in(obj, request.user)
