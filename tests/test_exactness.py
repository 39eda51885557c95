"""The largest and smallest numbers are written through the API and read back exactly, digit for digit."""

from decimal import ROUND_HALF_EVEN, Context
from decimal import Decimal as D

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.models import AssetSnapshot
from portfolios.models import Portfolio
from strata.fields.numbers import (
    EXACT,
    EXACT_DIGITS,
    EXACT_PLACES,
    MONEY_DIGITS,
    MONEY_PLACES,
    exact_total,
    money_text,
    plain,
)

API = "/api/v1"
CASH = "00000000-0000-7000-8000-000000000001"
ROUNDING = Context(prec=60, rounding=ROUND_HALF_EVEN)


def numbers(digits: int, places: int) -> st.SearchStrategy[D]:
    """Numbers with so many digits before the point and at most so many places after it; often the extreme ones."""
    largest = 10 ** (digits + places) - 1
    edges = st.sampled_from([largest, -largest, largest - 1, 1, -1, 0, 10**places, 5 * 10 ** (places - 3)])
    return (edges | st.integers(-largest, largest)).map(lambda units: D(units).scaleb(-places, EXACT))


money, quantities = numbers(MONEY_DIGITS, MONEY_PLACES), numbers(EXACT_DIGITS, EXACT_PLACES)
through_the_api = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def post(client, path: str, **body) -> dict:
    answer = client.post(f"{API}/{path}", body, format="json")
    assert answer.status_code == 201, answer.content
    return answer.json()


def results(client, path: str) -> list[dict]:
    return client.get(f"{API}/{path}").json()["results"]


@through_the_api
@given(values=st.lists(money, min_size=1, max_size=5))
def test_values_and_their_total_are_exact(alice, household, values):
    portfolio = Portfolio.objects.create(household=household, name=f"Edges {Portfolio.objects.count()}")
    for number, value in enumerate(values):
        body = {"portfolio_id": str(portfolio.pk), "asset_type_id": CASH, "name": f"Edge {number}"}
        asset = post(alice, "assets", **body, value=plain(value))
        read = alice.get(f"{API}/assets/{asset['id']}").json()
        (snapshot,) = results(alice, f"assets/{asset['id']}/snapshots")
        expected = money_text(value)
        assert (asset["current_value"], read["current_value"], snapshot["value"]) == (expected,) * 3
        assert AssetSnapshot.objects.filter(asset=asset["id"], value=value).count() == 1
    listed = results(alice, f"assets?portfolio={portfolio.pk}&ordering=current_value")
    total = exact_total(values).quantize(D("0.01"), context=ROUNDING)
    assert [row["current_value"] for row in listed] == [money_text(value) for value in sorted(values)]
    assert alice.get(f"{API}/portfolios/{portfolio.pk}").json()["total_value"] == money_text(total)


@through_the_api
@given(quantity=quantities, price=quantities.map(D.copy_abs), costs=st.tuples(money, money))
def test_transactions_are_exact(alice, portfolio, quantity, price, costs):
    body = {"portfolio_id": str(portfolio.pk), "asset_type_id": CASH, "name": "Edge"}
    asset = post(alice, "assets", **body, quantity=plain(quantity))
    adjusted = post(alice, f"assets/{asset['id']}/transactions", type="ADJUST", quantity=plain(quantity))
    amount, fee = map(abs, costs)
    earned = post(
        alice, f"assets/{asset['id']}/transactions", type="INCOME", amount=plain(amount), fee=plain(fee)
    )
    bought = alice.post(
        f"{API}/assets/{asset['id']}/transactions",
        {"type": "ACQUIRE", "quantity": plain(quantity.copy_abs()), "unit_price": plain(price)},
        format="json",
    )
    assert (asset["quantity"], adjusted["quantity"]) == (plain(quantity),) * 2
    assert (earned["amount"], earned["fee"]) == (money_text(amount), money_text(fee))
    product = EXACT.multiply(quantity.copy_abs(), price).quantize(D("0.0001"), context=ROUNDING)
    if product < 10**14:
        assert bought.json()["amount"] == money_text(product)
        assert bought.json()["unit_price"] == plain(price)
    else:
        assert (bought.status_code, bought.json()["errors"][0]["field"]) == (400, "quantity")
    listed = results(alice, f"assets/{asset['id']}/transactions")
    assert [adjusted["id"], earned["id"]] == [row["id"] for row in listed][::-1][:2]


MOST = "99999999999999.9999"
PRODUCTS = [
    ("1", MOST, MOST),
    ("2", "2500000000000", "5000000000000.00"),  # more than the former limit
    ("1", "99999999999999.99994", MOST),
    ("1", "99999999999999.99995", None),  # rounded, it reaches the limit
    ("10000000", "10000000", None),
    ("0.5", "199999999999999.9998", MOST),
]


@pytest.mark.parametrize(("quantity", "price", "amount"), PRODUCTS)
def test_quantity_times_price_may_be_as_large_as_an_amount(alice, portfolio, quantity, price, amount):
    body = {"portfolio_id": str(portfolio.pk), "asset_type_id": CASH, "name": "Edge"}
    path = f"{API}/assets/{post(alice, 'assets', **body)['id']}/transactions"
    answer = alice.post(path, {"type": "ACQUIRE", "quantity": quantity, "unit_price": price})
    if amount is None:
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "quantity")
    else:
        assert (answer.status_code, answer.json()["amount"]) == (201, amount)
