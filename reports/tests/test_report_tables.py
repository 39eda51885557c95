"""Reports as CSV: like the JSON, the table shows what is left out, and distinguishes groups of the same name."""

import csv
import io

import pytest
from django.utils import timezone

from assets.classification.seeds import TypeId
from assets.models import Category, Tag
from assets.services.labels import label_asset
from tests.factories import create_valued_asset

API = "/api/v1"


@pytest.fixture
def read(alice, portfolio):
    """The table's rows, each by the names of the columns."""

    def rows(report):
        answer = alice.get(f"{API}/portfolios/{portfolio.pk}/{report}", HTTP_ACCEPT="text/csv")
        assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
        header, *cells = csv.reader(io.StringIO(answer.getvalue().decode()))
        assert len(set(header)) == len(header)
        return [dict(zip(header, row, strict=True)) for row in cells]

    return rows


# --- what is left out ---


def test_allocation_says_what_has_no_rate(read, portfolio, holdings):
    create_valued_asset(portfolio, "Yen", TypeId.CHECKING_ACCOUNT, "1000", currency="JPY")
    *rows, whole = read("allocation?on=2024-06-30")
    assert [(row["side"], row["group"], row["value"]) for row in rows] == [
        ("assets", "Stocks", "300.00"),
        ("assets", "Bonds", "100.00"),
        ("assets", "Cash", "50.00"),
        ("liabilities", "Loan", "-32.00"),
        ("liquid", "total", "450.00"),
    ]
    assert {row["complete"] for row in (*rows, whole)} == {"false"}
    assert (whole["side"], whole["value"], whole["missing_rates"]) == ("net", "418.00", "JPY 1000.00")


def test_allocation_of_what_has_no_rate_at_all_says_so(read, portfolio):
    create_valued_asset(portfolio, "Yen", TypeId.CHECKING_ACCOUNT, "1000", currency="JPY")
    liquid, whole = read("allocation?on=2024-06-30")
    assert (liquid["value"], liquid["share"]) == ("0.00", "")
    assert (whole["value"], whole["complete"], whole["missing_rates"]) == ("0.00", "false", "JPY 1000.00")


def test_change_says_its_days_and_which_assets_are_left_out(read, portfolio, holdings):
    yen = create_valued_asset(portfolio, "=Yen", TypeId.CHECKING_ACCOUNT, "1000", currency="JPY")
    rows = read("change?start=2024-05-31&end=2024-06-30")
    assert {(row["start"], row["end"], row["complete"]) for row in rows} == {
        ("2024-05-31", "2024-06-30", "false")
    }
    assert [(row["row"], row["group"], row["change"], row["missing_rates"]) for row in rows] == [
        ("group", "Bond", "100.00", ""),
        ("group", "Cash", "50.00", ""),
        ("group", "Fund", "300.00", ""),
        ("group", "Loan", "-32.00", ""),
        ("total", "total", "418.00", "JPY 1000.00 on 2024-06-30"),
        ("left_out", "'=Yen", "", ""),
    ]
    assert rows[-1]["key"] == str(yen.pk)


@pytest.mark.parametrize("report", ["allocation?on=2024-06-30", "change?start=2024-05-31&end=2024-06-30"])
def test_complete_report_says_that_it_is(read, holdings, report):
    assert {(row["complete"], row["missing_rates"]) for row in read(report)} == {("true", "")}


# --- which is which ---


def test_group_that_is_called_total_is_told_from_the_total(read, portfolio, holdings):
    group = create_valued_asset(portfolio, "total", TypeId.CHECKING_ACCOUNT, "5")
    rows = [row for row in read("change?start=2024-05-31&end=2024-06-30") if row["group"] == "total"]
    assert [(row["row"], row["key"]) for row in rows] == [("group", str(group.pk)), ("total", "")]


