"""The identity of the parts for a thousand random histories, stored in the database and reported from it."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest
from django.db import connection

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, ExchangeRate, Transaction
from portfolios.models import Portfolio
from reports.api.answers import PARTS, change_answer
from reports.queries import change_report, portfolio_total
from reports.queries.change import cash_flows
from strata.fields.currencies import minor_units
from strata.fields.dates import noon

FIRST = date(2024, 1, 1)
SPAN = 40
CURRENCIES = ("EUR", "USD", "JPY", "KWD")  # two places, none, and three
# Balances and values, owned and owed.
TYPES = (
    TypeId.CASH,
    TypeId.CHECKING_ACCOUNT,
    TypeId.REAL_ESTATE,
    TypeId.STOCKS,
    TypeId.CRYPTO,
    TypeId.PERSONAL_PROPERTY,
    TypeId.LOAN,
    TypeId.CREDIT_CARD,
    TypeId.MORTGAGE,
)
BATCH = 50
SIGNS = {"expenses": -1, "removed": -1}


def day(random):
    return FIRST + timedelta(days=random.randrange(SPAN))


def amount(random, least=0):
    return Decimal(random.randrange(least, 10**7)).scaleb(-random.choice([0, 2, 4]))


@pytest.fixture
def rates(db):
    """Rates of about every third day; those of the yen begin late, so that some assets in yen are left out."""
    random = Random("rates")
    ExchangeRate.objects.bulk_create(
        ExchangeRate(currency=code, on=FIRST + timedelta(days=number), units_per_euro=units)
        for code in CURRENCIES[1:]
        for number in range(-1 if code != "JPY" else 12, SPAN, random.choice([2, 3, 4]))
        for units in [Decimal(random.randrange(1, 10**6)).scaleb(-random.choice([2, 4]))]
    )


def histories(household, random, batch):
    """A batch of portfolios, written by set: assets of all kinds with their values and movements."""
    portfolios = Portfolio.objects.bulk_create(
        Portfolio(household=household, name=f"{batch}-{number}", base_currency=random.choice(CURRENCIES))
        for number in range(BATCH)
    )
    assets = Asset.objects.bulk_create(
        Asset(
            portfolio=portfolio,
            asset_type_id=random.choice(TYPES),
            name=str(number),
            currency=random.choice(CURRENCIES),
            disposed_on=day(random) if random.random() < 0.25 else None,
        )
        for portfolio in portfolios
        for number in range(random.randrange(1, 5))
    )
    AssetSnapshot.objects.bulk_create(snapshot for asset in assets for snapshot in values(asset, random))
    Transaction.objects.bulk_create(
        movement(asset, random) for asset in assets for _ in range(random.randrange(4))
    )
    return portfolios


def values(asset, random):
    for second in range(random.randrange(7)):
        on = day(random)
        at = noon(on, "UTC") + timedelta(seconds=second)
        yield AssetSnapshot(asset=asset, value=amount(random, -(10**7)), on=on, observed_at=at)


def movement(asset, random):
    on, kind = day(random), random.choice(Transaction.Type.values)
    moved = {"amount": amount(random), "fee": amount(random), "tax": amount(random)}
    if random.random() < 0.5:
        moved |= {"fee": Decimal(0), "tax": Decimal(0)}
    if kind == Transaction.Type.ADJUST:
        moved = {"quantity": Decimal(1)}
    return Transaction(
        asset=asset, type=kind, on=on, occurred_at=noon(on, "UTC"), currency=asset.currency, **moved
    )


def explained(parts):
    names = PARTS[PARTS.index("change") + 1 :]
    return sum(SIGNS.get(name, 1) * Decimal(parts[name]) for name in names)


def require_identity(answer):
    for row in (answer["total"], *answer["rows"]):
        assert (
            Decimal(row["end_value"]) - Decimal(row["start_value"])
            == Decimal(row["change"])
            == explained(row)
        )
    for name in PARTS:
        assert sum(Decimal(row[name]) for row in answer["rows"]) == Decimal(answer["total"][name])


@pytest.mark.parametrize("batch", range(1000 // BATCH))
def test_parts_add_up_to_the_difference_between_two_totals(household, rates, alice, batch):
    random = Random(batch)
    complete = 0
    for portfolio in histories(household, random, batch):
        start, end = sorted((day(random), day(random)))
        report = change_report(
            [portfolio], start=start, end=end, group_by=random.choice(["asset", "type", "currency"])
        )
        answer = change_answer(report)
        require_identity(answer)
        for on, net in ((start, answer["total"]["start_value"]), (end, answer["total"]["end_value"])):
            if answer["left_out"]:
                break
            total = portfolio_total(portfolio, on)
            assert (total.complete, total.value) == (True, Decimal(net))
            complete += 1
        places = minor_units(portfolio.base_currency)
        assert all(
            Decimal(answer["total"][name]) == round(Decimal(answer["total"][name]), places) for name in PARTS
        )
    assert complete > BATCH / 2
    query = f"start={start}&end={end}&group_by={report.group_by}"
    assert alice.get(f"/api/v1/portfolios/{portfolio.pk}/change?{query}").json() == answer


@pytest.mark.on_postgresql
def test_first_values_are_looked_up_for_each_asset_and_not_for_each_trade(household):
    """Also not for the trades of other portfolios, which PostgreSQL may read first."""
    portfolios = Portfolio.objects.bulk_create(
        Portfolio(household=household, name=name, base_currency="EUR") for name in ("own", "other")
    )
    assets = Asset.objects.bulk_create(
        Asset(portfolio=portfolio, asset_type_id=TypeId.STOCKS, name=name, currency="EUR")
        for portfolio in portfolios
        for name in ("old", "new")
    )
    Transaction.objects.bulk_create(
        Transaction(
            asset=asset,
            type=Transaction.Type.ACQUIRE,
            on=on,
            occurred_at=noon(on, "UTC"),
            currency="EUR",
            amount=Decimal(number),
        )
        for asset in assets
        for number in range(30)
        for on in [FIRST + timedelta(number)]
    )
    for asset, number in zip(assets, (0, 35, 0, 35), strict=True):
        on = FIRST + timedelta(number)
        AssetSnapshot.objects.create(asset=asset, value=Decimal(9), on=on, observed_at=noon(on, "UTC"))
    plans = []

    def explained_too(execute, sql, params, many, context):
        with connection.connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", params)
            plans.append(cursor.fetchone()[0][0]["Plan"])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explained_too):
        flows = cash_flows([portfolios[0].pk], FIRST + timedelta(20), FIRST + timedelta(40))
    old, new, *_ = assets
    assert {pk: len(of_asset) for pk, of_asset in flows.items()} == {old.pk: 9, new.pk: 30}
    assert max(loops_of_subplans(plans)) == 2


def loops_of_subplans(plans):
    """How many times each was run."""
    for plan in plans:
        if plan.get("Parent Relationship") == "SubPlan":
            yield plan["Actual Loops"]
        yield from loops_of_subplans(plan.get("Plans", ()))
