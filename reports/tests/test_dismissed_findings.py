"""Dismissed findings: hidden, with who dismissed them, when and why, until their facts change."""

from datetime import date

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Transaction
from portfolios.models import Portfolio
from reports.doctor import values_to_look_at
from reports.models import DismissedFinding
from reports.queries import quality_issues
from strata.doctor import Level
from strata.fields.dates import noon
from tests.admin_forms import staff
from tests.factories import create_valued_asset

REASON = {"reason": "It was appraised again."}


@pytest.fixture
def vase(portfolio):
    """Ten times as much from one value to the next."""
    row = create_valued_asset(portfolio, "Vase", TypeId.COLLECTIBLES, "100", on="2024-06-01")
    add_value(row, "1000", "2024-06-02")
    return row


def add_value(asset, value, on):
    day = date.fromisoformat(on)
    at = noon(day, asset.portfolio.time_zone)
    return AssetSnapshot.objects.create(asset=asset, value=value, on=day, observed_at=at)


def address(portfolio, key="", query="on=2024-06-10"):
    return f"/api/v1/portfolios/{portfolio.pk}/quality{'/' if key else ''}{key}?{query}"


def listed(client, portfolio, query="on=2024-06-10"):
    return client.get(address(portfolio, query=query)).json()["findings"]


def test_a_dismissed_finding_is_listed_apart_with_who_when_and_why(alice, vera, portfolio, vase):
    (finding,) = listed(alice, portfolio)
    assert (finding["code"], finding["dismissed"]) == ("SUSPICIOUS_JUMP", None)
    answer = alice.put(address(portfolio, finding["key"]), REASON)
    assert (answer.status_code, answer.json()["dismissed"]["reason"]) == (200, REASON["reason"])
    assert listed(vera, portfolio) == []
    (dismissed,) = listed(vera, portfolio, "on=2024-06-10&dismissed=1")
    assert dismissed == answer.json()
    assert (dismissed["key"], dismissed["dismissed"]["by"]) == (finding["key"], "alice")
    row = DismissedFinding.objects.get()
    assert dismissed["dismissed"]["at"] == row.updated_at.isoformat().replace("+00:00", "Z")


def test_delete_shows_it_again_and_so_does_another_fact(alice, portfolio, vase):
    (finding,) = listed(alice, portfolio)
    alice.put(address(portfolio, finding["key"]), REASON)
    assert alice.delete(address(portfolio, finding["key"])).status_code == 204
    assert listed(alice, portfolio) == [finding]
    assert alice.delete(address(portfolio, finding["key"])).status_code == 204  # not dismissed any more
    alice.put(address(portfolio, finding["key"]), REASON)
    vase.snapshots.filter(value="1000").first().delete()
    add_value(vase, "1010", "2024-06-02")
    (other,) = listed(alice, portfolio)
    assert (other["code"], other["key"] == finding["key"]) == (finding["code"], False)


def test_a_stale_value_stays_dismissed_as_it_gets_older(alice, portfolio):
    create_valued_asset(portfolio, "Vase", TypeId.COLLECTIBLES, "100", on="2020-06-01")
    (finding,) = listed(alice, portfolio)
    assert finding["code"] == "STALE_VALUE"
    alice.put(address(portfolio, finding["key"]), REASON)
    assert listed(alice, portfolio, "on=2024-08-01") == []


def test_a_missing_rate_stays_dismissed_on_later_days(alice, portfolio):
    create_valued_asset(portfolio, "Yen", TypeId.COLLECTIBLES, "1000", currency="JPY")
    (finding,) = listed(alice, portfolio)
    assert finding["code"] == "MISSING_RATE"
    alice.put(address(portfolio, finding["key"]), REASON)
    assert listed(alice, portfolio, "on=2024-08-01") == []


