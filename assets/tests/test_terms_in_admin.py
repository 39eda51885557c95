"""How an asset is valued, in the admin: the page of the terms, and the sections of the asset's page."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, Loan, LoanExtraPayment, LoanRate
from assets.models.asset import Valuation
from portfolios.models import Household, Portfolio
from strata.admin.forms import STALE
from tests.admin_forms import staff, url
from tests.factories import add_value, create_asset, day, record_price

LOAN = {
    "principal": "100,000.00",
    "started_on": "2020-01-01",
    "first_payment_on": "2020-02-01",
    "frequency": "monthly",
    "loan_type": "annuity",
    "term": "360",
    "payment": "",
    "day_count": "30/360",
    "rounding": "currency",
    "collateral": "",
    "rates-count": "3",
    "rates-0-on": "2020-01-01",
    "rates-0-rate": "4",
    "rates-1-on": "2022-01-01",
    "rates-1-rate": "5.25",
    "rates-2-on": "",
    "rates-2-rate": "",
    "extra_payments-count": "1",
    "extra_payments-0-on": "2023-01-01",
    "extra_payments-0-amount": "10,000",
    "extra_payments-0-effect": "lower",
    "holidays-count": "1",
    "holidays-0-start": "",
    "holidays-0-end": "",
}
CAR = {
    "method": "straight_line",
    "cost": "30000",
    "residual_value": "7500",
    "life": "10",
    "started_on": "2015-01-01",
    "step": "day",
    "first_year_months": "12",
}


@pytest.fixture
def alices(alice_user):
    return staff(alice_user)


@pytest.fixture
def mortgage(portfolio):
    return create_asset(portfolio, "Mortgage", TypeId.MORTGAGE)


def terms_page(asset: Asset) -> str:
    return url(Asset, "terms", asset.pk)


def shown(client, asset: Asset, valuation: str = ""):
    return client.get(terms_page(asset), {"valuation": valuation} if valuation else {})


def send(client, asset: Asset, valuation: str, data: dict, **changes: str):
    version = shown(client, asset).context["version"]
    body = {"version": version} | data | changes
    return client.post(f"{terms_page(asset)}?valuation={valuation}", body)


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def errors_of(answer) -> dict[str, list[str]]:
    form = answer.context["form"]
    errors = dict(form.main.errors)
    for rows in form.lists:
        errors |= {rows.name: rows.errors} if rows.errors else {}
        errors |= {row.add_prefix(name): texts for row in rows.forms for name, texts in row.errors.items()}
    return errors


pytestmark = pytest.mark.usefixtures("shared_rows")


# --- saved ---


def test_the_terms_of_a_loan_are_saved_with_their_rows(alices, mortgage):
    answer = send(alices, mortgage, "loan", LOAN)
    assert (answer.status_code, answer["Location"]) == (302, url(Asset, "change", mortgage.pk))
    assert Asset.objects.get(pk=mortgage.pk).valuation == "loan"
    assert Loan.objects.get().principal == 100_000
    assert [row.rate for row in LoanRate.objects.all()] == [Decimal("0.04"), Decimal("0.0525")]
    extra = LoanExtraPayment.objects.get()
    assert (extra.amount, extra.effect) == (10_000, "lower")


def test_the_form_shows_what_is_stored_in_the_format_of_the_user(alice_user, mortgage):
    alices = staff(alice_user)
    send(alices, mortgage, "loan", LOAN)
    alice_user.number_format, alice_user.date_format = "1.234,56", "DD.MM.YYYY"
    alice_user.save()
    page = text_of(shown(alices, mortgage))
    for value in ("100.000,00", "01.01.2020", "5,25", "10.000,00"):
        assert f'value="{value}"' in page


def test_saving_the_form_unchanged_changes_nothing(alices, mortgage):
    send(alices, mortgage, "loan", LOAN)
    before = [(row.pk, row.updated_at) for row in LoanRate.objects.all()]
    form = shown(alices, mortgage).context["form"]
    data = {bound.html_name: bound.value() for bound in form}
    for rows in form.lists:
        data |= {rows.count_name: len(rows.forms)}
        data |= {bound.html_name: bound.value() for row in rows.forms for bound in row}
    data = {name: "" if value is None else value for name, value in data.items()}
    assert send(alices, mortgage, "loan", data).status_code == 302
    assert [(row.pk, row.updated_at) for row in LoanRate.objects.all()] == before


def test_a_row_that_was_emptied_is_deleted(alices, mortgage):
    send(alices, mortgage, "loan", LOAN)
    emptied = {"rates-1-on": "", "rates-1-rate": ""}
    assert send(alices, mortgage, "loan", LOAN, **emptied).status_code == 302
    assert [row.rate for row in LoanRate.objects.all()] == [Decimal("0.04")]


def test_a_depreciation_and_a_growth_are_saved(alices, portfolio):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE)
    assert send(alices, car, "depreciation", CAR).status_code == 302
    assert "7,500.00" in text_of(alices.get(url(Asset, "change", car.pk)))
    assert send(alices, car, "growth", {"rate": "-2.5", "compounding": "yearly"}).status_code == 302
    assert "-2.5" in text_of(alices.get(url(Asset, "change", car.pk)))
    assert Asset.objects.get(pk=car.pk).valuation == "growth"


@pytest.mark.parametrize("valuation", ["market", "index"])
def test_prices_value_an_asset_by_its_security(alices, portfolio, household, valuation):
    world = Instrument.objects.create(household=household, symbol="WORLD", name="World", currency="EUR")
    shares = create_asset(portfolio, "Shares", TypeId.STOCKS)
    assert list(errors_of(send(alices, shares, valuation, {"instrument": ""}))) == ["instrument"]
    assert send(alices, shares, valuation, {"instrument": str(world.pk)}).status_code == 302
    stored = Asset.objects.get(pk=shares.pk)
    assert (stored.valuation, stored.instrument_id) == (valuation, world.pk)
    assert "WORLD" in text_of(alices.get(url(Asset, "change", shares.pk)))


def test_back_by_hand_deletes_the_terms(alices, mortgage):
    send(alices, mortgage, "loan", LOAN)
    assert send(alices, mortgage, "manual", {}).status_code == 302
    assert (Asset.objects.get(pk=mortgage.pk).valuation, Loan.objects.count()) == ("manual", 0)


def test_add_a_row_keeps_what_was_typed(alices, mortgage):
    answer = send(alices, mortgage, "loan", LOAN, add="rates", principal="12,3")
    assert 'name="rates-3-on"' in text_of(answer)
    assert 'value="12,3"' in answer.content.decode()
    assert Loan.objects.count() == 0


def test_saving_can_be_undone(alices, mortgage):
    send(alices, mortgage, "loan", LOAN)
    page = alices.get(url(Asset, "change", mortgage.pk)).content.decode()
    undo = page.split("/admin/undo/")[1].split("/")[0]
    alices.post(f"/admin/undo/{undo}/")
    assert (Asset.objects.get(pk=mortgage.pk).valuation, Loan.objects.count()) == ("manual", 0)


# --- refused, beside the field that the API names ---


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"term": "0"}, "term"),
        ({"payment": "500"}, "payment"),
        ({"term": "", "payment": "100"}, "payment"),
        ({"rates-0-on": "2020-02-01"}, "rates"),
        ({"rates-1-on": "2019-01-01"}, "rates-1-on"),
        ({"rates-1-rate": "2000"}, "rates-1-rate"),
        ({"rates-1-rate": ""}, "rates-1-rate"),
        ({"extra_payments-0-amount": "0"}, "extra_payments-0-amount"),
        ({"extra_payments-0-on": "2019-01-01"}, "extra_payments-0-on"),
        ({"holidays-0-start": "2024-05-01", "holidays-0-end": "2024-04-01"}, "holidays-0-end"),
        ({"first_payment_on": "2019-01-01"}, "first_payment_on"),
        ({"principal": "0"}, "principal"),
        ({"principal": "1,2345.6"}, "principal"),
        ({"rates-count": "many"}, "rates"),
    ],
)
def test_bad_terms_are_refused_beside_their_field(alices, mortgage, changes, field):
    answer = send(alices, mortgage, "loan", LOAN, **changes)
    assert list(errors_of(answer)) == [field], text_of(answer)
    assert (Loan.objects.count(), Asset.objects.get(pk=mortgage.pk).valuation) == (0, "manual")


def test_a_refusal_counts_only_the_rows_that_are_filled_in(alices, mortgage):
    empty_first = {"rates-0-on": "", "rates-0-rate": "", "rates-2-on": "2021-01-01", "rates-2-rate": "4"}
    answer = send(alices, mortgage, "loan", LOAN, **empty_first)
    assert list(errors_of(answer)) == ["rates-2-on"]


def test_collateral_is_of_the_household(alices, mortgage, portfolio):
    foreign_portfolio = Portfolio.objects.create(
        household=Household.objects.create(name="Theirs"), name="Theirs"
    )
    foreign, house = create_asset(foreign_portfolio, "Theirs"), create_asset(portfolio, "House")
    assert list(errors_of(send(alices, mortgage, "loan", LOAN, collateral=str(foreign.pk)))) == ["collateral"]
    assert send(alices, mortgage, "loan", LOAN, collateral=str(house.pk)).status_code == 302
    assert "House" in text_of(alices.get(url(Asset, "change", mortgage.pk)))


def test_terms_that_somebody_else_changed_are_not_overwritten(alices, mortgage):
    send(alices, mortgage, "loan", LOAN)
    seen = shown(alices, mortgage).context["version"]
    send(alices, mortgage, "loan", LOAN, term="300")
    answer = send(alices, mortgage, "loan", LOAN, version=seen)
    assert errors_of(answer) == {"__all__": [str(STALE)]}
    assert Loan.objects.get().term == 300


# --- who ---


def test_each_way_of_valuation_has_a_form(alices, mortgage):
    for valuation in Valuation.values:
        assert f'value="{valuation}" selected' in text_of(shown(alices, mortgage, valuation))
    assert shown(alices, mortgage, "guessed").status_code == 404


def test_a_viewer_sees_the_terms_and_cannot_change_them(alices, vera_user, mortgage):
    send(alices, mortgage, "loan", LOAN)
    veras = staff(vera_user)
    page = text_of(veras.get(url(Asset, "change", mortgage.pk)))
    assert "Loan schedule" in page and "Repayment schedule" in page
    assert terms_page(mortgage) not in page
    assert shown(veras, mortgage).status_code == 403
    assert veras.post(f"{terms_page(mortgage)}?valuation=manual").status_code == 403


def test_a_stranger_finds_nothing(charlie_user, mortgage):
    assert shown(staff(charlie_user), mortgage).status_code == 404


# --- what the asset's page shows ---


def test_the_schedule_is_exported(alices, mortgage):
    send(alices, mortgage, "loan", LOAN)
    page = alices.get(url(Asset, "change", mortgage.pk)).content.decode()
    addresses = re.findall(r'<a href="([^"]+/schedule[?][^"]+)" download>', page)
    assert [alices.get(unescape(address)).status_code for address in addresses] == [200, 200]


def test_the_schedule_has_positive_amounts_and_pages(alices, mortgage):
    send(alices, mortgage, "loan", LOAN)
    page = text_of(alices.get(url(Asset, "change", mortgage.pk), {"schedule": "1"}))
    assert "Paid off on" in page and "Interest in all" in page
    assert '<td>2020-02-01</td><td class="new-value-number"><span class="amount">477.42</span>' in page
    last = text_of(alices.get(url(Asset, "change", mortgage.pk), {"schedule": "999"}))
    assert '<span class="amount">0.00</span></td></tr>' in last
    assert "-477" not in page


def test_a_computed_asset_without_a_recorded_value_has_a_chart(alices, portfolio):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE)
    assert "No value yet" in text_of(alices.get(url(Asset, "change", car.pk)))
    send(alices, car, "depreciation", CAR, started_on="2024-01-01")
    page = text_of(alices.get(url(Asset, "change", car.pk)))
    assert "No value is recorded" in page and "Value of Car, past year" in page


def test_a_depreciation_is_drawn_to_its_end_and_a_growth_ten_years_ahead(alices, portfolio):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE)
    send(alices, car, "depreciation", CAR, started_on="2024-01-01")
    course = alices.get(url(Asset, "change", car.pk)).context["course"]
    assert (course["chart"]["start"], course["rows"][0]["day"]) == ("2024-01-01", "2024-12-31")
    assert (course["rows"][-1]["day"][:4], course["rows"][-1]["value"]) == ("2034", "7,500.00")
    add_value(car, 1000, day(0))
    send(alices, car, "growth", {"rate": "10", "compounding": "yearly"})
    course = alices.get(url(Asset, "change", car.pk)).context["course"]
    assert course["rows"][-1]["day"] == f"{timezone.now().year + 10}-12-31"


def test_a_manual_asset_and_a_growth_without_a_value_have_no_course(alices, portfolio):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE)
    assert alices.get(url(Asset, "change", car.pk)).context["course"] is None
    send(alices, car, "growth", {"rate": "10", "compounding": "yearly"})
    assert alices.get(url(Asset, "change", car.pk)).context["course"] is None


def test_a_long_loan_takes_as_many_queries_as_a_short_one(alices, mortgage):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            alices.get(url(Asset, "change", mortgage.pk))
        return len(captured)

    send(alices, mortgage, "loan", LOAN, term="12")
    add_value(mortgage, -90_000, day(0))
    alices.get(url(Asset, "change", mortgage.pk))
    few = queries()
    send(alices, mortgage, "loan", LOAN)
    alices.get(url(Asset, "change", mortgage.pk))
    assert queries() == few <= 40


def test_page_has_one_open_chart_of_the_value_however_it_is_valued(alices, portfolio, household):
    fund = Instrument.objects.create(household=household, symbol="VWCE", name="World", currency="EUR")
    record_price(fund, timezone.now().date(), 100)
    quoted = {"instrument": fund, "valuation": "market", "quantity": Decimal(10)}
    asset = create_asset(portfolio, "Fund", TypeId.STOCKS, **quoted)
    for valuation in ("market", "depreciation"):
        if valuation == "depreciation":
            assert send(alices, asset, valuation, CAR, started_on="2024-01-01").status_code == 302
        page = text_of(alices.get(url(Asset, "change", asset.pk)))
        is_open = re.sub(r"<details>.*?</details>", "", page)
        assert is_open.count('<div class="value-chart"') == 1
        assert 'aria-label="Value of Fund, past year"' in is_open
        assert page.count('<div class="value-chart"') == (1 if valuation == "market" else 2)


def test_list_shows_a_calculated_value_in_the_currencys_places_and_an_entered_one_as_it_is(alices, portfolio):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE)
    send(alices, car, "depreciation", CAR, life="77", started_on="2024-01-01")
    add_value(create_asset(portfolio, "Watch", TypeId.COLLECTIBLES), "1.2345", day(0))
    page = alices.get(url(Asset, "changelist")).content.decode()
    shown = re.findall(r'field-value_now["\s][^>]*>(?:<[^>]+>)*([^<]*)', page)
    assert len(shown) == 2
    assert re.fullmatch(r"[\d,]+\.\d\d", shown[0].strip())
    assert shown[1].strip() == "1.2345"


def test_terms_that_are_sent_twice_are_not_refused_as_changed_meanwhile(alices, portfolio):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE)
    page = shown(alices, car, "depreciation").content.decode()
    names = ("version", "form_key")
    hidden = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in names}
    address = f"{terms_page(car)}?valuation=depreciation"
    answers = [alices.post(address, {**CAR, **hidden}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 302]
    said = [str(list(answer.wsgi_request._messages)[-1]) for answer in answers]
    assert said == ["Saved how Car is valued."] * 2
