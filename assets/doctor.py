"""doctor's checks of exchange rates, categories, terms, transactions, prices, and the data derived from values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import batched, groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Max
from django.utils import timezone

from assets.classification.tree import in_circles
from assets.holdings.trade_rows import chosen_lots
from assets.models import Asset, Category, ExchangeRate, ForgottenPortfolio, Instrument, Transaction
from assets.models.exchange_rate import RATES_ARE_APPEND_ONLY
from assets.prices import store as prices
from assets.rates.store import daily_rates, rate_book_of_span
from assets.rules.assets.ownership import validate_shares
from assets.rules.entries.transfers import do_legs_agree
from assets.rules.instruments.instruments import quote_unit
from assets.services.terms import TERMS
from assets.valuation import AssetRef, deltas, gaps, months, newest_points, ref_of, upkeep
from assets.valuation.forgotten.changed_settings import noted_age
from assets.valuation.formulas.shares import as_text, read_shares
from portfolios.models import Portfolio
from strata.audit import deletions
from strata.audit.tracking import TrackedQuerySet
from strata.doctor import UNREADABLE, Level, examines
from strata.exceptions import StrataError
from strata.fields.numbers import plain

MOST_NAMED = 5
ASSETS_AT_A_TIME = 200
LOOKED_BACK = timedelta(days=400)
FIX = "Run: python manage.py rebuild"


@examines("rates")
def rates() -> Iterator[tuple[Level, str]]:
    yield from age_of_the_rates()
    yield from rates_that_jump()


def age_of_the_rates() -> Iterator[tuple[Level, str]]:
    real = daily_rates().exclude(source=ExchangeRate.Source.DEMO)
    newest = real.aggregate(newest=Max("on"))["newest"]
    if newest is None:
        yield Level.WARN, "there are none. Run: python manage.py load_rates"
        return
    age = (timezone.now().date() - newest).days
    if age > settings.RATE_MAX_AGE_DAYS:
        yield (
            Level.WARN,
            f"the newest is {age} days old ({newest}). Run: python manage.py load_rates --download",
        )
    else:
        yield Level.OK, f"the newest is of {newest}"


def rates_that_jump() -> Iterator[tuple[Level, str]]:
    """The rates of the last 400 days that are at least JUMP times the rate before, or at most 1/JUMP of it."""
    today = timezone.now().date()
    codes = ExchangeRate.objects.order_by().values_list("currency", flat=True).distinct()
    book = rate_book_of_span(codes, start=today - LOOKED_BACK, end=today)
    jumps = [jump for code in sorted(codes) for jump in book.jumps(code)]
    for jump in jumps[:MOST_NAMED]:
        before, units = plain(jump.before), plain(jump.units)
        yield (
            Level.WARN,
            f"{jump.currency} on {jump.on} goes from {before} to {units}: {RATES_ARE_APPEND_ONLY}",
        )
    if more := jumps[MOST_NAMED:]:
        yield Level.WARN, f"and {len(more)} more that jump"


@examines("categories")
def categories_without_cycles() -> Iterator[tuple[Level, str]]:
    lost = in_circles(dict(Category.objects.values_list("id", "parent_id")))
    if lost:
        named = ", ".join(str(category) for category in sorted(lost)[:5])
        yield Level.FAIL, f"{len(lost)} lead in a circle: {named}"
    else:
        yield Level.OK, "no cycles"


@examines("shares")
def shares_of_assets() -> Iterator[tuple[Level, str]]:
    """They are text in a column: somebody may have written it without Strata."""
    bad = [str(pk) for pk, text in shared_assets() if not are_shares(text)]
    if bad:
        yield Level.FAIL, f"{len(bad)} assets have shares that are none: {', '.join(bad[:MOST_NAMED])}"
    else:
        yield Level.OK, "every asset has shares that can be read, or none"


def shared_assets() -> Iterable[tuple[UUID, str]]:
    return Asset.objects.exclude(shares="").order_by("pk").values_list("pk", "shares")


def are_shares(text: str) -> bool:
    try:
        shares = read_shares(text)
        validate_shares(shares)
    except (ValueError, ArithmeticError, StrataError):
        return False
    return as_text(shares) == text


def compared(faults: Iterable[str], things: str) -> Iterator[tuple[Level, str]]:
    """One line for each of the first faults, and the number of further `things` that are wrong."""
    count = 0
    for count, fault in enumerate(faults, start=1):
        if count <= MOST_NAMED:
            yield Level.FAIL, f"{fault}. {FIX}"
    if count > MOST_NAMED:
        yield Level.FAIL, f"and {count - MOST_NAMED} more {things}. {FIX}"
    if not count:
        yield Level.OK, "they are what the values give"


def shown_portfolios() -> TrackedQuerySet[Portfolio]:
    """Those with derived data that no deletion has hidden: of what is removed in steps, nothing is kept up to date."""
    rows = upkeep.portfolios().exclude(household_id__in=deletions.hiding_households())
    return rows.exclude(pk__in=ForgottenPortfolio.objects.values("portfolio"))


@examines("terms")
def terms_can_be_read() -> Iterator[tuple[Level, str]]:
    """A row that no rule has seen, because somebody wrote it without Strata, makes every report of its asset fail."""
    yield from named(wrong_terms(), "assets", "what values follow from can be read")


def wrong_terms() -> Iterator[str]:
    hidden = deletions.hiding_households()
    today = timezone.now().date()
    for valuation, kind in TERMS.items():
        assets = (
            Asset.objects.filter(valuation=valuation).exclude(portfolio__household__in=hidden).order_by("pk")
        )
        model: Any = kind.model  # its base alone has no field `asset`
        with_terms = set(model._base_manager.order_by().values_list("asset", flat=True))
        for refs in batched(
            (ref_of(asset) for asset in assets.iterator(chunk_size=ASSETS_AT_A_TIME)), ASSETS_AT_A_TIME
        ):
            yield from (f"asset {ref.id}: it has no terms" for ref in refs if ref.id not in with_terms)
            yield from (
                f"asset {ref.id}: its terms cannot be read: {about}" for ref, about in unreadable(refs, today)
            )


def unreadable(refs: Sequence[AssetRef], today: date) -> Iterator[tuple[AssetRef, str]]:
    """Those whose value cannot be computed. All at once, and one after the other only where one of them fails."""
    try:
        newest_points(dict.fromkeys(refs, today))
    except UNREADABLE as error:
        if len(refs) == 1:
            yield refs[0], f"{type(error).__name__}: {error}"
            return
        for ref in refs:
            yield from unreadable([ref], today)


@examines("instruments")
def instruments_can_be_read() -> Iterator[tuple[Level, str]]:
    yield from named(wrong_units(), "instruments", "every quote unit is a ratio")


def wrong_units() -> Iterator[str]:
    for pk, text in (
        Instrument.objects.order_by("pk").values_list("pk", "quote_unit").iterator(chunk_size=2000)
    ):
        try:
            quote_unit(text)
        except ValidationError:
            yield f"instrument {pk}: {text} is no quote unit"


@examines("transactions")
def transactions_can_be_read() -> Iterator[tuple[Level, str]]:
    yield from named(wrong_transactions(), "transactions", "every type is known, and chosen lots can be read")


def wrong_transactions() -> Iterator[str]:
    rows = Transaction.objects.order_by("pk")
    for pk, text in rows.exclude(type__in=Transaction.Type.values).values_list("pk", "type"):
        yield f"transaction {pk}: {text} is no type"
    for pk, lots in rows.filter(lots__isnull=False).values_list("pk", "lots").iterator(chunk_size=2000):
        try:
            chosen_lots(lots)
        except UNREADABLE as error:
            yield f"transaction {pk}: its chosen lots cannot be read: {type(error).__name__}: {error}"


def named(faults: Iterable[str], things: str, in_order: str) -> Iterator[tuple[Level, str]]:
    """As `compared`, of what was recorded: only a person or a backup can say what it was."""
    count = 0
    for count, fault in enumerate(faults, start=1):
        if count <= MOST_NAMED:
            yield Level.FAIL, fault
    if count > MOST_NAMED:
        yield Level.FAIL, f"and {count - MOST_NAMED} more {things}"
    if not count:
        yield Level.OK, in_order


@examines("forgotten data")
def forgotten_data() -> Iterator[tuple[Level, str]]:
    count = ForgottenPortfolio.objects.count()
    if count:
        yield Level.OK, f"{count} portfolios have no derived data: their next reports derive it"
    else:
        yield Level.OK, "every portfolio has its derived data"
    noted = noted_age()
    if noted is not None and noted != settings.PRICE_MAX_AGE_DAYS:
        yield (
            Level.WARN,
            f"values were stored with PRICE_MAX_AGE_DAYS={noted}, and it is {settings.PRICE_MAX_AGE_DAYS}. {FIX}",
        )


@examines("prices")
def packs_are_what_the_blocks_give() -> Iterator[tuple[Level, str]]:
    unreadable: list[UUID] = []
    yield from compared(wrong_packs(unreadable), "years")
    for instrument_id in unreadable[:MOST_NAMED]:
        yield (
            Level.FAIL,
            f"the recorded prices of instrument {instrument_id} cannot be read: restore a backup",
        )


def wrong_packs(unreadable: list[UUID] | None = None) -> Iterator[str]:
    """The instruments whose blocks cannot be read are added to the list; without one that is an error."""
    for ids in batched(prices.instruments_with_prices(), prices.INSTRUMENTS_AT_A_TIME):
        for instrument_id, year in wrong_packs_of(ids, unreadable):
            yield f"instrument {instrument_id} is wrong in {year}"


def wrong_packs_of(ids: Sequence[UUID], unreadable: list[UUID] | None) -> list[tuple[UUID, int]]:
    try:
        return prices.wrong_packs(ids)
    except ValueError:
        if unreadable is None:
            raise
        if len(ids) == 1:
            unreadable += ids
            return []
        return [key for pk in ids for key in wrong_packs_of([pk], unreadable)]


@examines("deltas")
def deltas_are_what_the_values_give() -> Iterator[tuple[Level, str]]:
    yield from compared(wrong_deltas(), "portfolios")


def wrong_deltas() -> Iterator[str]:
    for portfolio_id in shown_portfolios().values_list("pk", flat=True):
        if differences := deltas.differences(portfolio_id):
            on, currency = min((min(days), currency) for (_, currency, _), days in differences.items())
            yield f"portfolio {portfolio_id} is wrong from {on} on, in {currency}"


@examines("monthly values")
def monthly_values_are_what_the_values_give() -> Iterator[tuple[Level, str]]:
    yield from compared(wrong_months(), "months")


def wrong_months() -> Iterator[str]:
    for portfolio_id in shown_portfolios().values_list("pk", flat=True):
        for asset_id, month in sorted(months.differences(portfolio_id)):
            yield f"asset {asset_id} is wrong in {month:%Y-%m}"
    for asset_id in months.of_no_asset().values_list("asset_id", flat=True).distinct():
        yield f"asset {asset_id} is gone, but has months"


@examines("quantities")
def quantities_are_what_the_transactions_give() -> Iterator[tuple[Level, str]]:
    yield from compared(wrong_quantities(), "assets")


def wrong_quantities() -> Iterator[str]:
    for portfolio_id in shown_portfolios().values_list("pk", flat=True):
        for asset_id in sorted(upkeep.outdated_assets(portfolio_id)):
            yield f"asset {asset_id} holds other quantities"


@examines("missing values")
def gaps_are_what_the_values_give() -> Iterator[tuple[Level, str]]:
    yield from compared(wrong_gaps(), "gaps")


def wrong_gaps() -> Iterator[str]:
    for portfolio_id in shown_portfolios().values_list("pk", flat=True):
        for asset_id, start in sorted({(gap.asset_id, gap.start) for gap in gaps.differences(portfolio_id)}):
            yield f"asset {asset_id} is wrong from {start} on"


@examines("transfers")
def transfers_have_two_legs() -> Iterator[tuple[Level, str]]:
    """Lots move from the leg out to the leg in. A leg may be alone: the asset of the other was deleted."""
    bad = wrong_transfers()
    if bad:
        yield Level.FAIL, f"{len(bad)} have legs that do not agree: {', '.join(map(str, bad[:MOST_NAMED]))}"
    else:
        yield Level.OK, "the legs of each agree"


def wrong_transfers() -> list[UUID]:
    legs = Transaction.objects.filter(transfer_id__isnull=False).order_by("transfer_id")
    rows = legs.values_list("transfer_id", "type", "on", "quantity").iterator(chunk_size=2000)
    return [
        transfer_id
        for transfer_id, of_transfer in groupby(rows, key=itemgetter(0))
        if transfer_id and not do_legs_agree([leg[1:] for leg in of_transfer])
    ]
