"""The page "Update values": what it shows, what it asks, what it saves, and what it refuses."""

from __future__ import annotations

import json
import re
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.classification.seeds import TypeId
from assets.models import AssetSnapshot, ExchangeRate, Growth
from conftest import member
from portfolios.models import Household, Portfolio
from reports.update_values import presenting
from reports.update_values.rows import asset_rows
from reports.update_values.view import same_again
from strata.tenancy.roles import EDITOR, VIEWER
from tests.admin_forms import staff
from tests.factories import add_value, create_asset, create_valued_asset

PATH = "/admin/update-values/"
ON = "2024-07-31"
DAY = date(2024, 7, 31)


@pytest.fixture
def checking(portfolio):
    return create_valued_asset(portfolio, "Checking account", TypeId.CHECKING_ACCOUNT, "1000.00")


@pytest.fixture
def mortgage(portfolio):
    return create_valued_asset(portfolio, "Mortgage", TypeId.MORTGAGE, "-180000.00")


@pytest.fixture
def browser(household, alice_user):
    return staff(alice_user)


def ask(browser, portfolio, action, **more):
    body = {"action": action, "portfolio": str(portfolio.pk), "on": ON, **more}
    return browser.post(PATH, json.dumps(body), content_type="application/json")


def entry(asset, text, note="", seen=""):
    return {"asset": str(asset.pk), "text": text, "note": note, "seen": seen}


def save(browser, portfolio, *entries, **more):
    return ask(browser, portfolio, "save", rows=list(entries), **more)


def values_of(asset, on=DAY):
    return list(AssetSnapshot.objects.filter(asset=asset, on=on).values_list("value", "note"))


# --- what is shown ---


def test_current_assets_are_shown_by_class_with_their_last_value(browser, portfolio, checking, mortgage):
    create_asset(portfolio, "Gone", disposed_on=date(2024, 7, 1))
    text = browser.get(PATH, {"portfolio": portfolio.pk, "on": ON}).content.decode()
    assert "<title>Update values | Strata</title>" in " ".join(text.split()).replace("> ", ">").replace(
        " <", "<"
    )
    assert text.index("Checking account") < text.index("Mortgage")
    for label in (
        "New value of Checking account",
        "Amount owed on Mortgage",
        "Note for Mortgage",
        "Still the same: Checking account",
    ):
        assert f'aria-label="{label}"' in text
    assert "180,000.00</span> <small>owed" in text
    assert "Gone" not in text


@pytest.mark.parametrize("assets", [1, 30])
def test_page_takes_as_many_queries_for_one_asset_as_for_thirty(browser, portfolio, assets):
    for number in range(assets):
        create_valued_asset(portfolio, f"Account {number}", TypeId.CHECKING_ACCOUNT, "1.00")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.get(PATH, {"portfolio": portfolio.pk, "on": ON}).status_code == 200
    assert len(queries) == 11


def test_portfolio_of_strangers_is_not_found(browser, portfolio, charlie_user):
    stranger = staff(charlie_user)
    for path in (f"{PATH}?portfolio={portfolio.pk}", f"{PATH}?portfolio=nonsense"):
        assert stranger.get(path).status_code == 404
    assert ask(stranger, portfolio, "preview", rows=[]).status_code == 404


def test_page_opens_with_the_portfolio_used_last_else_with_the_oldest(browser, household, portfolio):
    other = Portfolio.objects.create(household=household, name="Other")
    assert browser.get(PATH).context["portfolio"] == portfolio
    browser.get(PATH, {"portfolio": other.pk})
    assert browser.get(PATH).context["portfolio"] == other


def test_day_that_cannot_be_read_is_said_and_today_is_shown(browser, portfolio, checking):
    page = browser.get(PATH, {"on": "31.31.2024"})
    assert page.status_code == 200
    assert 'role="alert"' in page.content.decode()


# --- while typing ---


def test_preview_adds_up_and_says_each_difference(browser, portfolio, checking, mortgage):
    answer = ask(browser, portfolio, "preview", rows=[entry(checking, "1,100"), entry(mortgage, "179000")])
    assert answer.json() == {
        "total": "-179,000 → -177,900 EUR (+1,100, +0.6\u00a0%)",
        "differences": {
            str(checking.pk): "+100.00 (+10.0\u00a0%)",
            str(mortgage.pk): "-1,000.00 (-0.6\u00a0%)",
        },
        "errors": {},
    }
    assert values_of(checking) == []


