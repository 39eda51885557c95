"""The page of archives in the admin."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from archives.tests.archives import archive_of
from portfolios.models import Household
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
