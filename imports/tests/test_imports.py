"""An import from the file to its commit, over HTTP."""

import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot
from imports.models import ImportFile
from imports.services.previews import safe_name
from imports.tests.files import AMBIGUOUS, DAYS_DOWN, WIDE_GERMAN
from imports.tests.import_requests import IMPORTS, LONG, commit, preview, rows, send, values_of
from portfolios.models import Household, Portfolio
from strata.fields.dates import noon
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.usefixtures("shared_rows")


# --- preview ---


def test_preview_says_what_would_be_made_and_makes_nothing(alice, portfolio):
    new_import = preview(alice, portfolio, WIDE_GERMAN, name="Übersicht.csv")
    assert new_import["status"] == "preview"
    assert new_import["format"] == "networth"
    assert new_import["counts"]["asset"] == {"create": 3, "update": 0, "skip": 0, "refuse": 0}
    assert new_import["counts"]["value"] == {"create": 8, "update": 0, "skip": 1, "refuse": 0}
    assert (new_import["skipped"], new_import["refused"]) == (2, 0)
    assert new_import["file"]["name"] == "Übersicht.csv"
    assert not Asset.objects.exists()


def test_rows_show_what_was_read_and_what_it_becomes(alice, portfolio):
    new_import = preview(alice, portfolio, WIDE_GERMAN)
    [first, *_] = rows(alice, new_import)
    assert first == {
        "number": 1,
        "line": 2,
        "column": "31.12.2024",
        "sheet": None,
        "outcome": "create",
        "reason": None,
        "read": {"Vermögen (€)": "Girokonto Bäcker & Söhne", "31.12.2024": "1.234,56"},
        "becomes": [
            {
                "row_type": "value",
                "id": None,
                "account": "Girokonto Bäcker & Söhne|EUR",
                "on": "2024-12-31",
                "value": "1234.56",
                "currency": "EUR",
            }
        ],
        "before": None,
    }


def test_rows_are_listed_by_outcome_in_pages(alice, portfolio):
    bad = LONG + b"House,2026-02-30,1,EUR\n"
    new_import = preview(alice, portfolio, bad)
    [refused] = rows(alice, new_import, outcome="refuse")
    assert refused["reason"] == {"code": "BAD_DATE", "message": "2026-02-30 is no day.", "field": "date"}
    page = alice.get(f"{IMPORTS}/{new_import['id']}/rows", {"page_size": 3}).json()
    assert [row["number"] for row in page["results"]] == [1, 2, 3]
    assert [row["number"] for row in alice.get(page["next"]).json()["results"]] == [4]
    assert rows(alice, new_import, outcome="create", row_type="transaction") == []


def test_question_must_be_answered_before_the_commit(alice, portfolio):
    new_import = preview(alice, portfolio, DAYS_DOWN)
    refused = commit(alice, new_import, expected=409)
    assert (refused["code"], refused["errors"][0]["field"]) == ("QUESTIONS_OPEN", "options.currency")
    answered = alice.patch(f"{IMPORTS}/{new_import['id']}", {"options": {"currency": "EUR"}}).json()
    assert answered["questions"] == []
    assert commit(alice, new_import)["made"]["value"] == 5


def test_order_of_day_and_month_is_asked(alice, portfolio):
    new_import = preview(alice, portfolio, AMBIGUOUS)
    [question] = new_import["questions"]
    assert (question["code"], question["choices"], question["required"]) == (
        "DATE_ORDER",
        ["dmy", "mdy"],
        True,
    )
    alice.patch(f"{IMPORTS}/{new_import['id']}", {"options": {"date_order": "mdy"}})
    commit(alice, new_import)
    assert ("House", "2026-12-11", "251000.0000") in values_of(portfolio)


def test_account_is_matched_by_name_and_currency(alice, portfolio):
    asset = create_asset(portfolio, "savings", TypeId.SAVINGS_ACCOUNT)
    new_import = preview(alice, portfolio)
    assert new_import["accounts"][0]["asset_id"] == str(asset.pk)
    assert new_import["counts"]["asset"]["create"] == 1


NUMBERS = (
    b"account,date,balance,currency\nDE89 3704 0044 0532 0130 00,2025-01-31,1,EUR\n"
    b"DE89 3704 0044 0532 0130 00,2025-01-31,2,USD\nAccount of 2013000,2025-01-31,3,EUR\n"
    b"GB82-WEST-1234-5698-7013-000,2025-01-31,4,EUR\n"
)


