"""What the services check by themselves, whoever calls them: the view has looked before, and that may be long ago."""

from __future__ import annotations

import io
import zipfile

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from archives.tests.archives import archive_of, manifest_of, packed, restored, zipped
from assets.models import Asset, ExchangeRate
from portfolios.models import Household
from strata.exceptions import Forbidden, NotFound
from tests.factories import add_value, create_asset, day

pytestmark = pytest.mark.usefixtures("shared_rows")


@pytest.fixture
def data(household, portfolio):
    add_value(create_asset(portfolio, "Checking"), "12.34", day(0))
    return archive_of(household)


def replace(data, household, user):
    return restored(
        data,
        user,
        mode="replace",
        household_id=household.pk,
        confirm=household.name,
        is_operator=False,
    )


def test_who_is_no_owner_any_more_replaces_nothing(data, household, bob_user, charlie_user):
    before = list(Asset.objects.values_list("pk", flat=True))
    with pytest.raises(Forbidden):
        replace(data, household, bob_user)
    with pytest.raises(NotFound):
        replace(data, household, charlie_user)
    assert list(Asset.objects.values_list("pk", flat=True)) == before


def test_a_last_line_without_an_end_is_a_row(data, alice_user):
    """As an archive has it that somebody has looked at with an editor."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != "manifest.json"}
    name = "data/assets.asset.jsonl"
    assert members[name].count(b"\n") == 1
    members[name] = members[name].rstrip(b"\n")
    document = manifest_of(packed(members, manifest_of(data)))
    for entry in document["members"]:
        entry["rows"] += entry["name"] == name
    assert restored(zipped(members, document), alice_user).counts["assets.asset"] == 1


@pytest.mark.on_postgresql
def test_the_table_of_rates_is_locked_while_unknown_ones_are_looked_for(data, alice_user):
    with CaptureQueriesContext(connection) as queries:
        restored(data, alice_user)
    asked = [query["sql"] for query in queries]
    assert any(f'LOCK TABLE "{ExchangeRate._meta.db_table}"' in sql for sql in asked)
    with CaptureQueriesContext(connection) as queries:
        restored(data, alice_user, adds_rates=False)
    assert not any("LOCK TABLE" in query["sql"] for query in queries)
    assert Household.objects.count() == 3
