"""A form of the admin that is sent twice, as by a double click, takes effect once and is answered twice alike."""

from __future__ import annotations

import re
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, PriceLoad, Transaction
from portfolios.models import Portfolio
from reports.update_values import one_value
from reports.update_values.saving import ChangedMeanwhile
from strata.accounts.models import ApiToken, LoginCount
from strata.admin import sent_again
from strata.api.errors import APIError
from strata.audit.models import IdempotentAnswer
from strata.exceptions import Conflict
from tests.admin_forms import form_data, staff, url
from tests.factories import create_asset

PASSWORD = "correct horse battery"
TRADE = {"type": "ACQUIRE", "instrument": "abc", "on": "2024-01-10", "quantity": "3", "unit_price": "12.5"}


def texts(answer) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in answer.wsgi_request._messages]


def key_in(answer, part: str = "") -> str:
    """Of the only form that has one, besides the buttons "Undo"; `part` is a text of it where there are several."""
    forms = re.findall(r"<form\b(?![^>]*/admin/undo/).*?</form>", answer.content.decode(), re.DOTALL)
    in_forms = [re.findall(r'name="form_key" value="([0-9a-f]{32})"', form) for form in forms if part in form]
    (keys,) = filter(None, in_forms)
    assert len(keys) == 1, "one in each form that writes"
    return keys[0]


@pytest.fixture
def share(household):
    return Instrument.objects.create(household=household, symbol="ABC", name="Abc", currency="EUR")


@pytest.fixture
def trade_page(alice_user, portfolio, share) -> tuple[Client, str]:
    return staff(alice_user), f"/admin/trade/?portfolio={portfolio.pk}"


def test_a_trade_that_is_sent_twice_is_recorded_once(trade_page):
    browser, address = trade_page
    sent = TRADE | {"form_key": key_in(browser.get(address))}
    first, second = browser.post(address, sent), browser.post(address, sent)
    assert (first.status_code, second.status_code) == (302, 302)
    assert first.url == second.url
    assert texts(first)[:1] == [("success", "Recorded: Buy 3 Abc, 2024-01-10.")]
    assert texts(second)[-len(texts(first)) :] == texts(first)
    assert Transaction.objects.count() == 1
    of_both = [message.extra_tags for message in second.wsgi_request._messages if message.extra_tags]
    assert len(of_both) == 2 and of_both[0] == of_both[1], "the button of the first answer"
    assert of_both[0].startswith("undo:")


def test_what_was_changed_after_back_is_another_trade(trade_page):
    browser, address = trade_page
    sent = TRADE | {"form_key": key_in(browser.get(address))}
    browser.post(address, sent)
    browser.post(address, sent | {"quantity": "4"})
    browser.post(address, TRADE | {"form_key": key_in(browser.get(address))})
    assert sorted(Transaction.objects.values_list("quantity", flat=True)) == [3, 3, 4]


def test_a_refused_trade_may_be_sent_again_with_the_same_key(trade_page, share):
    browser, address = trade_page
    sent = TRADE | {"form_key": key_in(browser.get(address))}
    share.currency, cash = "USD", create_asset(share.household.portfolios.get(), "Cash")
    share.save()
    assert browser.post(address, sent | {"cash_account": str(cash.pk)}).status_code == 200
    assert not Transaction.objects.exists() and not IdempotentAnswer.objects.exists()
    assert not Asset.objects.exclude(pk=cash.pk).exists(), "the asset that it would have made"
    cash.delete()
    assert browser.post(address, sent).status_code == 302


def test_keys_of_others_and_forged_ones_change_nothing(trade_page, bob_user):
    browser, address = trade_page
    for key in ("", "x", "0" * 31, "0" * 300, "\x00" * 32):
        assert browser.post(address, TRADE | {"form_key": key}).status_code == 302
    assert Transaction.objects.count() == 5 and not IdempotentAnswer.objects.exists()
    sent = TRADE | {"form_key": "0" * 32}
    browser.post(address, sent)
    assert staff(bob_user).post(address, sent).status_code == 302
    assert Transaction.objects.count() == 7


