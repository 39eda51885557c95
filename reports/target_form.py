"""The form of an allocation target in the admin: a group, and its share in per cent, with the sum so far."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelectWidget

from portfolios.models import Household
from reports.models import AllocationTarget
from reports.models.allocation_target import GROUPS
from strata.admin.choices import RowSelect, parse_uuid
from strata.admin.forms import ServiceCheckedForm
from strata.admin.user_formats.widgets import NumberInput
from strata.fields.active_formats import percentage_text
from strata.fields.numbers import SHARE_PLACES, exact_total
from strata.fields.percentages import PercentFormField

GROUP_LABELS = {
    "type": gettext_lazy("Type"),
    "group": gettext_lazy("Asset class"),
    "category": gettext_lazy("Category"),
    "tag": gettext_lazy("Tag"),
    "currency": gettext_lazy("Currency"),
    "asset": gettext_lazy("Asset"),
}
MORE_THAN_ALL = gettext_lazy("With the other targets of its kind that is more than 100 %.")


class AllocationTargetForm(ServiceCheckedForm):
    """`group_by` is for target_form.js alone, which shows the field of that grouping and empties the others.

    The form of an existing target offers only rows of its household.
    """

    group_by = forms.ChoiceField(
        label=gettext_lazy("Group by"),
        required=False,
        choices=[("", gettext_lazy("Choose what the target is for")), *GROUP_LABELS.items()],
        widget=UnfoldAdminSelectWidget(attrs={"data-group-by": ""}),
    )
    share = PercentFormField(places=SHARE_PLACES, label=gettext_lazy("Target %"), widget=NumberInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        target = self.instance
        if not target._state.adding:
            self.initial["group_by"] = target.group_by
            for field in self.fields.values():
                if isinstance(field.widget, RowSelect):
                    field.widget.narrow(household=target.household_id)
        if "share" in self.fields:
            self.fields["share"].help_text = sums_text(self.household_id(), without=target)

    def household_id(self) -> Any:
        """The household of the target; of a new one that which was chosen, if the user may see it."""
        if not self.instance._state.adding:
            return self.instance.household_id
        chosen = parse_uuid(str(self.data.get("household") or self.initial.get("household") or ""))
        visible = Household.objects.for_user(self.request.user).filter(pk=chosen) if chosen else ()
        return chosen if visible else None

    def clean_share(self) -> Any:
        """Refused before the model does, which speaks of shares."""
        share = self.cleaned_data["share"]
        if share is not None and share > 1:
            raise ValidationError(_("100 % at most."), code="share")
        return share

    def add_error(self, field: str | None, error: Any) -> None:
        """What the service says of shares is said of per cent here."""
        is_too_much = getattr(error, "code", None) == "more_than_all"
        super().add_error(field, ValidationError(MORE_THAN_ALL, "more_than_all") if is_too_much else error)


def sums_text(household_id: Any, *, without: AllocationTarget) -> str:
    """What the household's other targets add up to, by portfolio and grouping; of categories, those at the top."""
    if not household_id:
        return ""
    rows = AllocationTarget.objects.filter(household=household_id).exclude(pk=without.pk)
    shares: dict[tuple[str, str], list[Decimal]] = {}
    for target in rows.select_related("portfolio", "category"):
        if not (target.category and target.category.parent_id):
            name = target.portfolio.name if target.portfolio else ""
            shares.setdefault((name, target.group_by), []).append(target.share)
    sums = [
        f"{name + ': ' if name else ''}{GROUP_LABELS[group_by]}"
        f" {percentage_text(exact_total(values), signed=False)}"
        for (name, group_by), values in sorted(shares.items())
    ]
    return _("The other targets so far: %(sums)s.") % {"sums": ", ".join(sums)} if sums else ""


FIELDS = ("household", "portfolio", "group_by", *GROUPS.values(), "share")
