"""What holds for the undo of assets and all that belongs to them: the rules that a row must pass to come back.

Each check looks at the database as the undo would leave it. It asks the same rules as the services that write one row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, F, Q
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from assets.models import (
    Asset,
    AssetSnapshot,
    AssetType,
    Category,
    Depreciation,
    ExchangeRate,
    Instrument,
    InstrumentAction,
    InstrumentSource,
    Loan,
    PriceLoad,
    PriceSource,
    Tag,
    Transaction,
)
from assets.models.asset import Valuation
from assets.models.classification import parents_in
from assets.rules.assets.ownership import validate_sharing
from assets.rules.entries.disposal import validate_day_of_sale, validate_disposal
from assets.services import classification
from assets.services.entries import snapshots, transactions
from assets.services.entries.disposal import OF_A_DISPOSAL, first_value_on, proceeds_of
from assets.services.instruments import instruments, price_sources
from assets.services.instruments.instruments import require_instrument
from assets.services.labels import LABEL_KINDS, MOST_LABELS, AnyLabelKind
from assets.services.terms import PRICED, TERMS, has_terms, require_priced
from assets.signals import asset_leaves_household, category_moves
from assets.valuation import has_market_price
from strata.audit.undo.rules import Broken, UndoRules, Written, WrittenOf, register_undo
from strata.exceptions import Conflict, Invalid, NotFound, StrataError
from strata.fields.active_formats import count_text

LABELLED_AGAIN = Conflict("DUPLICATE_LABEL", _("The asset has it already."))
LABELS_ELSEWHERE = Conflict(
    "LABELS_OF_ANOTHER_HOUSEHOLD", _("The asset and the label are in two households.")
)
CURRENCY_IN_USE = Conflict("CURRENCY_IN_USE", _("It has values or transactions in its currency."))
TERMS_ARE_THERE = Conflict("CONFLICT", _("The asset has other terms now."))
NO_TERMS = Conflict("TERMS_NOT_FOUND", _("The asset has no terms by which it could be valued."))
SALE_WITHOUT_DISPOSAL = Conflict("DISPOSAL_IS_FIXED", _("A recorded sale needs the disposal of its day."))


def register() -> None:
    register_undo(Asset, UndoRules(check=bad_assets, related=("asset_type",)))
    of_an_asset: dict[str, Any] = {"related": ("asset",), "subject": lambda row: str(row.asset)}
    register_undo(
        AssetSnapshot,
        UndoRules(
            duplicate=snapshots.DUPLICATE, day=lambda row: row.on, counted=values_counted, **of_an_asset
        ),
    )
    register_undo(
        Transaction,
        UndoRules(
            duplicate=transactions.DUPLICATE,
            check=sales_without_disposal,
            day=lambda row: row.on,
            **of_an_asset,
        ),
    )
    for kind_of_terms in TERMS.values():
        for model in kind_of_terms.models:
            register_undo(model, UndoRules(duplicate=TERMS_ARE_THERE, **of_an_asset))
    for kind in LABEL_KINDS:
        register_undo(
            kind.link,
            UndoRules(duplicate=LABELLED_AGAIN, check=links_check(kind), related=("asset", kind.name)),
        )
    register_undo(AssetType, UndoRules(duplicate=classification.CODE_IS_TAKEN, check=types_with_shared_codes))
    register_undo(Category, UndoRules(duplicate=classification.NAME_IS_TAKEN, check=misplaced_categories))
    register_undo(Tag, UndoRules(duplicate=classification.NAME_IS_TAKEN))
    register_undo(Instrument, UndoRules(check=instruments_of_another_currency))
    register_undo(
        InstrumentAction,
        UndoRules(related=("instrument",), subject=lambda row: str(row.instrument), day=lambda row: row.on),
    )
    register_undo(PriceSource, UndoRules(duplicate=price_sources.NAME_IS_TAKEN))
    register_undo(InstrumentSource, UndoRules(related=("instrument", "source")))
    register_undo(PriceLoad, UndoRules(impossible="APPEND_ONLY"))
    register_undo(ExchangeRate, UndoRules(impossible="APPEND_ONLY"))


def values_counted(count: int) -> str:
    return ngettext("%(count)s value", "%(count)s values", count) % {"count": count_text(count)}


def refusals(check: Callable[[Any], None], rows: models.QuerySet[Any]) -> Iterator[tuple[UUID, StrataError]]:
    """What the check refuses of the rows."""
    for row in rows:
        try:
            check(row)
        except StrataError as refusal:
            yield row.pk, refusal
        except ValidationError as error:
            yield row.pk, Invalid(None, " ".join(error.messages))


# --- assets ---


def bad_assets(written: Written, of: WrittenOf) -> Broken:
    assets = Asset.objects.select_related("portfolio", "asset_type")
    typed = assets.filter(pk__among=written.with_changed("asset_type_id", "portfolio_id"))
    own_type = Q(asset_type__household=None) | Q(asset_type__household=F("portfolio__household"))
    for pk in typed.exclude(own_type).values_list("pk", flat=True):
        yield pk, NotFound("asset_type")
    yield from currencies_in_use(written.changed_in("currency"), of)
    yield from refusals(refuse_disposal, assets.filter(pk__among=written.changed_in("disposed_on")))
    valued_otherwise = written.with_changed("valuation", "instrument_id", "currency")
    yield from refusals(refuse_without_terms, assets.filter(pk__among=valued_otherwise))
    sharing = written.with_changed("valuation", "shares")
    yield from refusals(refuse_sharing, assets.filter(pk__among=sharing))
    yield from refusals(refuse_ties, assets.filter(pk__among=written.changed_in("portfolio_id")))


def currencies_in_use(asset_ids: list[UUID], of: WrittenOf) -> Broken:
    """Assets with values or transactions that were not there when the currency was changed."""
    for model in (AssetSnapshot, Transaction, Loan, Depreciation):
        entries = model.objects.filter(asset__pk__among=asset_ids).order_by()
        if restored := list(of(model).restored):
            entries = entries.exclude(pk__among=restored)
        for pk in entries.values_list("asset", flat=True).distinct():
            yield pk, CURRENCY_IN_USE


def instruments_of_another_currency(written: Written, of: WrittenOf) -> Broken:
    rows = Asset.objects.filter(instrument__pk__among=written.changed_in("currency")).order_by()
    for pk in (
        rows.exclude(currency=F("instrument__currency")).values_list("instrument", flat=True).distinct()
    ):
        if pk is not None:
            yield pk, instruments.CURRENCY_IN_USE


def refuse_disposal(asset: Asset) -> None:
    sale = proceeds_of(asset)
    if asset.disposed_on is None:
        if sale is not None:
            raise SALE_WITHOUT_DISPOSAL
        return
    first = first_value_on(asset)
    validate_disposal(asset.disposed_on, acquired_on=asset.acquired_on, first_value_on=first)
    validate_day_of_sale(asset.disposed_on, sale.on if sale else None)


def refuse_without_terms(asset: Asset) -> None:
    if asset.valuation in PRICED:
        require_priced(asset.valuation, asset.instrument_id)
        require_instrument(asset.instrument_id, asset.portfolio.household_id, asset.currency)
    elif asset.valuation != Valuation.MANUAL and not has_terms(asset):
        raise NO_TERMS


def refuse_sharing(asset: Asset) -> None:
    validate_sharing(
        "shares", is_shared=bool(asset.shares), has_market_price=has_market_price(asset.valuation)
    )


def refuse_ties(asset: Asset) -> None:
    """Labels and targets that would stay behind in another household."""
    for kind in LABEL_KINDS:
        labels = kind.link.objects.filter(asset=asset)
        if labels.exclude(**{f"{kind.name}__household": asset.portfolio.household_id}).exists():
            raise LABELS_ELSEWHERE
    asset_leaves_household.send(Asset, asset=asset)


def sales_without_disposal(written: Written, of: WrittenOf) -> Broken:
    """The DISPOSE that a disposal recorded, of an asset that is not disposed of on its day."""
    sales = Transaction.objects.filter(pk__among=written.with_changed("on"), **OF_A_DISPOSAL)
    for pk in sales.exclude(asset__disposed_on=F("on")).values_list("pk", flat=True):
        yield pk, SALE_WITHOUT_DISPOSAL


# --- labels ---


def links_check(kind: AnyLabelKind) -> Callable[[Written, WrittenOf], Broken]:
    def bad_links(written: Written, of: WrittenOf) -> Broken:
        links: Any = kind.link.objects  # of one of two models
        restored = links.filter(pk__among=written.ids).order_by()
        own = {f"{kind.name}__household": F("asset__portfolio__household")}
        for pk in restored.exclude(**own).values_list("pk", flat=True):
            yield pk, LABELS_ELSEWHERE
        counts = links.filter(asset__in=restored.values("asset")).order_by().values_list("asset")
        full = [pk for pk, count in counts.annotate(count=Count("pk")) if count > MOST_LABELS]
        message = gettext("An asset has at most %(most)s of them.") % {"most": MOST_LABELS}
        too_many = Conflict("TOO_MANY_LABELS", message)
        for pk in restored.filter(asset__in=full).values_list("pk", flat=True) if full else ():
            yield pk, too_many

    return bad_links


# --- types and categories ---


def types_with_shared_codes(written: Written, of: WrittenOf) -> Broken:
    types = AssetType.objects.filter(pk__among=written.with_changed("code"))
    return refusals(lambda row: classification.refuse_shared_code(row.code, but=row.pk), types)


def misplaced_categories(written: Written, of: WrittenOf) -> Broken:
    """Categories too deep, below themselves, or beside others with which their targets would be more than all."""

    def refuse_place(category: Category) -> None:
        parents = parents_in(category.household_id)
        classification.refuse_bad_parent(category.pk, category.parent_id, parents)
        category_moves.send(Category, category=category, parent_id=category.parent_id)

    return refusals(refuse_place, Category.objects.filter(pk__among=written.with_changed("parent_id")))