def test_dismissing_again_replaces_the_reason_and_the_same_reason_writes_nothing(alice, portfolio, vase):
    (finding,) = listed(alice, portfolio)
    path = address(portfolio, finding["key"])
    alice.put(path, {"reason": "First."})
    alice.put(path, {"reason": "Second."})
    before = DismissedFinding.objects.values().get()
    alice.put(path, {"reason": "Second."})
    assert DismissedFinding.objects.values().get() == before
    assert before["reason"] == "Second."


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 1001}])
def test_a_reason_is_needed(alice, portfolio, vase, body):
    (finding,) = listed(alice, portfolio)
    answer = alice.put(address(portfolio, finding["key"]), body)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "reason")
    assert not DismissedFinding.objects.exists()


def test_only_what_is_found_can_be_dismissed_and_only_by_who_may_edit(alice, vera, charlie, portfolio, vase):
    (finding,) = listed(alice, portfolio)
    answer = alice.put(address(portfolio, "SUSPICIOUS_JUMP-0"), REASON)
    assert (answer.status_code, answer.json()["code"]) == (404, "FINDING_NOT_FOUND")
    assert vera.put(address(portfolio, finding["key"]), REASON).status_code == 403
    assert vera.delete(address(portfolio, finding["key"])).status_code == 403
    for method in (charlie.get, charlie.put, charlie.delete):
        answer = method(address(portfolio, finding["key"]))
        assert answer.json()["code"] == "PORTFOLIO_NOT_FOUND"


NO_KEYS = (
    "%00",
    "SUSPICIOUS_JUMP-%00",
    "x",
    "SUSPICIOUS_JUMP-",
    "suspicious_jump-0",
    "SUSPICIOUS_JUMP-0%0A",
    "A-٣",
)


@pytest.mark.parametrize("key", NO_KEYS)
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_what_is_no_key_is_404_before_any_query_looks_for_it(alice, portfolio, vase, method, key):
    answer = getattr(alice, method)(address(portfolio, key), None if method == "get" else REASON)
    assert (answer.status_code, answer.json()["code"]) == (404, "FINDING_NOT_FOUND")


def test_a_stale_if_match_is_refused(alice, portfolio, vase):
    (finding,) = listed(alice, portfolio)
    path = address(portfolio, finding["key"])
    seen = alice.get(path)["ETag"]
    alice.put(path, REASON)
    for method in ("put", "delete"):
        assert getattr(alice, method)(path, REASON, HTTP_IF_MATCH=seen).status_code == 412
    assert alice.delete(path, HTTP_IF_MATCH=alice.get(path)["ETag"]).status_code == 204


def test_the_report_has_another_etag_once_a_finding_is_dismissed(alice, portfolio, vase):
    first = alice.get(address(portfolio))
    alice.put(address(portfolio, first.json()["findings"][0]["key"]), REASON)
    assert alice.get(address(portfolio), HTTP_IF_NONE_MATCH=first["ETag"]).status_code == 200


def test_doctor_leaves_out_what_was_dismissed(alice, portfolio):
    create_valued_asset(portfolio, "Vase", TypeId.COLLECTIBLES, "100", on="2020-06-01")
    (finding,) = listed(alice, portfolio, "")
    alice.put(address(portfolio, finding["key"], ""), REASON)
    assert list(values_to_look_at()) == [(Level.OK, "no data checks")]


def test_who_dismissed_it_may_be_gone(alice, household, portfolio, vase, bob, bob_user):
    (finding,) = listed(alice, portfolio)
    bob.put(address(portfolio, finding["key"]), REASON)
    bob_user.delete()
    (dismissed,) = listed(alice, portfolio, "on=2024-06-10&dismissed=true")
    assert dismissed["dismissed"]["by"] == ""


def doubles(portfolio, number):
    """Of one name and type, with the same values on the first of each month of 2024."""
    rows = [
        create_valued_asset(portfolio, "Gold", TypeId.PERSONAL_PROPERTY, "100", on="2024-01-01")
        for _ in range(number)
    ]
    for row in rows:
        for month in range(2, 13):
            add_value(row, str(100 + month), f"2024-{month:02}-01")
    return rows


def test_a_possible_duplicate_stays_dismissed_as_the_days_looked_back_move_on(alice, portfolio):
    doubles(portfolio, 2)
    (finding,) = [row for row in listed(alice, portfolio, "on=2024-12-01") if "DUPLICATE" in row["code"]]
    alice.put(address(portfolio, finding["key"], "on=2024-12-01"), REASON)
    for on in ("2024-12-31", "2025-06-15", "2025-12-31"):
        assert "POSSIBLE_DUPLICATE" not in {row["code"] for row in listed(alice, portfolio, f"on={on}")}


