"""Names of assets and tags in reports: in their order, and in tables as text that is no formula."""

import csv
import io

import pytest

from assets.classification.seeds import TypeId
from assets.models import Tag
from assets.services.labels import label_asset
from tests.factories import create_valued_asset

pytestmark = pytest.mark.usefixtures("shared_rows")

API = "/api/v1"


@pytest.fixture
def path(portfolio):
    return f"{API}/portfolios/{portfolio.pk}"


def ok(answer):
    assert answer.status_code == 200, answer.content
    return answer.json()


def table(answer):
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    return list(csv.reader(io.StringIO(answer.getvalue().decode())))


# Made in neither the order of their names nor of their letters' codes.
NAMES = ("zoo", "Zebra", "apple", "Éclair", "_x")
IN_ORDER = ["_x", "apple", "Zebra", "zoo", "Éclair"]


@pytest.mark.parametrize(
    ("report", "groups"),
    [
        ("net-worth?interval=day&start=2024-06-01&end=2024-06-30&group_by", "groups"),
        ("net-worth?start=2024-01-01&end=2024-06-30&group_by", "groups"),
        ("allocation?on=2024-06-30&group_by", "asset_groups"),
        ("change?start=2024-05-31&end=2024-06-30&group_by", "rows"),
    ],
)
@pytest.mark.parametrize("group_by", ["asset", "tag"])
def test_groups_are_in_the_order_of_their_names(alice, path, portfolio, report, groups, group_by):
    for name in NAMES:
        tag = Tag.objects.create(household=portfolio.household, name=name)
        label_asset(
            create_valued_asset(portfolio, name, TypeId.CHECKING_ACCOUNT, "10", on="2024-06-02").pk,
            tag_ids=[tag.pk],
        )
    answer = ok(alice.get(f"{path}/{report}={group_by}"))
    assert [row["name"] for row in answer[groups]] == IN_ORDER
    for point in answer.get("points", ()):
        assert list(point["groups"]) == [group["key"] for group in answer["groups"]]


@pytest.mark.parametrize("name", ['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(A1)", "＝1+1"])
def test_name_like_a_formula_is_no_formula_in_a_table(alice, path, portfolio, name):
    create_valued_asset(portfolio, name, TypeId.CASH, "5")
    for report in (
        "net-worth?group_by=asset&end=2024-06-30",
        "allocation?group_by=asset",
        "change?start=2024-01-01",
    ):
        cells = [cell for row in table(alice.get(f"{path}/{report}", HTTP_ACCEPT="text/csv")) for cell in row]
        assert f"'{name}" in cells
        assert name not in cells


def test_every_cell_is_quoted_and_quotes_are_doubled(alice, path, portfolio):
    cup = create_valued_asset(portfolio, 'A "cup", blue', TypeId.CASH, "5")
    answer = alice.get(f"{path}/allocation?group_by=asset&on=2024-06-30", HTTP_ACCEPT="text/csv")
    assert answer.getvalue().decode().splitlines()[1] == (
        f'"2024-06-30","EUR","assets","{cup.pk}","A ""cup"", blue","5.00","1.000000","","","","true","",""'
    )
