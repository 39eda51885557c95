"""AllocationTarget: the share of what is owned that a group is meant to have."""

from __future__ import annotations

from typing import Any, Self, cast

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from assets.models.classification import Group
from portfolios.models import Household, Portfolio
from strata.audit.tracking import TrackedModel, TrackedQuerySet
from strata.fields.active_formats import number_text
from strata.fields.currencies import CurrencyField
from strata.fields.money import ExactField
from strata.fields.numbers import validate_share

# The ways of grouping that can have targets, and the field that holds the group.
GROUPS = {
    "type": "asset_type",
    "group": "group",
    "category": "category",
    "tag": "tag",
    "currency": "currency",
    "asset": "asset",
}


def exactly_one() -> Q:
    condition = Q()
    for named in GROUPS.values():
        condition |= Q(**{f"{field}__isnull": field != named for field in GROUPS.values()})
    return condition


class TargetQuerySet(TrackedQuerySet["AllocationTarget"]):
    def of_their_household(self) -> Self:
        """Without targets whose asset has moved to another household. Earlier versions allowed that move."""
        return self.filter(Q(asset=None) | Q(asset__portfolio__household=F("household")))


class AllocationTarget(TrackedModel):
    """A target for a portfolio, or if that is None for all that the household owns. Exactly one field of GROUPS is set.

    The share of a category is a share of the category above it, or at the top a share of everything. What may be
    refused is decided in reports.services.allocation_targets.
    """

    belongs_to = "household"

    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.CASCADE, related_name="allocation_targets"
    )
    portfolio = models.ForeignKey(
        Portfolio,
        verbose_name=_("portfolio"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="allocation_targets",
    )
    asset_type = models.ForeignKey(
        "assets.AssetType",
        verbose_name=_("type"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="allocation_targets",
    )
    group = models.CharField(_("asset class"), max_length=20, choices=Group, null=True, blank=True)
    category = models.ForeignKey(
        "assets.Category",
        verbose_name=_("category"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="allocation_targets",
    )
    tag = models.ForeignKey(
        "assets.Tag",
        verbose_name=_("tag"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="allocation_targets",
    )
    currency = CurrencyField(_("currency"), null=True, blank=True)
    asset = models.ForeignKey(
        "assets.Asset",
        verbose_name=_("asset"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="allocation_targets",
    )
    share = ExactField(_("target %"), non_negative=True, validators=[validate_share])

    objects = TargetQuerySet.as_manager()  # type: ignore[misc]  # mypy mistakes it for an instance variable

    class Meta(TrackedModel.Meta):
        app_label = "portfolios"  # the journal has this label
        verbose_name, verbose_name_plural = _("target"), _("targets")
        ordering = ("created_at", "id")
        constraints = (
            models.CheckConstraint(condition=exactly_one(), name="target_names_one_group"),
            *(
                models.UniqueConstraint(
                    fields=("portfolio", field), name=f"target_once_per_portfolio_and_{group_by}"
                )
                for group_by, field in GROUPS.items()
            ),
            *(
                models.UniqueConstraint(
                    fields=("household", field),
                    condition=Q(portfolio=None),
                    name=f"target_once_per_household_and_{group_by}",
                )
                for group_by, field in GROUPS.items()
            ),
        )

    def __str__(self) -> str:
        field: Any = self._meta.get_field(GROUPS.get(self.group_by, "currency"))
        return f"{field.verbose_name}: {number_text(self.share.scaleb(2))} %"

    @property
    def group_by(self) -> str:
        """The grouping that the target is for."""
        return next((group_by for group_by, field in GROUPS.items() if getattr(self, self.column(field))), "")

    @property
    def key(self) -> Any:
        """The group's key in the reports."""
        return getattr(self, self.column(GROUPS[self.group_by]))

    @staticmethod
    def column(field: str) -> str:
        column = cast("models.Field[Any, Any]", AllocationTarget._meta.get_field(field))
        return column.attname