def test_a_possible_duplicate_is_a_finding_again_under_another_name_and_type(alice, portfolio):
    rows = doubles(portfolio, 2)
    (finding,) = [row for row in listed(alice, portfolio) if "DUPLICATE" in row["code"]]
    alice.put(address(portfolio, finding["key"]), REASON)
    for row in rows:
        row.name = "Silver"
        row.save()
    assert [row["code"] for row in listed(alice, portfolio)] == ["POSSIBLE_DUPLICATE"]


def test_a_duplicate_in_one_portfolio_is_the_same_finding_among_several(alice, household, portfolio):
    elsewhere = Portfolio.objects.create(household=household, name="Elsewhere", base_currency="EUR")
    doubles(elsewhere, 1)
    doubles(portfolio, 2)
    (finding,) = [row for row in listed(alice, portfolio) if "DUPLICATE" in row["code"]]
    alice.put(address(portfolio, finding["key"]), REASON)
    issues = quality_issues([elsewhere, portfolio], on=date(2024, 6, 10), currency="EUR", dismissed=True)
    assert [issue.finding.key for issue in issues] == [finding["key"]]


# --- in the admin ---


def page_of(portfolio):
    return f"/admin/portfolios/portfolio/{portfolio.pk}/quality/?on=2024-06-10"


def test_the_admins_page_dismisses_a_finding_and_shows_it_again(bob_user, portfolio, vase):
    client = staff(bob_user)
    ((issue, *_),) = client.get(page_of(portfolio)).context["issues"]
    client.post(page_of(portfolio), {"key": issue.finding.key, "reason": " <b>Known</b> "})
    shown = client.get(page_of(portfolio))
    assert (shown.context["issues"], DismissedFinding.objects.get().reason) == ([], "<b>Known</b>")
    assert "&lt;b&gt;Known&lt;/b&gt; (bob, " in shown.content.decode()
    client.post(page_of(portfolio), {"key": issue.finding.key, "show_again": "1"})
    assert not DismissedFinding.objects.exists()


@pytest.mark.parametrize("key", ["", "\x00", "OTHER-0\x00", "x" * 5000])
def test_the_admins_page_shows_nothing_again_for_what_is_no_key(bob_user, portfolio, vase, key):
    answer = staff(bob_user).post(page_of(portfolio), {"key": key, "show_again": "1"}, follow=True)
    assert (answer.status_code, len(answer.context["messages"])) == (200, 1)


@pytest.mark.parametrize(
    ("key", "reason"), [("", "Known"), ("OTHER-0", "Known"), (None, ""), (None, "x" * 1001)]
)
def test_the_admins_page_refuses_no_finding_and_no_reason(bob_user, portfolio, vase, key, reason):
    client = staff(bob_user)
    ((issue, *_),) = client.get(page_of(portfolio)).context["issues"]
    body = {"key": issue.finding.key if key is None else key, "reason": reason}
    answer = client.post(page_of(portfolio), body, follow=True)
    assert (answer.status_code, len(answer.context["messages"])) == (200, 1)
    assert not DismissedFinding.objects.exists()


def test_the_admins_page_says_what_was_done_and_links_the_asset_of_what_is_dismissed(
    bob_user, portfolio, vase
):
    client = staff(bob_user)
    page = client.get(page_of(portfolio))
    ((issue, link, *_),) = page.context["issues"]
    assert f"Data checks of {portfolio}</h1>" in page.content.decode()
    dismissed = client.post(page_of(portfolio), {"key": issue.finding.key, "reason": "Known"}, follow=True)
    assert [str(message) for message in dismissed.context["messages"]] == [
        f"{issue.name}: the finding is dismissed."
    ]
    assert f'href="{link}"' in dismissed.content.decode().partition(">Dismissed</h2>")[2]
    shown = client.post(page_of(portfolio), {"key": issue.finding.key, "show_again": "1"}, follow=True)
    assert [str(message) for message in shown.context["messages"]] == [
        f"{issue.name}: the finding is shown again."
    ]