def test_categories_of_one_name_in_two_branches_are_two_columns(read, portfolio, household):
    for top, value in (("East", "10"), ("West", "20")):
        branch = Category.objects.create(household=household, name=top)
        same = Category.objects.create(household=household, name="Same", parent=branch)
        label_asset(
            create_valued_asset(portfolio, top, TypeId.CHECKING_ACCOUNT, value).pk, category_ids=[same.pk]
        )
    (row,) = read("net-worth?start=2024-06-30&end=2024-06-30&group_by=category&level=2")
    assert (row["East > Same"], row["West > Same"]) == ("10.00", "20.00")


def test_groups_that_are_called_like_a_column_or_each_other_go_with_their_keys(read, portfolio, household):
    tags = [Tag.objects.create(household=household, name=name) for name in ("net", "complete", "Blue")]
    for tag in tags:
        label_asset(
            create_valued_asset(portfolio, tag.name, TypeId.CHECKING_ACCOUNT, "10").pk, tag_ids=[tag.pk]
        )
    (row,) = read("net-worth?start=2024-06-30&end=2024-06-30&group_by=tag")
    assert (row["net"], row["complete"], row["Blue"]) == ("30.00", "true", "10.00")
    assert (row[f"net ({tags[0].pk})"], row[f"complete ({tags[1].pk})"]) == ("10.00", "10.00")
    twins = [create_valued_asset(portfolio, "Twin", TypeId.CHECKING_ACCOUNT, value) for value in ("1", "2")]
    (row,) = read("net-worth?start=2024-06-30&end=2024-06-30&group_by=asset")
    assert [row[f"Twin ({twin.pk})"] for twin in twins] == ["1.00", "2.00"]


# --- as a file ---


def test_format_and_mark_are_parameters_that_go_before_accept(alice, portfolio, holdings):
    path = f"{API}/portfolios/{portfolio.pk}/allocation?on=2024-06-30"
    plain = alice.get(path, HTTP_ACCEPT="text/csv").getvalue()
    assert alice.get(f"{path}&format=csv").getvalue() == plain
    assert alice.get(f"{path}&format=csv", HTTP_ACCEPT="text/html").getvalue() == plain
    assert alice.get(f"{path}&format=csv&bom=1").getvalue() == b"\xef\xbb\xbf" + plain
    assert alice.get(f"{path}&format=csv&bom=0").getvalue() == plain
    assert alice.get(f"{path}&format=json", HTTP_ACCEPT="text/csv").json()["group_by"] == "type"
    for wrong, field in {"format=xml": "format", "bom=1": "bom", "format=csv&bom=yes": "bom"}.items():
        refused = alice.get(f"{path}&{wrong}")
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)


def test_a_table_is_a_file_that_says_what_it_is(alice, portfolio, holdings):
    def name(report):
        return alice.get(f"{API}/{report}", HTTP_ACCEPT="text/csv")["Content-Disposition"]

    path = f"portfolios/{portfolio.pk}"
    assert name(f"{path}/allocation?on=2024-06-30") == 'attachment; filename="allocation-2024-06-30-Main.csv"'
    assert name(f"{path}/net-worth?end=2024-06-30") == 'attachment; filename="net-worth-2024-06-30-Main.csv"'
    days = "start=2024-05-31&end=2024-06-30"
    assert name(f"net-worth/change?{days}") == 'attachment; filename="change-2024-05-31-2024-06-30-Main.csv"'
    portfolio.name = 'A "b"\\c;/../é'
    portfolio.save()
    plain, _, other = name(f"{path}/allocation?on=2024-06-30").partition("; filename*=")
    assert plain == 'attachment; filename="allocation-2024-06-30-A-b-c-..-_.csv"'
    assert other == "utf-8''allocation-2024-06-30-A-b-c-..-%C3%A9.csv"


def test_no_query_comes_after_a_table_has_begun(alice, portfolio, holdings, django_assert_num_queries):
    for report in (
        "net-worth?group_by=asset&known_at={at}",
        "allocation?group_by=category",
        "change?group_by=asset",
    ):
        at = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%fZ}"
        answer = alice.get(f"{API}/portfolios/{portfolio.pk}/{report.format(at=at)}", HTTP_ACCEPT="text/csv")
        assert answer.streaming
        with django_assert_num_queries(0):
            assert answer.getvalue()
