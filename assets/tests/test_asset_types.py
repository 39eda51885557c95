"""Asset types: which are shared, and which are liquid."""

import pytest

from assets.classification.seeds import TypeId
from assets.models import AssetType, Category

API = "/api/v1/asset-types"
OWN = {"code": "OWN", "label": "Own"}


def liquid(answer):
    assert answer.status_code in (200, 201), answer.content
    return answer.json()["liquid"]


def test_shared_types_say_whether_they_are_liquid(alice):
    shown = {row["code"]: row for row in alice.get(API, {"page_size": 200}).json()["results"]}
    assert len(shown) == 20
    assert {code for code, row in shown.items() if row["liquid"]} == {
        *("CASH", "CHECKING_ACCOUNT", "SAVINGS_ACCOUNT", "STOCKS"),
        *("FUND", "BONDS", "CRYPTO", "COMMODITIES"),
    }
    owed = {code for code, row in shown.items() if row["liquid"] is None}
    assert owed == {"LOAN", "CREDIT_CARD", "MORTGAGE", "STUDENT_LOAN"}
    assert (shown["FUND"]["id"], shown["FUND"]["label"]) == (TypeId.FUND, "ETF or fund")
    assert {shown[code]["kind"] for code in ("PENSION", "FUND", "INSURANCE")} == {"value"}
    assert (shown["STUDENT_LOAN"]["group"], shown["STUDENT_LOAN"]["kind"]) == ("LIABILITIES", "balance")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"group": "FINANCIAL"}, True),
        ({"group": "FINANCIAL", "liquid": False}, False),
        ({"group": "FINANCIAL", "liquid": None}, True),
        ({"group": "REAL_ESTATE"}, False),
        ({"liquid": True}, True),
        ({"group": "LIABILITIES"}, None),
    ],
)
def test_own_type_is_liquid_as_its_group_unless_it_says_otherwise(alice, household, given, shown):
    assert liquid(alice.post(API, OWN | given)) is shown


def test_debt_is_neither_liquid_nor_not(alice, household):
    debt = OWN | {"group": "LIABILITIES", "liquid": False}
    refused = alice.post(API, debt)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "liquid")
    own = alice.post(API, OWN | {"group": "FINANCIAL"}).json()
    path = f"{API}/{own['id']}"
    assert liquid(alice.patch(path, {"group": "LIABILITIES"})) is None
    assert alice.patch(path, {"liquid": True}).status_code == 400
    assert liquid(alice.patch(path, {"group": "FINANCIAL", "liquid": False})) is False
    assert liquid(alice.patch(path, {"group": "OTHER"})) is False


def test_own_type_with_a_code_that_became_a_shared_one_can_be_changed(alice, household):
    own = AssetType.objects.create(household=household, code="PENSION", label="Mine", group="FINANCIAL")
    path = f"{API}/{own.pk}"
    assert alice.put(path, alice.get(path).json() | {"label": "Ours"}).status_code == 200


def test_new_household_has_categories_in_sentence_case(alice):
    alice.post("/api/v1/households", {"name": "New"})
    names = set(Category.objects.filter(household__name="New", parent=None).values_list("name", flat=True))
    assert names == {"Financial assets", "Real estate", "Personal property", "Collections", "Debts"}