def test_total_of_a_demo_is_converted_at_its_invented_rates_as_its_reports_are(browser, household, portfolio):
    Household.objects.filter(pk=household.pk).update(is_demo=True)
    ExchangeRate.objects.create(currency="USD", on=DAY, units_per_euro="1.25", source="demo")
    dollars = create_valued_asset(portfolio, "Dollars", TypeId.CASH, "100.00", currency="USD")
    answer = ask(browser, portfolio, "preview", rows=[entry(dollars, "125")]).json()
    assert answer["total"] == "80 → 100 EUR (+20, +25.0\u00a0%)"


# --- saving ---


def test_values_are_saved_in_one_batch_and_the_fields_are_updated(browser, portfolio, checking, mortgage):
    answer = save(browser, portfolio, entry(checking, "1,100", "statement"), entry(mortgage, "179,000.50"))
    content = answer.json()
    assert (answer.status_code, content["saved"]) == (200, "Saved 2 values for 2024-07-31.")
    assert values_of(checking) == [(Decimal("1100"), "statement")]
    assert values_of(mortgage) == [(Decimal("-179000.50"), "")]
    fresh = content["rows"][str(mortgage.pk)]
    assert (fresh["last"], fresh["last_note"], fresh["same"]) == ("179,000.50", "owed", "179,000.50")
    assert fresh["seen"]


def test_debt_in_ones_favour_is_typed_with_a_minus(browser, portfolio):
    card = create_valued_asset(portfolio, "Card", TypeId.CREDIT_CARD, "20.00")
    assert save(browser, portfolio, entry(card, "-25")).status_code == 200
    assert values_of(card) == [(Decimal("25"), "")]


def test_same_day_again_replaces_the_last_value_and_keeps_the_note(browser, portfolio, checking):
    first = save(browser, portfolio, entry(checking, "1,100", "statement")).json()
    seen = first["rows"][str(checking.pk)]["seen"]
    assert save(browser, portfolio, entry(checking, "1,150", seen=seen)).status_code == 200
    assert values_of(checking) == [(Decimal("1150"), "statement")]


def test_what_somebody_else_changed_meanwhile_is_not_overwritten(
    browser, household, portfolio, checking, mortgage
):
    bob = member(household, "bob", EDITOR)
    assert save(staff(bob), portfolio, entry(checking, "1,300")).status_code == 200
    answer = save(browser, portfolio, entry(checking, "1,200"), entry(mortgage, "179,000"))
    content = answer.json()
    assert content["alert"] == (
        "Nothing was saved. Checking account was changed meanwhile by bob: 1,300.00 on 2024-07-31."
    )
    assert values_of(mortgage) == []
    [conflict] = content["conflicts"]
    assert conflict["name"] == "Checking account"
    seen = conflict["state"]["seen"]
    mine = save(browser, portfolio, entry(checking, "1,200", seen=seen), entry(mortgage, "179,000"))
    assert mine.status_code == 200
    assert values_of(checking) == [(Decimal("1200"), "")]


def test_change_of_another_asset_does_not_block(browser, portfolio, checking, mortgage):
    add_value(mortgage, "-170000", DAY)
    assert save(browser, portfolio, entry(checking, "1,100")).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "question"),
    [
        ("1000", "10,000", "Thing: from 1,000 to 10,000, about 10 times as much. Is a digit too many?"),
        ("1000", "10", "Thing: from 1,000 to 10, about a hundredth. Are two digits missing?"),
        ("1000", "400", "Thing: From 1,000 to 400, 60\u00a0% less. Is that right?"),
        ("-11002", "2004", "Thing: Sign changed. From -11,002 to 2,004. Overdraft, or a missing minus?"),
    ],
)
def test_probable_typing_error_is_asked_about_and_saved_when_confirmed(
    browser, portfolio, old, new, question
):
    thing = create_valued_asset(portfolio, "Thing", TypeId.CHECKING_ACCOUNT, old)
    answer = save(browser, portfolio, entry(thing, new))
    assert answer.json() == {"slips": [question]}
    assert values_of(thing) == []
    assert save(browser, portfolio, entry(thing, new), confirmed=True).status_code == 200
    assert len(values_of(thing)) == 1