def test_account_named_by_its_number_is_matched_by_the_end_of_it_and_currency(alice, portfolio):
    asset = create_asset(portfolio, "Girokonto", TypeId.CHECKING_ACCOUNT)
    asset.account_number_end = "13000"
    asset.save()
    accounts = preview(alice, portfolio, NUMBERS)["accounts"]
    # another currency, a name that is no number, and a second account with the same end
    assert [account["asset_id"] for account in accounts] == [str(asset.pk), None, None, None]

    other = create_asset(portfolio, "Tagesgeld", TypeId.SAVINGS_ACCOUNT)
    other.account_number_end = "3000"
    other.save()
    accounts = preview(alice, portfolio, NUMBERS)["accounts"]
    assert [account["asset_id"] for account in accounts] == [
        None
    ] * 4  # which of the two it is, is not guessed


def test_account_may_be_sent_to_another_asset_renamed_or_left_out(alice, portfolio):
    asset = create_asset(portfolio, "Day money")
    accounts = {
        "Savings|EUR": {"asset_id": str(asset.pk)},
        "House|EUR": {"name": "Home", "asset_type": "REAL_ESTATE"},
    }
    new_import = preview(alice, portfolio, options={"accounts": accounts})
    commit(alice, new_import)
    assert {name for name, *_ in values_of(portfolio)} == {"Day money", "Home"}
    assert Asset.objects.get(name="Home").asset_type.code == "REAL_ESTATE"
    skipped = preview(alice, portfolio, options={"accounts": {"House|EUR": {"skip": True}}})
    assert rows(alice, skipped, outcome="skip")[-1]["reason"]["code"] == "SKIPPED_BY_YOU"


def test_sign_of_a_debt_can_be_reversed(alice, portfolio):
    table = b"account,date,balance,currency\nVisa Card,2025-01-31,50,EUR\n"
    new_import = preview(alice, portfolio, table)
    assert new_import["questions"][0] | {"message": ""} == {
        "code": "SIGN",
        "option": "accounts",
        "required": False,
        "message": "",
        "choices": ["+", "-"],
        "examples": [{"line": 2, "text": "2025-01-31: 50"}],
        "answer": "-",
        "account": "Visa Card|EUR",
    }
    alice.patch(f"{IMPORTS}/{new_import['id']}", {"options": {"accounts": {"Visa Card|EUR": {"sign": "-"}}}})
    commit(alice, new_import)
    assert values_of(portfolio) == [("Visa Card", "2025-01-31", "-50.0000")]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"colour": 1}, "options.colour"),
        ({"encoding": "rot13"}, "options.encoding"),
        ({"delimiter": ";;"}, "options.delimiter"),
        ({"decimal": ";"}, "options.decimal"),
        ({"date_order": "ydm"}, "options.date_order"),
        ({"header_row": 0}, "options.header_row"),
        ({"currency": "XYZ"}, "options.currency"),
        ({"on": "31.1.2025"}, "options.on"),
        ({"columns": {"shoe": 1}}, "options.columns"),
        ({"skip": "all"}, "options.skip"),
        ({"skip": [2, 99999]}, "options.skip"),
        ({"skip": [1]}, "options.skip"),
        ({"again": [99999]}, "options.again"),
        ({"accounts": {"No such|EUR": {"skip": True}}}, "options.accounts"),
        ({"accounts": {"Savings|EUR": {"colour": 1}}}, "options.accounts"),
        ({"accounts": {"Savings|EUR": {"asset_type": "NOTHING"}}}, "options.accounts"),
        ({"columns": {"value": "Worth"}}, "options.columns"),
        ({"columns": {"value": 99}}, "options.columns"),
        ({"header_row": 9999}, "options.header_row"),
        ({"header_row": 2}, "options.header_row"),
        ({"sheet": "Sheet1"}, "options.sheet"),
        ({"sheet": "Sheet1", "header_row": 9999}, "options.header_row"),
        ({"delimiter": "|"}, "options.delimiter"),
        ({"encoding": "utf-16"}, "options.encoding"),
        ([], "options"),
    ],
)
def test_bad_option_is_refused_by_name(alice, portfolio, options, field):
    response = send(alice, portfolio, options=options)
    assert response.status_code == 400, response.content
    assert response.json()["errors"][0]["field"] == field