def test_units_that_are_transferred_twice_move_once(trade_page, portfolio, share, household):
    browser, address = trade_page
    browser.post(address, TRADE)
    asset = Asset.objects.get()
    target = Portfolio.objects.create(household=household, name="There")
    address = url(Asset, "transfer", asset.pk)
    sent = {"to_portfolio": str(target.pk), "on": "2024-01-11", "quantity": "1"}
    sent["form_key"] = key_in(browser.get(address))
    first, second = browser.post(address, sent), browser.post(address, sent)
    assert (first.status_code, second.status_code) == (302, 302), first.context["form"].errors
    transactions = target.assets.get().transactions.values_list("type", "quantity")
    assert list(transactions) == [("TRANSFER", 1)]


def test_an_asset_that_is_added_twice_is_one(alice_user, portfolio):
    browser, address = staff(alice_user), url(Asset, "add")
    page = browser.get(address)
    values = {"name": "Car", "portfolio": str(portfolio.pk), "asset_type": TypeId.VEHICLE, "currency": "EUR"}
    sent = form_data(page) | values | {"form_key": key_in(page)}
    first, second = browser.post(address, sent), browser.post(address, sent)
    assert (first.status_code, second.status_code) == (302, 302), first.context
    assert Asset.objects.count() == 1
    assert texts(second)[-1] == texts(first)[-1]
    shown = browser.get(second.url).content.decode()
    assert shown.count("was added successfully") == 2 and "&lt;a href" not in shown


def test_an_edit_that_is_sent_twice_is_not_refused_as_that_of_somebody_else(alice_user, portfolio):
    asset = create_asset(portfolio, "Car")
    browser, address = staff(alice_user), url(Asset, "change", asset.pk)
    page = browser.get(address)
    sent = form_data(page) | {"note": "new", "form_key": key_in(page, 'id="asset_form"')}
    first, second = browser.post(address, sent), browser.post(address, sent)
    assert (first.status_code, second.status_code) == (302, 302)
    assert texts(second)[-1] == texts(first)[-1]


def test_a_row_that_is_deleted_twice_is_not_missed(alice_user, portfolio):
    asset = create_asset(portfolio, "Car")
    browser, address = staff(alice_user), url(Asset, "delete", asset.pk)
    page = browser.get(address)
    sent = {"post": "yes", "version": page.context["version"], "form_key": key_in(page)}
    first, second = browser.post(address, sent), browser.post(address, sent)
    assert first.url == second.url
    assert texts(second)[-1] == texts(first)[-1]


