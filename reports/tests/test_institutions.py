"""The institution at which an asset is kept, and the end of its account's number."""

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Asset
from portfolios.models import Household, Portfolio
from tests.admin_forms import change_form_data, errors_of, save, staff
from tests.factories import create_valued_asset

pytestmark = pytest.mark.usefixtures("shared_holdings")

API = "/api/v1"
DAY = {"on": "2024-06-30"}


def ask(client, path, **asked):
    answer = client.get(f"{API}/{path}", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.fixture
def banked(portfolio, holdings):
    """The fund and the cash at one bank in two spellings, the bond at another, the loan at none."""
    for name, institution in {"fund": "Deutsche Bank", "cash": "DEUTSCHE  bank", "bond": "Ørsted"}.items():
        Asset.objects.filter(pk=holdings[name].pk).update(institution=institution)
    return holdings


def test_asset_keeps_its_institution_and_the_end_of_its_number(alice, portfolio):
    body = {"portfolio_id": str(portfolio.pk), "asset_type_id": TypeId.CASH, "name": "Giro"}
    plain = alice.post(f"{API}/assets", body).json()
    assert (plain["institution"], plain["account_number_end"]) == ("", "")
    kept = {"institution": " Bank  ", "account_number_end": " 0042ab "}
    created = alice.post(f"{API}/assets", body | kept)
    assert created.status_code == 201, created.content
    assert (created.json()["institution"], created.json()["account_number_end"]) == ("Bank", "0042ab")
    path = f"{API}/assets/{created.json()['id']}"
    before = timezone.now().isoformat()
    assert alice.put(path, alice.get(path).json() | {"institution": ""}).json()["institution"] == ""
    assert ask(alice, f"assets/{created.json()['id']}", known_at=before)["institution"] == "Bank"
    rows = ask(alice, "assets", known_at=before, institution="BANK")["results"]
    assert [row["id"] for row in rows] == [created.json()["id"]]
    event = ask(alice, f"assets/{created.json()['id']}/history")["results"][0]
    assert event["fields_changed"] == [{"field": "institution", "before": "Bank", "after": ""}]


@pytest.mark.parametrize("number", ["123456789", "DE89 3704 0044 0532 0130 00"])
def test_whole_account_number_is_refused_and_not_kept(alice, holdings, number):
    path = f"{API}/assets/{holdings['cash'].pk}"
    refused = alice.patch(path, {"account_number_end": number})
    assert (refused.status_code, refused.json()["code"]) == (400, "ACCOUNT_NUMBER_TOO_LONG")
    assert refused.json()["errors"][0]["field"] == "account_number_end"
    assert number not in refused.content.decode()


@pytest.mark.parametrize("number", ["12-34", "١٢٣", "ä", 42, None])
def test_number_has_letters_and_digits_alone(alice, holdings, number):
    refused = alice.patch(f"{API}/assets/{holdings['cash'].pk}", {"account_number_end": number})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "account_number_end")


def test_list_is_filtered_by_any_of_several_institutions(alice, banked):
    def names(*institutions):
        return [row["name"] for row in ask(alice, "assets", institution=list(institutions))["results"]]

    assert names("deutsche bank") == ["Cash", "Fund"]
    assert names("ØRSTED", "none") == ["Bond", "Loan"]
    assert names("Elsewhere") == []


def test_groups_are_institutions_in_any_spelling(alice, portfolio, banked):
    Asset.objects.filter(name="Loan").update(institution="None")  # whoever writes that means it
    answer = ask(alice, "allocation", **DAY, group_by="institution")
    assert [(row["key"], row["name"], row["value"]) for row in answer["asset_groups"]] == [
        ("deutsche bank", "DEUTSCHE  bank", "350.00"),  # each spelling once: the first by its characters
        ("ørsted", "Ørsted", "100.00"),
    ]
    assert [(row["key"], row["name"]) for row in answer["liability_groups"]] == [("none", "No institution")]
    create_valued_asset(portfolio, "More", TypeId.CASH, "1")
    Asset.objects.filter(name="More").update(institution="Deutsche Bank")
    days = {"start": "2024-06-20", "end": "2024-06-30", "group_by": "institution"}
    for interval in ("day", "month"):
        series = ask(alice, "net-worth", **days, interval=interval)
        assert [group["name"] for group in series["groups"]] == ["Deutsche Bank", "Ørsted", "No institution"]
        assert series["points"][-1]["groups"] == {
            "deutsche bank": "351.00",
            "ørsted": "100.00",
            "none": "-32.00",
        }
    rows = ask(alice, "net-worth/change", start="2024-05-31", end="2024-06-30", group_by="institution")
    assert {row["key"]: row["end_value"] for row in rows["rows"]} == series["points"][-1]["groups"]
    assert ask(alice, "allocation", **DAY, institution="DEUTSCHE BANK")["assets"] == "351.00"
    assert ask(alice, "allocation", **DAY, institution="none")["net"] == "-32.00"


def test_spelling_of_another_household_is_not_shown(alice, banked):
    elsewhere = Household.objects.create(name="Elsewhere")
    foreign = Portfolio.objects.create(household=elsewhere, name="Theirs", base_currency="EUR")
    for number in range(3):
        create_valued_asset(foreign, f"Theirs {number}", TypeId.CASH, "1")
    Asset.objects.filter(portfolio=foreign).update(institution="deutsche BANK")
    names = [row["name"] for row in ask(alice, "allocation", **DAY, group_by="institution")["asset_groups"]]
    assert names == ["DEUTSCHE  bank", "Ørsted"]


def test_form_says_that_a_whole_number_is_not_kept(alice_user, banked):
    client, cash = staff(alice_user), Asset.objects.get(pk=banked["cash"].pk)
    form = change_form_data(client, cash)
    refused = save(client, cash, form | {"account_number_end": "DE89370400440532013000"})
    assert "at most its last 8" in errors_of(refused)
    kept = save(client, cash, form | {"account_number_end": "3000", "institution": "N26"})
    assert kept.status_code == 302
    cash = Asset.objects.get(pk=cash.pk)
    assert (cash.institution, cash.account_number_end, cash.institution_key) == ("N26", "3000", "n26")
