"""The admin pages of portfolios, their stored totals, targets and findings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelect2Widget, UnfoldAdminTextInputWidget

from portfolios.models import Household, Portfolio
from portfolios.services.portfolios import PORTFOLIOS
from reports.api.tables import QUALITY_COLUMNS
from reports.calculations.quality import is_key
from reports.models import AllocationTarget, PortfolioSnapshot
from reports.models.allocation_target import GROUPS
from reports.models.dismissed_finding import REASON_LENGTH
from reports.queries import QualityIssue, quality_report, today_of
from reports.rendering.findings import FindingText, finding_text
from reports.rendering.formats import day_text
from reports.services.allocation_targets import TARGETS
from reports.services.dismissed_findings import dismiss, show_again
from reports.services.portfolio_snapshots import SNAPSHOTS, bring_up_to_date
from reports.target_form import FIELDS, GROUP_LABELS, AllocationTargetForm
from strata.accounts.models import User
from strata.admin.accounts.households import HouseholdAdmin
from strata.admin.choices import OwnRowsFilter
from strata.admin.export import IN_THE_PATH, export_of_report
from strata.admin.forms import ServiceCheckedForm
from strata.admin.sent_again import forget_attempt, once
from strata.admin.sidebar import Section
from strata.admin.user_formats.columns import amount_html
from strata.audit import actor
from strata.db.retry import run_in_transaction
from strata.exceptions import StrataError
from strata.fields.active_formats import amount_text
from strata.fields.dates import DayFormField, time_zones, validate_year
from strata.fields.names import name_key
from strata.fields.percentages import percent_text

FINDINGS_PER_PAGE = 100
DAY = DayFormField(required=False, validators=[validate_year])


@admin.register(Portfolio)
class PortfolioPage(HouseholdAdmin):
    exported_as = "portfolio-list"
    exported_filters = {"base_currency": "currency"}
    icon, place = "account_balance_wallet", 10
    empty_text = gettext_lazy("A portfolio is a set of assets, added up in one currency.")
    service = PORTFOLIOS
    fields = ("household", "name", "base_currency", "time_zone", "lot_method", "allow_short")
    immutable_fields = ("household",)
    list_display = ("name", "household", "base_currency", "time_zone", "data_quality")
    list_select_related = ("household",)
    list_filter = (("household", OwnRowsFilter), "base_currency")
    search_fields = ("name_key__has_part",)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "time_zone":
            kwargs["widget"] = UnfoldAdminSelect2Widget(
                choices=[(name, name) for name in sorted(time_zones())]
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def choice_texts(self, rows: Any) -> dict[Any, str]:
        """With the household's name if the user can choose from several households."""
        rows = list(rows)
        names = names_among_several({row.household_id for row in rows}, actor.current().user)
        return {
            row.pk: f"{names[row.household_id]}: {row.name}" if row.household_id in names else str(row)
            for row in rows
        }

    @admin.display(description=gettext_lazy("data checks"))
    def data_quality(self, portfolio: Portfolio) -> str:
        address = reverse("admin:portfolios_portfolio_quality", args=[portfolio.pk])
        return format_html('<a href="{}" class="underline">{}</a>', address, _("Data checks"))

    def get_urls(self) -> list[Any]:
        page = self.admin_site.admin_view(self.quality_view)
        return [path("<uuid:pk>/quality/", page, name="portfolios_portfolio_quality"), *super().get_urls()]

    def quality_view(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        portfolio = self.get_object(request, str(pk))
        if portfolio is None:
            elsewhere: HttpResponse = self._get_obj_does_not_exist_redirect(request, self.opts, str(pk))
            return elsewhere
        on = self.day_asked(request) or today_of(portfolio)
        may_dismiss = self.has_change_permission(request, portfolio)
        if request.method == "POST" and may_dismiss:
            return self.answered_once(request, portfolio, on)
        issues = quality_report(portfolio, on=on, dismissed=None)
        shown = page_of([issue for issue in issues if not issue.dismissal], request.GET.get("page"))
        dismissed = page_of([issue for issue in issues if issue.dismissal], request.GET.get("dismissed"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Data checks of %(portfolio)s") % {"portfolio": portfolio},
            "on": on,
            "day": day_text(on),
            "page": shown,
            "issues": [issue_row(issue, request.user) for issue in shown],
            "dismissed_page": dismissed,
            "dismissed": [issue_row(issue, request.user) for issue in dismissed],
            "may_dismiss": may_dismiss,
            "reason_length": REASON_LENGTH,
            "export": export_of_report("portfolio-quality", QUALITY_COLUMNS, args=[portfolio.pk], on=on),
            "opts": self.opts,
            "object": portfolio,
        }
        return TemplateResponse(request, "reports/quality.html", context)

    def day_asked(self, request: HttpRequest) -> date | None:
        """The day in the page's address; None if there is none, or, with a message, if it is not a date."""
        try:
            on: date | None = DAY.clean(request.GET.get("on"))
        except ValidationError as error:
            self.message_user(request, f"{_('Date')}: {error.messages[0]}", messages.ERROR)
            return None
        return on

    def answered_once(self, request: HttpRequest, portfolio: Portfolio, on: date) -> HttpResponse:
        try:
            return run_in_transaction(
                lambda: once(request, lambda: self.dismiss_or_show_again(request, portfolio, on))
            )
        except ValidationError as error:
            refusal = error.messages[0]
        except StrataError as error:
            refusal = error.message
        forget_attempt(request)
        self.message_user(request, refusal, messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def dismiss_or_show_again(self, request: HttpRequest, portfolio: Portfolio, on: date) -> HttpResponse:
        """Dismiss one finding, given by its key, with the reason that was typed; or show it again."""
        key, reason = request.POST.get("key", ""), request.POST.get("reason", "").strip()
        names = {issue.finding.key: issue.name for issue in quality_report(portfolio, on=on, dismissed=None)}
        if "show_again" in request.POST and is_key(key):
            show_again(portfolio.pk, key)
            self.say_done(request, names.get(key), _("%(name)s: the finding is shown again."))
        elif key not in names:
            self.message_user(request, _("It is no finding any more."), messages.WARNING)
        elif not name_key(reason):
            self.message_user(request, _("Say why it may stay as it is."), messages.ERROR)
        else:
            dismiss(portfolio.pk, key, reason)
            self.say_done(request, names[key], _("%(name)s: the finding is dismissed."))
        return HttpResponseRedirect(request.get_full_path())

    def say_done(self, request: HttpRequest, name: str | None, text: str) -> None:
        """`name` is None if the key is no longer a finding: then there is no message."""
        if name is not None:
            self.message_user(request, text % {"name": name}, messages.SUCCESS)


def page_of(issues: list[QualityIssue], number: str | None) -> Page[QualityIssue]:
    """A browser takes ten seconds to lay out two thousand rows with a form each."""
    return Paginator(issues, FINDINGS_PER_PAGE).get_page(number)


def issue_row(issue: QualityIssue, user: Any) -> tuple[QualityIssue, str, str, FindingText]:
    """The finding, the page where it can be fixed, its day, and its words."""
    day = day_text(issue.finding.on) if issue.finding.on else ""
    return issue, issue.admin_link_for(user), day, finding_text(issue)


def names_among_several(household_ids: Collection[UUID], user: User | None) -> dict[UUID, str]:
    """The households' names if the user sees more than one household, else {}. One query in both cases."""
    if user is None:
        return {}
    seen = Household.objects.all() if user.is_superuser else Household.objects.for_user(user)
    others = seen.exclude(pk=OuterRef("pk"))
    return dict(seen.filter(Exists(others), pk__in=household_ids).values_list("pk", "name"))


class SavedTotalForm(ServiceCheckedForm):
    on = DayFormField(
        label=gettext_lazy("Date"),
        required=False,
        validators=[validate_year],
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Today if empty."),
    )


@admin.register(PortfolioSnapshot)
class PortfolioSnapshotPage(HouseholdAdmin):
    """The stored totals. The total is calculated; of one that is stored only the note can be edited."""

    section, icon, place, menu_title = Section.REPORTS, "monitoring", 60, gettext_lazy("Saved totals")
    empty_text = gettext_lazy("A saved total keeps what a portfolio was worth on a day.")
    form = SavedTotalForm
    exported_as = "portfolio-snapshot-list"
    exported_filters = {"portfolio": IN_THE_PATH}
    service, parent_column = SNAPSHOTS, "portfolio_id"
    list_display = ("portfolio", "on", "value_shown", "currency", "complete", "manual")
    list_filter = (("portfolio", OwnRowsFilter), "complete", "manual")
    search_fields = ("portfolio__name_key__has_part", "note")
    exclude = ("value",)  # shown as an amount
    readonly_fields = (
        "portfolio",
        "on",
        "observed_at",
        "value_shown",
        "currency",
        "complete",
        "missing_rates",
        "missing_prices",
        "manual",
    )

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("portfolio")

    def export_args(self, params: Mapping[str, Sequence[str]]) -> Sequence[Any] | None:
        """The API lists the totals of one portfolio: that which is chosen, or the only one."""
        own = Portfolio.objects.for_user(actor.current().user).order_by().values_list("pk", flat=True)
        chosen = params.get("portfolio__id__exact")
        portfolio_ids = [pk for pk in own if chosen is None or str(pk) in chosen]
        return portfolio_ids if len(portfolio_ids) == 1 else None

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("portfolio", "on", "note") if obj is None else super().get_fields(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else super().get_readonly_fields(request, obj)

    @admin.display(description=gettext_lazy("value"))
    def value_shown(self, snapshot: PortfolioSnapshot) -> str:
        return amount_html(amount_text(Decimal(snapshot.value), snapshot.currency))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Automatic snapshots cannot be changed or deleted; manual ones can."""
        return (obj is None or obj.manual) and super().has_change_permission(request, obj)

    has_delete_permission = has_change_permission

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        page = super().get_changelist_instance(request)
        bring_up_to_date(page.result_list)
        return page

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            bring_up_to_date([row])
        return row


@admin.register(AllocationTarget)
class AllocationTargetPage(HouseholdAdmin):
    exported_as = "allocation-target-list"
    section, icon, place, menu_title = Section.REPORTS, "target", 70, gettext_lazy("Target allocation")
    empty_text = gettext_lazy("A target says what share of the whole a group of assets should have.")
    service = TARGETS
    form = AllocationTargetForm
    fields = FIELDS
    immutable_fields = ("household",)
    list_display = ("grouping", "group_named", "target", "portfolio", "household")
    list_select_related = ("portfolio", "household", "asset_type", "category", "tag", "asset__portfolio")
    search_fields = (
        "category__name_key__has_part",
        "tag__name_key__has_part",
        "asset__name_key__has_part",
        "asset_type__label_key__has_part",
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[Any, bool]:
        """An asset that has moved to another household is not found by the name that it has there."""
        rows, repeats = super().get_search_results(request, queryset, search_term)
        return rows.of_their_household() if search_term else rows, repeats

    class Media:
        js = ("reports/target_form.js",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Who may only look has no form: the columns of the list show per cent too."""
        fields = super().get_fields(request, obj)
        if self.has_change_permission(request, obj):
            return fields
        return [{"share": "target", "group_by": "grouping"}.get(name, name) for name in fields]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "target", "grouping")

    @admin.display(description=gettext_lazy("group by"))
    def grouping(self, target: AllocationTarget) -> Any:
        return GROUP_LABELS[target.group_by]

    @admin.display(description=gettext_lazy("target %"))
    def target(self, target: AllocationTarget) -> str:
        return percent_text(target.share)

    @admin.display(description=gettext_lazy("group"))
    def group_named(self, target: AllocationTarget) -> Any:
        named = getattr(target, GROUPS[target.group_by])
        gone = target.asset and target.asset.owning_household_id() != target.household_id
        return _("An asset of another household") if gone else named