def test_number_with_two_readings_is_asked_about_first(browser, portfolio, checking):
    answer = save(browser, portfolio, entry(checking, "1.234"), confirmed=True)
    [question] = answer.json()["readings"]
    assert question["readings"] == ["1,234.00"]
    assert "1.234" in question["question"]
    assert values_of(checking) == []


@pytest.mark.parametrize("text", ["12,34,5", "abc", "1.999999", "12 USD", "9" * 16])
def test_text_that_is_no_amount_is_an_error_of_its_field_and_nothing_is_saved(
    browser, portfolio, checking, mortgage, text
):
    answer = save(browser, portfolio, entry(checking, text), entry(mortgage, "179,000"))
    assert list(answer.json()["errors"]) == [str(checking.pk)]
    assert values_of(mortgage) == []


def test_note_without_a_value_is_an_error_and_not_lost(browser, portfolio, checking):
    answer = save(browser, portfolio, entry(checking, "", "a note"))
    assert list(answer.json()["errors"]) == [str(checking.pk)]


# --- undo ---


def undo(browser, portfolio, saved):
    return ask(browser, portfolio, "undo", request_id=saved["undo"]).json()


def test_one_click_undoes_what_was_saved(browser, portfolio, checking, mortgage):
    saved = save(browser, portfolio, entry(checking, "1,100"), entry(mortgage, "179,000")).json()
    answer = undo(browser, portfolio, saved)
    assert answer["undone"] == "Undone: 2 values."
    assert answer["rows"][str(checking.pk)]["last"] == "1,000.00"
    assert (values_of(checking), values_of(mortgage)) == ([], [])


def test_undo_is_not_offered_where_nothing_changed(browser, portfolio, checking):
    first = save(browser, portfolio, entry(checking, "1,100")).json()
    assert first["undo"]
    seen = first["rows"][str(checking.pk)]["seen"]
    again = save(browser, portfolio, entry(checking, "1,100", seen=seen)).json()
    assert (again["saved"], again["undo"]) == ("Saved 1 value for 2024-07-31.", "")


def test_undo_of_a_value_that_was_changed_since_undoes_nothing(
    browser, household, portfolio, checking, mortgage
):
    saved = save(browser, portfolio, entry(checking, "1,100"), entry(mortgage, "179,000")).json()
    seen = saved["rows"][str(checking.pk)]["seen"]
    bob = staff(member(household, "bob", EDITOR))
    assert "saved" in save(bob, portfolio, entry(checking, "1,150", seen=seen)).json()
    answer = undo(browser, portfolio, saved)
    assert answer == {"alert": "Nothing was undone. Checking account was changed meanwhile by bob."}
    assert len(values_of(mortgage)) == 1


# --- own order ---


@pytest.mark.parametrize("is_scripted", [True, False])
def test_rows_keep_the_order_that_a_person_has_put_them_in(
    browser, portfolio, checking, mortgage, is_scripted
):
    savings = create_valued_asset(portfolio, "Savings", TypeId.SAVINGS_ACCOUNT, "5.00")
    if is_scripted:
        ids = [str(row.pk) for row in (savings, checking, mortgage)]
        assert ask(browser, portfolio, "order", assets=ids).json() == {}
    else:
        browser.post(PATH, {"portfolio": portfolio.pk, "on": ON, "up": savings.pk})
    text = browser.get(PATH).content.decode()
    places = [text.index(f'data-name="{row.name}"') for row in (savings, checking, mortgage)]
    assert places == sorted(places)


# --- who may ---


def test_viewer_sees_the_table_without_fields_and_saves_nothing(household, portfolio, checking):
    vera = member(household, "vera", VIEWER)
    viewer = staff(vera)
    text = viewer.get(PATH).content.decode()
    assert "You may look at this household, not change it." in text
    assert "New value of" not in text and '<span class="amount">1,000.00</span> EUR' in text
    assert save(viewer, portfolio, entry(checking, "1,100")).status_code == 403
    form = {"portfolio": portfolio.pk, "on": ON, "action": "save", f"value-{checking.pk}": "1,100"}
    assert viewer.post(PATH, form).status_code == 403
    assert values_of(checking) == []