def test_lines_may_be_chosen_before_the_rows_of_the_file_are_known(alice, portfolio):
    data = LONG.replace(b",currency", b"").replace(b",EUR", b"")
    new_import = preview(alice, portfolio, data, options={"skip": [4, 9]})
    assert [question["option"] for question in new_import["questions"]] == ["currency"]
    address = f"{IMPORTS}/{new_import['id']}"
    refused = alice.patch(address, {"options": {"currency": "EUR"}})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "options.skip")
    answered = alice.patch(address, {"options": {"currency": "EUR", "skip": [4]}}).json()
    assert (answered["skipped"], answered["counts"]["value"]["create"]) == (1, 2)


def test_column_of_days_beyond_the_table_is_refused(alice, portfolio):
    response = send(alice, portfolio, DAYS_DOWN, options={"columns": {"date": 999}})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "options.columns")


@pytest.mark.parametrize("option", ["account", "accounts"])
def test_asset_that_is_not_there_is_refused_by_the_option_that_names_it(alice, portfolio, option):
    chosen = {"asset_id": "01890a5d-ac96-774b-bcce-b302099a8057"}
    options = {option: chosen if option == "account" else {"Savings|EUR": chosen}}
    response = send(alice, portfolio, options=options)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (404, f"options.{option}")


def test_options_that_are_nested_too_deeply_are_refused(alice, portfolio):
    body = {"file": SimpleUploadedFile("values.csv", LONG), "portfolio_id": str(portfolio.pk)}
    response = alice.post(IMPORTS, {**body, "options": "[" * 100_000}, format="multipart")
    assert (response.status_code, response.json()["errors"][0]["field"]) == (400, "options")


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 400, "EMPTY_FILE"),
        (b"%PDF-1.7", 400, "UNKNOWN_FORMAT"),
        (b"a,b\n1,\0\n", 400, "BROKEN_FILE"),
        (b",".join([b"a"] * 2001), 413, "TOO_MANY_COLUMNS"),
    ],
)
def test_file_that_cannot_be_read_is_refused_and_not_kept(alice, portfolio, data, status, code):
    response = send(alice, portfolio, data)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not ImportFile.objects.exists()


def test_too_many_rows_and_bytes_are_refused(alice, portfolio, settings):
    settings.IMPORT_MAX_ROWS_HTTP = 2
    refused = send(alice, portfolio)
    assert (refused.status_code, refused.json()["code"]) == (413, "TOO_MANY_ROWS")
    assert "import_file" in refused.json()["message"]
    settings.IMPORT_MAX_BYTES = 10
    assert send(alice, portfolio).json()["code"] == "FILE_TOO_LARGE"


def test_body_needs_a_file_and_a_portfolio_and_nothing_else(alice, portfolio):
    for body, field in (
        ({"portfolio_id": str(portfolio.pk)}, "file"),
        ({"file": SimpleUploadedFile("a.csv", LONG)}, "portfolio_id"),
        ({"file": SimpleUploadedFile("a.csv", LONG), "portfolio_id": str(portfolio.pk), "x": "1"}, "x"),
        (
            {"file": SimpleUploadedFile("a.csv", LONG), "portfolio_id": str(portfolio.pk), "options": "{"},
            "options",
        ),
    ):
        response = alice.post(IMPORTS, body, format="multipart")
        assert response.status_code == 400, response.content
        assert response.json()["errors"][0]["field"] == field


def test_name_of_a_file_is_its_last_part(alice, portfolio):
    assert safe_name("../../etc/pass\x00wd.csv") == "passwd.csv"
    assert safe_name("C:\\files\\a.csv") == "a.csv"
    assert safe_name("x" * 300) == "x" * 200


# --- commit ---


def test_commit_makes_all_and_only_once(alice, portfolio):
    new_import = preview(alice, portfolio)
    first = commit(alice, new_import)
    assert first["made"] == {
        "asset": 2,
        "value": 3,
        "transaction": 0,
        "instrument": 0,
        "price": 0,
        "action": 0,
    }
    assert commit(alice, new_import) == first
    assert len(values_of(portfolio)) == 3
    after = alice.get(f"{IMPORTS}/{new_import['id']}").json()
    assert after["status"] == "committed"
    assert all(account["asset_id"] for account in after["accounts"])
    [row, *_] = rows(alice, new_import)
    assert row["read"] is None
    assert AssetSnapshot.objects.filter(pk=row["becomes"][0]["id"]).exists()
    assert not ImportFile.objects.exists()


