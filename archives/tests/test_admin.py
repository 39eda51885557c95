"""The page of archives in the admin."""

from __future__ import annotations

import re
from datetime import date
from threading import Event, Thread

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from archives.services import restoring
from archives.tests.archives import archive_of
from portfolios.models import Household
from strata.api.http import idempotency
from strata.audit import deletions, hidden_writes
from strata.audit.models import Deletion, IdempotentAnswer
from tests.admin_forms import staff
from tests.factories import add_value, create_asset

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(household, portfolio):
    add_value(create_asset(portfolio, "Checking"), "12.34", date(2026, 1, 31))
    return household


def sent(client, data: bytes, **fields):
    body = {"file": SimpleUploadedFile("home.zip", data), "mode": "new", **fields}
    answer = client.post(reverse("archives-page"), body, follow=True)
    return [str(message) for message in answer.context["messages"]]


def test_owners_download_their_household_from_its_page(home, alice_user, bob_user, charlie_user):
    page = f"/admin/portfolios/household/{home.pk}/change/"
    file = reverse("archive-file", args=[home.pk])
    assert file in staff(alice_user).get(page).content.decode()
    assert file not in staff(bob_user).get(page).content.decode()
    answer = staff(alice_user).get(file)
    assert b"".join(answer).startswith(b"PK")
    assert [staff(user).get(file).status_code for user in (bob_user, charlie_user)] == [404, 404]


def test_a_file_is_checked_and_restored(home, charlie_user):
    client, data = staff(charlie_user), archive_of(home)
    assert "Nothing was written" in sent(client, data, check="1")[0]
    assert Household.objects.count() == 1
    assert "Restored: Household" in sent(client, data)[0]
    assert Household.objects.exclude(pk=home.pk).get().memberships.get().user == charlie_user
    assert "not a zip file" in sent(client, b"no zip")[0]


def test_replace_needs_the_name_and_an_owner(home, alice_user, bob_user):
    data, fields = archive_of(home), {"mode": "replace", "household": str(home.pk)}
    assert "Write the name" in sent(staff(alice_user), data, **fields)[0]
    assert "Restored" in sent(staff(alice_user), data, **fields, confirm="Household")[0]
    body = {"file": SimpleUploadedFile("home.zip", data), **fields, "confirm": "Household"}
    assert staff(bob_user).post(reverse("archives-page"), body).status_code == 404


@pytest.fixture
def in_steps(monkeypatch):
    monkeypatch.setattr(deletions, "MOST_AT_ONCE", 1)
    monkeypatch.setattr(deletions, "PAUSE_SECONDS", 0)


def key_of_page(client) -> str:
    (key,) = re.findall(
        r'name="form_key" value="([0-9a-f]{32})"', client.get(reverse("archives-page")).content.decode()
    )
    return key


@pytest.mark.parametrize("is_large", [False, True], ids=["at once", "in steps"])
def test_an_archive_that_is_sent_twice_is_restored_once(home, charlie_user, is_large, request):
    if is_large:
        request.getfixturevalue("in_steps")
    client, data = staff(charlie_user), archive_of(home)
    key = key_of_page(client)
    assert "Nothing was written" in sent(client, data, check="1", form_key=key)[0]
    first, second = (sent(client, data, form_key=key) for _ in range(2))
    assert "Restored: Household" in first[0] and second == first
    assert Household.objects.exclude(pk=home.pk).count() == 1
    assert not Deletion.objects.filter(finished_at=None).exists()
    sent(client, data, form_key=key_of_page(client))
    assert Household.objects.exclude(pk=home.pk).count() == 2, "another page, another household"


def test_another_file_with_the_key_of_the_same_page_is_another_archive(home, charlie_user):
    client, data = staff(charlie_user), archive_of(home)
    key = key_of_page(client)
    sent(client, data, form_key=key)
    home.name = "Another"
    home.save()
    sent(client, archive_of(home), form_key=key)
    assert set(Household.objects.exclude(pk=home.pk).values_list("name", flat=True)) == {
        "Household",
        "Another",
    }


def test_a_refused_archive_and_one_of_a_process_that_ended_may_be_sent_again(
    home, charlie_user, in_steps, monkeypatch
):
    client, data = staff(charlie_user), archive_of(home)
    key = key_of_page(client)
    for _ in range(2):
        assert "not a zip file" in sent(client, b"no zip", form_key=key)[0]
    with monkeypatch.context() as patch:
        patch.setattr(restoring, "write_hidden", interrupt)
        with pytest.raises(KeyboardInterrupt):
            sent(client, data, form_key=key)
    assert not IdempotentAnswer.objects.exists()
    assert "Restored: Household" in sent(client, data, form_key=key)[0]


def interrupt(*args):
    raise KeyboardInterrupt


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_restores_and_the_other_begins_nothing(home, charlie_user, in_steps, monkeypatch):
    client, data = staff(charlie_user), archive_of(home)
    key, is_begun, may_go_on, begun, answers = key_of_page(client), Event(), Event(), [], []
    begin = hidden_writes.begin

    def wait(*args, **kwargs):
        begun.append(args[0])
        is_begun.set()
        assert may_go_on.wait(20)
        return begin(*args, **kwargs)

    def send() -> None:
        other = Client()
        other.cookies = client.cookies
        answers.append(sent(other, data, form_key=key))
        connection.close()

    monkeypatch.setattr(hidden_writes, "begin", wait)
    monkeypatch.setattr(idempotency, "TIMEOUT_SECONDS", 0.1)
    first = Thread(target=send)
    first.start()
    assert is_begun.wait(60)
    second = sent(client, data, form_key=key)
    may_go_on.set()
    first.join()

    assert second == ["The same is being saved right now. Look again in a moment."]
    assert len(begun) == 1 and "Restored: Household" in answers[0][0]
    assert sent(client, data, form_key=key) == answers[0]
    assert Household.objects.exclude(pk=home.pk).count() == 1
