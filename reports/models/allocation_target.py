"""AllocationTarget: the share of what is owned that a group is meant to have."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import models, transaction
from django.db.models import F, Q

from assets.models.classification import Group
from portfolios.models import Household, Portfolio
from portfolios.services.locks import lock_household
from strata.audit.tracking import TrackedModel, TrackedQuerySet
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

    The share of a category is a share of the category above it, or at the top a share of everything.
    """

    household_lookup = "household"

    household = models.ForeignKey(Household, on_delete=models.CASCADE, related_name="allocation_targets")
    portfolio = models.ForeignKey(
        Portfolio, null=True, blank=True, on_delete=models.CASCADE, related_name="allocation_targets"
    )
    asset_type = models.ForeignKey(
        "assets.AssetType", null=True, blank=True, on_delete=models.CASCADE, related_name="allocation_targets"
    )
    group = models.CharField(max_length=20, choices=Group, null=True, blank=True)
    category = models.ForeignKey(
        "assets.Category", null=True, blank=True, on_delete=models.CASCADE, related_name="allocation_targets"
    )
    tag = models.ForeignKey(
        "assets.Tag", null=True, blank=True, on_delete=models.CASCADE, related_name="allocation_targets"
    )
    currency = CurrencyField(null=True, blank=True)
    asset = models.ForeignKey(
        "assets.Asset", null=True, blank=True, on_delete=models.CASCADE, related_name="allocation_targets"
    )
    share = ExactField(non_negative=True, validators=[validate_share])

    objects = TargetQuerySet.as_manager()

    class Meta(TrackedModel.Meta):
        app_label = "portfolios"  # the journal has this label
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
        return f"{self.group_by}: {self.share}"

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
        return AllocationTarget._meta.get_field(field).attname

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Locks the household: two targets saved at the same time could together exceed 1."""
        with transaction.atomic():
            lock_household(self.household_id)
            self.clean()
            super().save(*args, **kwargs)

    def clean(self) -> None:
        named = [field for field in GROUPS.values() if getattr(self, self.column(field))]
        if len(named) != 1:
            message = f"Name exactly one group: {', '.join(GROUPS.values())}."
            raise ValidationError(ValidationError(message, code="one_group"))
        for field in ("portfolio", "asset_type", "category", "tag", "asset"):
            row = getattr(self, field)
            if row is not None and row.owning_household_id() not in (None, self.household_id):
                raise ValidationError(
                    {field: ValidationError("It is not in this household.", code="foreign")}
                )
        self._refuse_more_than_all(named[0])

    def _refuse_more_than_all(self, field: str) -> None:
        """The targets of one grouping add up to at most 1; for categories, those with the same parent."""
        others = AllocationTarget.objects.filter(household=self.household_id, portfolio=self.portfolio_id)
        others = others.exclude(pk=self.pk).filter(**{f"{field}__isnull": False})
        if field == "category":
            others = others.filter(category__parent=self.category.parent_id)
        own = self._meta.get_field("share").to_python(self.share) or Decimal(0)
        total = sum(others.values_list("share", flat=True), own)
        if total > 1:
            message = f"With the others of its kind that makes {total}: together they are 1 at most."
            raise ValidationError({"share": ValidationError(message, code="more_than_all")})
