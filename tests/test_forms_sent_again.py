"""A form of the admin that is sent twice, as by a double click, takes effect once and is answered twice alike."""

from __future__ import annotations

import re
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.test import Client

from assets.classification.seeds import TypeId
from assets.models import Asset, Instrument, Transaction
from portfolios.models import Portfolio
from reports.update_values import one_value
from reports.update_values.saving import ChangedMeanwhile
from strata.admin import sent_again
from strata.api.errors import APIError
from strata.audit.models import IdempotentAnswer
from tests.admin_forms import form_data, staff, url
from tests.factories import create_asset

TRADE = {"type": "ACQUIRE", "instrument": "abc", "on": "2024-01-10", "quantity": "3", "unit_price": "12.5"}


def texts(answer) -> list[tuple[str, str]]:
    return [(message.level_tag, str(message)) for message in answer.wsgi_request._messages]


def key_in(answer, part: str = "") -> str:
    """Of the only form that has one; `part` is a text of the form where there are several."""
    forms = re.findall(r"<form\b.*?</form>", answer.content.decode(), re.DOTALL)
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