def test_the_second_of_two_at_once_is_told_where_the_first_takes_long(trade_page, monkeypatch):
    def still_running(*args):
        raise APIError("IDEMPOTENCY_IN_PROGRESS", "Running.", status=409)

    browser, address = trade_page
    monkeypatch.setattr(sent_again, "claim_key", still_running)
    answer = browser.post(address, TRADE | {"form_key": "0" * 32})
    assert answer.status_code == 302 and not Transaction.objects.exists()
    assert texts(answer) == [("warning", "The same is being saved right now. Look again in a moment.")]


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_writes(trade_page):
    browser, address = trade_page
    sent, barrier, answers = TRADE | {"form_key": key_in(browser.get(address))}, Barrier(2), []

    def send() -> None:
        client = Client()
        client.cookies = browser.cookies
        barrier.wait()
        answers.append(client.post(address, sent))
        connection.close()

    threads = [Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [302, 302]
    assert Transaction.objects.count() == 1


def test_shares_that_are_sent_twice_are_not_refused_as_changed_meanwhile(alice_user, portfolio):
    asset, browser = create_asset(portfolio, "Car"), staff(alice_user)
    address = f"/admin/assets/asset/{asset.pk}/shares/"
    page = browser.get(url(Asset, "change", asset.pk))
    sent = {"seen": "", "share": "50", "share_on": "", "form_key": key_in(page, 'name="share_on"')}
    first, second = browser.post(address, sent), browser.post(address, sent)
    assert texts(second)[-1] == texts(first)[-1]
    assert texts(first) == [("success", "Saved your share.")]


def test_a_value_that_was_changed_after_it_was_read_is_not_saved(alice_user, portfolio, monkeypatch):
    def refuse(values, on, user):
        raise ChangedMeanwhile(values)

    asset = create_asset(portfolio, "Car")
    monkeypatch.setattr(one_value, "save_values", refuse)
    address = f"/admin/assets/asset/{asset.pk}/value/"
    answer = staff(alice_user).post(address, {"value": "12", "on": "2024-01-01"})
    assert answer.status_code == 302 and "value=12" in answer.url
    assert [level for level, _ in texts(answer)] == ["error"]


# --- the same content again, on purpose ---


def quantities() -> list[int]:
    return [
        int(quantity) for quantity in Transaction.objects.order_by("id").values_list("quantity", flat=True)
    ]


def grow_old() -> None:
    """As if everything had been answered longer ago than a double click takes."""
    for answer in IdempotentAnswer.objects.all():
        answer.created_at -= 2 * sent_again.STILL_A_DOUBLE_CLICK
        answer.save()


def test_the_same_after_something_else_of_the_same_page_is_another_trade(trade_page):
    browser, address = trade_page
    sent = TRADE | {"form_key": key_in(browser.get(address))}
    for quantity in ("3", "4", "3", "3"):
        browser.post(address, sent | {"quantity": quantity})
    assert quantities() == [3, 4, 3], "the last of which was sent twice"


def test_the_same_after_a_form_of_the_next_page_is_another_trade(trade_page):
    browser, address = trade_page
    first = TRADE | {"form_key": key_in(browser.get(address))}
    browser.post(address, first)
    browser.post(address, TRADE | {"quantity": "4", "form_key": key_in(browser.get(address))})
    browser.post(address, first)
    browser.post(address, first)
    assert quantities() == [3, 4, 3]


def test_the_same_is_another_trade_once_the_answer_was_seen_and_some_time_has_passed(trade_page):
    browser, address = trade_page
    sent = TRADE | {"form_key": key_in(browser.get(address))}
    browser.post(address, sent)
    grow_old()
    browser.post(address, sent)
    assert quantities() == [3], "the answer may have been lost"
    browser.get(address)
    browser.post(address, sent)
    assert quantities() == [3, 3]
    browser.get(address)
    browser.post(address, sent)
    assert quantities() == [3, 3], "a double click, at the latest"


def test_a_picture_or_an_answer_of_the_api_is_no_page_that_shows_an_answer(trade_page):
    browser, address = trade_page
    sent = TRADE | {"form_key": key_in(browser.get(address))}
    browser.post(address, sent)
    grow_old()
    assert browser.get("/admin/search/", {"s": "a"}, headers={"Sec-Fetch-Dest": "empty"}).status_code == 200
    browser.get("/api/v1/version")
    browser.post(address, sent)
    assert quantities() == [3]


def test_a_forged_cookie_is_no_cookie(trade_page):
    browser, address = trade_page
    sent = TRADE | {"form_key": key_in(browser.get(address))}
    for text in ("", "-", "x-1", "1", ".-.", "9" * 5000 + "-1", "1-" + "9" * 800):
        browser.cookies[sent_again.COOKIE] = text
        assert browser.post(address, sent).status_code == 302
    assert quantities() == [3]


def test_the_cookie_remembers_the_last_answers(trade_page):
    browser, address = trade_page
    for number in range(sent_again.MOST_SEEN + 3):
        browser.post(address, TRADE | {"form_key": f"{number:032x}"})
        browser.get(address)
    seen = sent_again.Answers(
        seen=tuple(IdempotentAnswer.objects.order_by("pk").values_list("pk", flat=True))
    )
    assert browser.cookies[sent_again.COOKIE].value == seen.text()
    assert len(seen.text().split(".")) == sent_again.MOST_SEEN


def test_an_edit_that_somebody_else_has_changed_since_is_not_called_saved(alice_user, bob_user, portfolio):
    asset = create_asset(portfolio, "Car")
    browser, address = staff(alice_user), url(Asset, "change", asset.pk)
    page = browser.get(address)
    sent = form_data(page) | {"notes": "mine", "form_key": key_in(page, 'id="asset_form"')}
    assert browser.post(address, sent).status_code == 302
    other = staff(bob_user)
    assert other.post(address, form_data(other.get(address)) | {"notes": "theirs"}).status_code == 302
    again = browser.post(address, sent)
    assert again.status_code == 200 and "Somebody else has changed" in again.content.decode()
    assert ">mine</textarea>" in again.content.decode().replace("\n", "")
    assert Asset.objects.get().notes == "theirs"


def test_a_row_that_was_restored_is_deleted_by_the_same_form(alice_user, portfolio):
    asset = create_asset(portfolio, "Car")
    browser, address = staff(alice_user), url(Asset, "delete", asset.pk)
    sent = {"post": "yes", "form_key": "3" * 32}
    first = browser.post(address, sent)
    (button,) = [message.extra_tags for message in first.wsgi_request._messages]
    browser.post(f"/admin/undo/{button.removeprefix('undo:')}/")
    assert Asset.objects.exists()
    browser.post(address, sent)
    assert not Asset.objects.exists()


def test_a_value_that_is_entered_again_after_another_counts(alice_user, portfolio):
    asset, browser = create_asset(portfolio, "Car"), staff(alice_user)
    address, sent = f"/admin/assets/asset/{asset.pk}/value/", {"on": "2024-01-01", "form_key": "4" * 32}
    for value in ("10", "11", "10"):
        assert texts(browser.post(address, sent | {"value": value}))[-1][0] == "success"
    assert [int(value) for value in asset.snapshots.values_list("value", flat=True)] == [10]


def test_shares_that_were_changed_since_are_not_called_saved(alice_user, portfolio):
    asset, browser = create_asset(portfolio, "Car"), staff(alice_user)
    address = f"/admin/assets/asset/{asset.pk}/shares/"
    sent = {"seen": "", "share": "50", "share_on": "", "form_key": "5" * 32}
    browser.post(address, sent)
    asset.refresh_from_db()
    browser.post(address, sent | {"seen": asset.shares, "share": "60", "form_key": "6" * 32})
    again = browser.post(address, sent)
    assert texts(again)[-1] == ("error", "Nothing was saved. Your share was changed meanwhile.")
    assert "share=50" in again.url


# --- what the content of a form is ---


def test_the_same_for_another_row_is_another_write(alice_user, portfolio):
    browser, assets = staff(alice_user), [create_asset(portfolio, name) for name in ("Car", "House")]
    for asset in assets:
        address = f"/admin/assets/asset/{asset.pk}/value/"
        browser.post(address, {"on": "2024-01-01", "value": "10", "form_key": "4" * 32})
    assert [asset.snapshots.count() for asset in assets] == [1, 1]


def test_a_login_in_another_tab_makes_no_other_form(trade_page):
    browser, address = trade_page
    sent = TRADE | {"form_key": key_in(browser.get(address))}
    for token in ("a" * 64, "b" * 64):
        browser.post(address, sent | {"csrfmiddlewaretoken": token})
    assert quantities() == [3]


def test_what_was_said_is_said_again_in_its_language(trade_page, alice_user, monkeypatch):
    browser, address = trade_page
    monkeypatch.setattr("assets.admin.trade.trade_text", lambda trade: gettext_lazy("Undo sale"))
    said = []
    for language in ("de", "en"):
        alice_user.language = language
        alice_user.save()
        answer = browser.post(address, TRADE | {"form_key": "7" * 32})
        said.append([text for level, text in texts(answer) if level == "success"][-1])
    assert said[0] == said[1] != "Undo sale"


# --- what is refused after it has written ---


def test_a_trade_that_is_refused_late_leaves_nothing(trade_page, monkeypatch):
    browser, address = trade_page
    refuse_after(monkeypatch, "assets.admin.trade.record_trade")
    answer = browser.post(address, TRADE | {"form_key": "8" * 32})
    assert answer.status_code == 200 and "Not any more." in answer.content.decode()
    assert not (Transaction.objects.exists() or Asset.objects.exists() or IdempotentAnswer.objects.exists())


def test_a_transfer_that_is_refused_late_leaves_nothing(trade_page, household, monkeypatch):
    browser, address = trade_page
    browser.post(address, TRADE)
    target = Portfolio.objects.create(household=household, name="There")
    refuse_after(monkeypatch, "assets.admin.asset.transfer_page.transfer")
    address = url(Asset, "transfer", Asset.objects.get().pk)
    sent = {"to_portfolio": str(target.pk), "on": "2024-01-11", "quantity": "1", "form_key": "9" * 32}
    answer = browser.post(address, sent)
    assert answer.status_code == 200 and "Not any more." in answer.content.decode()
    assert Transaction.objects.count() == 1 and not target.assets.exists()
    assert not IdempotentAnswer.objects.exists()


def test_a_price_that_is_refused_late_leaves_nothing(trade_page, share, monkeypatch):
    refuse_after(monkeypatch, "assets.admin.instruments.new_price.record_prices")
    sent = {"on": "2024-01-11", "price": "1", "form_key": "9" * 32}
    answer = trade_page[0].post(url(Instrument, "price", share.pk), sent)
    assert answer.status_code == 200 and "Not any more." in answer.content.decode()
    assert not PriceLoad.objects.exists()


def refuse_after(monkeypatch, name: str) -> None:
    """Let the service write, and then refuse."""
    service = import_string(name)

    def refuse(*args, **kwargs):
        service(*args, **kwargs)
        raise Conflict("CHANGED", "Not any more.")

    monkeypatch.setattr(name, refuse)


# --- passwords and tokens ---


@pytest.fixture
def with_password(alice_user) -> Client:
    alice_user.set_password(PASSWORD)
    return staff(alice_user)


def secret_in(answer) -> str:
    return re.search(r"strata_[\w-]{30,}", answer.content.decode())[0]


def test_a_token_is_shown_again_as_long_as_it_is_the_same_form(with_password):
    address = url(ApiToken, "add")
    sent = {"scope": "read", "password": PASSWORD, "form_key": "a" * 32}
    secrets = [secret_in(with_password.post(address, sent)) for _ in range(2)]
    assert secrets[0] == secrets[1] and ApiToken.objects.count() == 1
    me = Client(headers={"Authorization": f"Bearer {secrets[0]}"}).get("/api/v1/me")
    assert me.status_code == 200
    assert secrets[0] not in str([*IdempotentAnswer.objects.values_list("key", "headers", "body")])
    assert "a" * 32 not in str([*IdempotentAnswer.objects.values_list("key", "headers", "body")])
    ApiToken.objects.all().delete()
    assert secret_in(with_password.post(address, sent)) != secrets[0], "the first one is not valid any more"
    with_password.get(address)
    grow_old()
    assert secret_in(with_password.post(address, sent | {"form_key": "a" * 32})) not in secrets
    assert ApiToken.objects.count() == 2


def test_a_wrong_password_stays_counted(with_password, alice_user):
    for address, name in ((url(ApiToken, "add"), "password"), (reverse("own-password"), "old_password")):
        answer = with_password.post(address, {"scope": "read", name: "wrong", "form_key": "b" * 32})
        assert answer.status_code == 200
    assert sum(LoginCount.objects.values_list("failures", flat=True)) >= 2
    assert not IdempotentAnswer.objects.exists()