def test_value_is_at_noon_of_its_day(alice, portfolio):
    commit(alice, preview(alice, portfolio))
    stored = AssetSnapshot.objects.values_list("observed_at", "on")
    assert all(observed_at == noon(on, portfolio.time_zone) for observed_at, on in stored)


def test_same_file_again_adds_nothing(alice, portfolio):
    commit(alice, preview(alice, portfolio))
    again = preview(alice, portfolio)
    assert again["counts"]["value"] == {"create": 0, "update": 0, "skip": 3, "refuse": 0}
    assert {row["reason"]["code"] for row in rows(alice, again)} == {"ALREADY_THERE"}
    assert commit(alice, again)["made"]["value"] == 0


def test_longer_file_adds_only_what_is_new_and_updates_what_differs(alice, portfolio):
    commit(alice, preview(alice, portfolio))
    longer = LONG.replace(b"28,200", b"28,250") + b"Savings,2025-03-31,300,EUR\n"
    new_import = preview(alice, portfolio, longer)
    assert new_import["counts"]["value"] == {"create": 1, "update": 1, "skip": 2, "refuse": 0}
    [updated] = rows(alice, new_import, outcome="update")
    assert updated["before"] == {"value": "200.00", "note": ""}
    assert commit(alice, new_import)["updated"] == {"value": 1, "transaction": 0}
    kept = preview(alice, portfolio, LONG, options={"values": "keep"})
    assert kept["counts"]["value"]["update"] == 0


def test_last_value_of_a_day_is_the_one_that_is_replaced(alice, portfolio):
    asset = create_asset(portfolio, "Savings")
    first = add_value(asset, 1, day(0), hour=9)
    last = add_value(asset, 2, day(0), hour=20)
    commit(alice, preview(alice, portfolio, b"account,date,balance,currency\nSavings,2024-01-01,7,EUR\n"))
    first.refresh_from_db(), last.refresh_from_db()
    assert (first.value, last.value) == (1, 7)


def test_last_row_of_a_day_in_the_file_counts(alice, portfolio):
    new_import = preview(alice, portfolio, LONG + b"Savings,2025-01-31,150,EUR\n")
    commit(alice, new_import)
    assert ("Savings", "2025-01-31", "150.0000") in values_of(portfolio)


def test_deleted_row_is_not_imported_again_unless_asked(alice, portfolio):
    commit(alice, preview(alice, portfolio))
    AssetSnapshot.objects.filter(on="2025-02-28").delete()
    again = preview(alice, portfolio)
    [deleted] = [row for row in rows(alice, again) if row["reason"]["code"] == "DELETED_BY_HAND"]
    wanted = preview(alice, portfolio, options={"again": [deleted["line"]]})
    assert wanted["counts"]["value"]["create"] == 1


def test_refused_rows_are_left_out(alice, portfolio):
    new_import = preview(alice, portfolio, LONG + b"House,2026-02-30,1,EUR\n")
    assert commit(alice, new_import)["refused"] == 1
    assert len(values_of(portfolio)) == 3


@pytest.mark.parametrize("what", ["value", "asset"])
def test_write_into_a_matched_account_makes_the_preview_stale(alice, portfolio, what):
    asset = create_asset(portfolio, "Savings")
    new_import = preview(alice, portfolio)
    if what == "value":
        add_value(asset, 1, day(0))
    else:
        create_asset(portfolio, "House")
    assert commit(alice, new_import, expected=409)["code"] == "IMPORT_STALE"
    alice.patch(f"{IMPORTS}/{new_import['id']}", {})
    commit(alice, new_import)


def test_write_elsewhere_does_not_make_it_stale(alice, portfolio, household):
    other = Portfolio.objects.create(household=household, name="Other")
    bystander = create_asset(portfolio, "Bystander")
    new_import = preview(alice, portfolio)
    add_value(create_asset(other, "Savings"), 1, day(0))
    add_value(bystander, 1, day(0))
    assert commit(alice, new_import)["made"]["value"] == new_import["counts"]["value"]["create"] > 0