def test_who_may_only_look_dismisses_nothing_in_the_admin(vera_user, portfolio, vase):
    client = staff(vera_user)
    ((issue, *_),) = client.get(page_of(portfolio)).context["issues"]
    shown = client.post(page_of(portfolio), {"key": issue.finding.key, "reason": "Known"})
    assert (shown.context["may_dismiss"], DismissedFinding.objects.count()) == (False, 0)


# --- the findings themselves ---


def test_an_asset_acquired_after_a_value_of_it_is_named(alice, portfolio, vase):
    vase.acquired_on = date(2024, 6, 2)
    vase.save()
    (finding,) = [row for row in listed(alice, portfolio) if row["code"] == "ACQUIRED_AFTER_FIRST_VALUE"]
    assert (finding["on"], finding["link"]) == ("2024-06-01", f"/api/v1/assets/{vase.pk}")
    vase.acquired_on = date(2024, 6, 1)
    vase.save()
    assert "ACQUIRED_AFTER_FIRST_VALUE" not in {row["code"] for row in listed(alice, portfolio)}


def test_the_first_value_of_all_is_named_and_is_a_fact_of_the_finding(alice, portfolio):
    """However old it is: 400 days later the report reads only newer values."""
    asset = create_valued_asset(portfolio, "Flat", TypeId.REAL_ESTATE, "100", on="2022-01-31")
    for on in ("2022-06-30", "2023-06-30", "2024-05-31"):
        add_value(asset, "101", on)
    asset.acquired_on = date(2022, 3, 1)
    asset.save()
    (finding,) = listed(alice, portfolio)
    assert (finding["code"], finding["on"]) == ("ACQUIRED_AFTER_FIRST_VALUE", "2022-01-31")
    assert "a value of 2022-01-31 already" in finding["message"]
    alice.put(address(portfolio, finding["key"]), REASON)
    for on in ("2022-02-28", "2024-06-10"):
        assert listed(alice, portfolio, f"on={on}") == []
    add_value(asset, "99", "2021-12-31")
    (other,) = listed(alice, portfolio)
    assert (other["on"], other["key"] == finding["key"]) == ("2021-12-31", False)
    assert [row["code"] for row in listed(alice, portfolio, "on=2021-12-30")] == ["NO_VALUE"]


def test_a_value_of_the_day_of_a_sale_is_no_finding_years_later_either(alice, portfolio):
    asset = create_valued_asset(portfolio, "Shares", TypeId.STOCKS, "100", on="2022-01-31")
    add_value(asset, "110", "2022-03-31")
    alice.post(f"/api/v1/assets/{asset.pk}/dispose", {"on": "2022-03-31", "proceeds": "110"})
    assert listed(alice, portfolio, "on=2022-06-10") == listed(alice, portfolio) == []


def sale(asset, amount, on, **more):
    day = date.fromisoformat(on)
    at = noon(day, asset.portfolio.time_zone)
    values = {"type": "DISPOSE", "currency": "EUR"} | more
    return Transaction.objects.create(asset=asset, amount=amount, on=day, occurred_at=at, **values)


@pytest.mark.parametrize(
    ("amount", "on", "is_named"),
    [
        ("90", "2024-06-05", True),
        ("80", "2024-06-05", True),  # another amount of the same day
        ("90", "2024-06-01", True),  # the same amount a few days before
        ("80", "2024-06-01", False),
        ("90", "2024-05-01", False),
    ],
)
def test_a_sale_beside_that_of_the_disposal_is_named(alice, portfolio, amount, on, is_named):
    asset = create_valued_asset(portfolio, "Shares", TypeId.STOCKS, "100", on="2024-04-30")
    row = sale(asset, amount, on)
    alice.post(f"/api/v1/assets/{asset.pk}/dispose", {"on": "2024-06-05", "proceeds": "90"})
    findings = [row for row in listed(alice, portfolio) if row["code"] == "POSSIBLE_DUPLICATE_TRANSACTION"]
    expected = [("warning", f"/api/v1/assets/{asset.pk}/transactions/{row.pk}")]
    assert [(finding["severity"], finding["link"]) for finding in findings] == (expected if is_named else [])


