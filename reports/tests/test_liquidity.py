"""What can be turned into money within days, as a part of an allocation and as a way of grouping."""

from assets.classification.seeds import TypeId
from assets.models import AssetType
from tests.factories import create_valued_asset

API = "/api/v1"
DAY = "on=2024-06-30"


def ask(client, path):
    answer = client.get(f"{API}/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_allocation_says_how_much_is_liquid_whatever_it_is_grouped_by(alice, portfolio, holdings):
    create_valued_asset(portfolio, "House", TypeId.REAL_ESTATE, "1350")
    create_valued_asset(portfolio, "Overdrawn", TypeId.CHECKING_ACCOUNT, "-20")
    for group_by in ("type", "category", "tag", "currency", "liquidity", "asset"):
        answer = ask(alice, f"allocation?{DAY}&group_by={group_by}")
        assert answer["liquid"] == {"value": "450.00", "share": "0.250000"}, group_by
        assert answer["groups_overlap"] is (group_by == "tag")
    assert ask(alice, f"allocation?{DAY}&type=REAL_ESTATE")["liquid"]["share"] == "0.000000"
    assert ask(alice, "allocation?on=2023-06-30")["liquid"] == {"value": "0.00", "share": None}


def test_groups_of_liquidity_are_the_same_figures(alice, portfolio, holdings):
    create_valued_asset(portfolio, "House", TypeId.REAL_ESTATE, "50.005")
    answer = ask(alice, f"allocation?{DAY}&group_by=liquidity")
    assert [(row["key"], row["name"]) for row in answer["asset_groups"]] == [
        ("liquid", "Liquid"),
        ("not_liquid", "Not liquid"),
    ]
    liquid = answer["asset_groups"][0]
    assert answer["liquid"] == {"value": liquid["value"], "share": liquid["share"]}
    assert [(row["key"], row["value"]) for row in answer["liability_groups"]] == [("not_liquid", "-32.00")]
    for interval in ("day", "month"):  # from the table of deltas, and without it
        days = f"start=2024-06-20&end=2024-06-30&interval={interval}"
        groups = ask(alice, f"net-worth?{days}&group_by=liquidity")["points"][-1]["groups"]
        assert groups == {"liquid": "450.00", "not_liquid": "18.00"}, interval


def test_type_of_which_it_is_not_known_is_not_liquid(alice, portfolio, household):
    """A row of the version before: it has no such column."""
    own = AssetType.objects.create(household=household, code="OWN", label="Own", group="FINANCIAL")
    create_valued_asset(portfolio, "Own", own.pk, "10")
    (row,) = ask(alice, f"allocation?{DAY}&group_by=liquidity")["asset_groups"]
    assert (row["key"], row["value"]) == ("not_liquid", "10.00")
    assert ask(alice, f"allocation?{DAY}&liquidity=not_liquid")["assets"] == "10.00"