def test_second_preview_of_one_file_is_stale_and_then_has_nothing_to_do(alice, portfolio):
    first, second = preview(alice, portfolio), preview(alice, portfolio)
    commit(alice, first)
    assert commit(alice, second, expected=409)["code"] == "IMPORT_STALE"
    again = alice.patch(f"{IMPORTS}/{second['id']}", {}).json()
    assert again["counts"]["value"] == {"create": 0, "update": 0, "skip": 3, "refuse": 0}


def test_old_preview_is_expired(alice, portfolio, time_machine):
    new_import = preview(alice, portfolio)
    time_machine.move_to(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=8))
    assert commit(alice, new_import, expected=409)["code"] == "IMPORT_EXPIRED"


def test_all_that_a_commit_writes_names_the_import_as_its_cause(alice, portfolio):
    new_import = preview(alice, portfolio)
    commit(alice, new_import)
    asset = Asset.objects.get(name="House")
    channels = {
        event["channel"]
        for path in (f"assets/{asset.pk}", f"assets/{asset.pk}/snapshots/{asset.snapshots.get().pk}")
        for event in alice.get(f"/api/v1/{path}/history").json()["results"]
    }
    assert channels == {f"import:{new_import['id']}"}
    [committed, created] = alice.get(f"{IMPORTS}/{new_import['id']}/history").json()["results"]
    assert (created["action"], committed["action"]) == ("create", "update")
    refused = alice.post(f"/api/v1/undo/{committed['request_id']}")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (409, "IMPORT")


def test_earlier_mapping_is_offered_again(alice, portfolio):
    first = preview(alice, portfolio, options={"accounts": {"House|EUR": {"name": "Home"}}})
    commit(alice, first)
    again = preview(alice, portfolio)
    assert again["detected"]["mapping_from"] == first["id"]
    assert again["counts"]["asset"]["create"] == 0
    down = preview(alice, portfolio, DAYS_DOWN, options={"currency": "EUR"})
    commit(alice, down)
    [question] = preview(alice, portfolio, DAYS_DOWN)["questions"]
    assert (question["code"], question["answer"]) == ("CURRENCY", "EUR")


# --- who ---


def test_roles_and_strangers(alice, bob, vera, charlie, portfolio):
    new_import = preview(bob, portfolio)
    path = f"{IMPORTS}/{new_import['id']}"
    assert send(vera, portfolio).status_code == 403
    assert send(charlie, portfolio).json()["code"] == "PORTFOLIO_NOT_FOUND"
    for client, status in ((vera, 403), (charlie, 404)):
        assert client.patch(path, {}).status_code == status
        assert client.post(f"{path}/commit").status_code == status
        assert client.post(f"{path}/undo").status_code == status
        assert client.delete(path).status_code == status
    assert vera.get(path).status_code == vera.get(f"{path}/rows").status_code == 200
    assert charlie.get(path).status_code == charlie.get(f"{path}/rows").status_code == 404
    assert [row["id"] for row in vera.get(IMPORTS).json()["results"]] == [new_import["id"]]
    assert charlie.get(IMPORTS).json()["results"] == []


def test_asset_of_another_household_is_not_found(alice, charlie_user, portfolio):
    foreign = Portfolio.objects.create(household=Household.objects.create(name="Theirs"), name="Theirs")
    asset = create_asset(foreign, "Savings")
    response = send(alice, portfolio, options={"accounts": {"Savings|EUR": {"asset_id": str(asset.pk)}}})
    assert (response.status_code, response.json()["code"]) == (404, "ASSET_NOT_FOUND")


def test_list_is_filtered_by_portfolio_and_status(alice, portfolio):
    first, second = preview(alice, portfolio), preview(alice, portfolio)
    commit(alice, first)

    def listed(**query):
        return [row["id"] for row in alice.get(IMPORTS, query).json()["results"]]

    assert listed() == [second["id"], first["id"]]
    assert listed(status="committed", portfolio=str(portfolio.pk)) == [first["id"]]


def test_same_key_with_another_boundary_is_the_same_request(alice, portfolio):
    def once(data):
        body = {"file": SimpleUploadedFile("a.csv", data), "portfolio_id": str(portfolio.pk)}
        return alice.post(IMPORTS, body, format="multipart", headers={"Idempotency-Key": "k"})

    first, second = once(LONG), once(LONG)
    assert first.json()["id"] == second.json()["id"]
    assert second["Idempotency-Replayed"] == "true"
    assert once(AMBIGUOUS).status_code == 422