def test_two_equal_transactions_of_a_day_are_a_note(alice, portfolio):
    asset = create_valued_asset(portfolio, "Shares", TypeId.STOCKS, "100", on="2024-05-30")
    sale(asset, "5", "2024-06-02")
    sale(asset, "6", "2024-06-02")
    assert listed(alice, portfolio) == []
    sale(asset, "5", "2024-06-02")
    assert [(row["code"], row["severity"]) for row in listed(alice, portfolio)] == [
        ("POSSIBLE_DUPLICATE_TRANSACTION", "note")
    ]


@pytest.mark.parametrize(
    "change", [{"on": "2024-06-03"}, {"type": "INCOME"}, {"amount": "6"}, {"quantity": "2"}]
)
def test_equal_transactions_that_change_alike_are_a_finding_again(alice, portfolio, change):
    asset = create_valued_asset(portfolio, "Shares", TypeId.STOCKS, "100", on="2024-05-30")
    sale(asset, "50", "2024-05-30", type="ACQUIRE", quantity="10")
    rows = [sale(asset, "5", "2024-06-02", quantity="1") for _ in range(2)]
    (finding,) = listed(alice, portfolio)
    alice.put(address(portfolio, finding["key"]), REASON)
    assert listed(alice, portfolio) == []
    Transaction.objects.filter(pk__in=[row.pk for row in rows]).update(**change)
    (other,) = listed(alice, portfolio)
    assert (other["code"], other["key"] == finding["key"]) == (finding["code"], False)
    assert other["link"] == finding["link"]


def test_the_same_amount_in_another_currency_is_not_the_same_transaction(alice, portfolio):
    asset = create_valued_asset(portfolio, "Shares", TypeId.STOCKS, "100", on="2024-05-30")
    rows = [sale(asset, "5", "2024-06-02") for _ in range(2)]
    Transaction.objects.filter(pk=rows[1].pk).update(currency="USD")
    assert listed(alice, portfolio) == []
    alice.post(f"/api/v1/assets/{asset.pk}/dispose", {"on": "2024-06-05", "proceeds": "5"})
    (finding,) = listed(alice, portfolio)  # the one in euros alone
    assert finding["link"].endswith(str(rows[0].pk))


def test_equal_transactions_one_of_which_now_looks_like_the_disposals_are_a_finding_again(alice, portfolio):
    asset = create_valued_asset(portfolio, "Shares", TypeId.STOCKS, "100", on="2024-05-30")
    for _ in range(2):
        sale(asset, "5", "2024-06-02")
    (note,) = listed(alice, portfolio)
    alice.put(address(portfolio, note["key"]), REASON)
    alice.post(f"/api/v1/assets/{asset.pk}/dispose", {"on": "2024-06-02", "proceeds": "5"})
    rows = [row for row in listed(alice, portfolio) if row["link"] == note["link"]]
    assert [row["severity"] for row in rows] == ["warning"]


@pytest.mark.parametrize(("asset_type", "severity"), [(TypeId.LOAN, "warning"), (TypeId.CREDIT_CARD, "note")])
def test_an_overpaid_credit_card_is_a_note_and_a_loan_a_warning(alice, portfolio, asset_type, severity):
    create_valued_asset(portfolio, "Owed", asset_type, "5", on="2024-06-10")
    (finding,) = listed(alice, portfolio)
    assert (finding["code"], finding["severity"]) == ("POSITIVE_LIABILITY", severity)


def test_a_value_after_the_disposal_names_reinstate(alice, portfolio, vase):
    Asset.objects.filter(pk=vase.pk).update(disposed_on=date(2024, 6, 2))
    add_value(vase, "5", "2024-06-05")
    message = [row["message"] for row in listed(alice, portfolio) if row["code"] == "VALUE_AFTER_DISPOSAL"]
    assert "reinstate" in message[0]
    assert "bought again is a new asset" in message[0]