# --- pasting ---


def test_pasted_names_are_compared_as_names_are(browser, portfolio, checking, mortgage):
    ids = [str(checking.pk), str(mortgage.pk)]
    text = "CHECKING  account\t1,100\nBoat\t5"
    answer = ask(browser, portfolio, "paste", text=text, first=ids[0], assets=ids)
    assert answer.json() == {"fills": {ids[0]: "1,100"}, "alert": "No such asset: Boat."}


# --- without JavaScript ---


def test_posted_form_saves_and_leads_back(browser, portfolio, checking):
    form = {"portfolio": portfolio.pk, "on": ON, "action": "save", f"value-{checking.pk}": "1,100"}
    answer = browser.post(PATH, form, follow=True)
    assert "Saved 1 value for" in answer.content.decode()
    assert values_of(checking) == [(Decimal("1100"), "")]


def test_posted_form_with_an_error_or_a_slip_keeps_what_was_typed(browser, portfolio, checking):
    form = {"portfolio": portfolio.pk, "on": ON, "action": "save", f"value-{checking.pk}": "10,000"}
    text = browser.post(PATH, form).content.decode()
    assert "about 10 times as much" in text
    assert 'value="10,000"' in text
    assert values_of(checking) == []
    browser.post(PATH, form | {"action": "save-anyway"})
    assert values_of(checking) == [(Decimal("10000"), "")]
    text = browser.post(PATH, form | {f"value-{checking.pk}": "abc"}).content.decode()
    assert 'aria-invalid="true"' in text


def test_still_the_same_for_all_types_the_last_values_again(browser, portfolio, checking, mortgage):
    form = {"portfolio": portfolio.pk, "on": ON, "action": "same"}
    text = browser.post(PATH, form).content.decode()
    assert 'value="1,000.00"' in text
    assert 'value="180,000.00"' in text
    typed = browser.post(PATH, form | {f"value-{checking.pk}": "1,234.50"}).content.decode()
    assert 'value="1,234.50"' in typed and 'value="1,000.00"' not in typed


@pytest.mark.parametrize("body", [" ", "[]", "{}", '{"action": "format"}', '{"action": "save", "rows": 5}'])
def test_request_that_is_none_of_the_page_is_refused_without_an_error_page(browser, portfolio, body):
    answer = browser.post(PATH, body, content_type="application/json")
    assert answer.status_code in (200, 400)
    assert answer["Content-Type"] == "application/json"


def test_computed_value_is_shown_with_its_source_and_is_never_the_same_again(browser, portfolio, checking):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE, valuation="growth")
    Growth.objects.create(asset=car, rate="-0.1")
    add_value(car, "20000", date(2023, 7, 31))
    rows = {row.name: row for row in asset_rows(portfolio, DAY)}
    words = presenting.Words.translated()
    shown = presenting.state(rows["Car"], words)
    assert (shown["last"], shown["last_note"], shown["same"]) == ("18,000.00", "Growth rate", "")
    assert list(same_again(rows.values(), {}, None)) == [checking.pk]
    assert save(browser, portfolio, entry(car, "17000")).status_code == 200
    assert values_of(car) == [(Decimal(17000), "")]  # an anchor


def test_computed_value_has_the_places_of_its_currency(browser, portfolio):
    car = create_asset(portfolio, "Car", TypeId.VEHICLE, valuation="growth")
    Growth.objects.create(asset=car, rate="-0.1")
    add_value(car, "20000", date(2024, 1, 1))
    (row,) = asset_rows(portfolio, DAY)
    assert row.last.as_tuple().exponent == -4 and row.last != row.shown_last
    shown = presenting.state(row, presenting.Words.translated())["last"]
    assert re.fullmatch(r"1[89],\d{3}\.\d{2}", shown)
    differences = ask(browser, portfolio, "preview", rows=[entry(car, "17000")]).json()["differences"]
    assert re.match(r"-[12],\d{3}\.\d{2} \(", differences[str(car.pk)])
