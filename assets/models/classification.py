"""How assets are sorted: AssetType (what an asset is), Category (a tree), Tag (flat labels)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from portfolios.models import Household
from strata.audit.tracking import TrackedModel, TrackedQuerySet
from strata.db.collation import CodeField
from strata.fields.names import NameField, NameKeyField


class Group(models.TextChoices):
    FINANCIAL = "FINANCIAL", _("Financial")
    REAL_ESTATE = "REAL_ESTATE", _("Real estate")
    PERSONAL_PROPERTY = "PERSONAL_PROPERTY", _("Personal property")
    PHYSICAL_COLLECTIONS = "PHYSICAL_COLLECTIONS", _("Collections")
    LIABILITIES = "LIABILITIES", _("Debts")
    OTHER = "OTHER", _("Other")


class Kind(models.TextChoices):
    """How a change in value is explained: money moved (balance), or the value itself changed (value)."""

    BALANCE = "balance", _("Balance")
    VALUE = "value", _("Value")


KIND_LABEL = _("how changes are explained")
KIND_HELP = _(
    "Balance: a change is money in or out (accounts, debts)."
    " Value: a change is a gain or loss (house, shares). Of an asset, empty: as its type says."
)


class AssetType(TrackedModel):
    """What an asset is. Types without a household are shared by all."""

    belongs_to = "household"
    shared_when_unowned = True
    shared_rows_are_always_known = True  # each asset has a type, and would be missing without it

    household = models.ForeignKey(
        Household,
        verbose_name=_("household"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="asset_types",
    )
    code = CodeField(
        _("code (for the API)"),
        max_length=40,
        validators=[RegexValidator(r"^[A-Z][A-Z0-9_]*\Z", _("Use A-Z, 0-9 and _."))],
    )
    label = NameField(_("name"), max_length=100)
    label_key = NameKeyField(source="label")
    group = models.CharField(_("asset class"), max_length=20, choices=Group, default=Group.OTHER)
    kind = models.CharField(KIND_LABEL, max_length=7, choices=Kind, default=Kind.VALUE, help_text=KIND_HELP)
    stale_after_days = models.PositiveSmallIntegerField(_("remind after (days)"), default=365)
    liquid = models.BooleanField(
        _("liquid"),
        null=True,
        blank=True,
        help_text=_("Whether it can be turned into money within days. Empty: as its group says."),
    )

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("asset type"), _("asset types")
        ordering = ("code", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("code",), condition=Q(household=None), name="asset_type_shared_code_unique"
            ),
            models.UniqueConstraint(fields=("household", "code"), name="asset_type_code_unique_in_household"),
        )

    def __str__(self) -> str:
        return self.label if self.household_id else shared_label(self.label)


def shared_label(label: str) -> str:
    """The name of a shared type in the active language; that of a renamed one as it is."""
    return pgettext("asset type", label)


def type_names(types: QuerySet[AssetType]) -> Iterator[tuple[UUID, str]]:
    for pk, label, household in types.values_list("pk", "label", "household"):
        yield pk, label if household else shared_label(label)


class CategoryQuerySet(TrackedQuerySet["Category"]):
    def update(self, **fields: Any) -> int:
        if fields.keys() & {"parent", "parent_id"}:
            raise TypeError("Move a category with update_category(): it refuses cycles.")
        return super().update(**fields)

    def bulk_update(
        self, objs: Iterable[Category], fields: Iterable[str], batch_size: int | None = None
    ) -> int:
        if set(fields) & {"parent", "parent_id"}:
            raise TypeError("Move a category with update_category(): it refuses cycles.")
        return super().bulk_update(objs, fields, batch_size)


class Category(TrackedModel):
    """A branch of a household's tree. Its name is unique among its siblings, ignoring case."""

    belongs_to = "household"

    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.CASCADE, related_name="categories"
    )
    parent = models.ForeignKey(
        "self",
        verbose_name=_("parent"),
        null=True,
        blank=True,
        on_delete=models.RESTRICT,
        related_name="children",
    )
    name = NameField(_("name"))
    name_key = NameKeyField()

    objects = CategoryQuerySet.as_manager()  # type: ignore[misc]  # mypy mistakes it for an instance variable

    class Meta(TrackedModel.Meta):
        ordering = ("name_key", "id")
        verbose_name, verbose_name_plural = _("category"), _("categories")
        constraints = (
            models.UniqueConstraint(
                fields=("parent", "name_key"), name="category_name_unique_among_siblings"
            ),
            models.UniqueConstraint(
                fields=("household", "name_key"),
                condition=Q(parent=None),
                name="category_name_unique_at_the_top",
            ),
            models.CheckConstraint(
                condition=Q(parent=None) | ~Q(parent=models.F("id")), name="category_not_its_own_parent"
            ),
        )

    def __str__(self) -> str:
        return self.name


def parents_in(household_id: UUID) -> dict[UUID, UUID | None]:
    """Each category's parent, None at the top."""
    return dict(Category.objects.filter(household=household_id).values_list("id", "parent_id"))


class Tag(TrackedModel):
    """A flat label of a household; its name is unique, ignoring case."""

    belongs_to = "household"

    household = models.ForeignKey(
        Household, verbose_name=_("household"), on_delete=models.CASCADE, related_name="tags"
    )
    name = NameField(_("name"))
    name_key = NameKeyField()

    class Meta(TrackedModel.Meta):
        verbose_name, verbose_name_plural = _("tag"), _("tags")
        ordering = ("name_key", "id")
        constraints = (
            models.UniqueConstraint(fields=("household", "name_key"), name="tag_name_unique_in_household"),
        )

    def __str__(self) -> str:
        return self.name
