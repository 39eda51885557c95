"""What is restored is what was archived: all rows, their history, and what was known at any instant."""

from __future__ import annotations

import os
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import transaction
from django.utils import timezone

from archives.rows.contents import JOURNAL, MODELS
from archives.tests.archives import archive_of, contents, differences, manifest_of, restored, with_old_ids
from assets.models import AssetType, Category, InstrumentSource, PriceSource
from assets.services.classification import update_category
from assets.valuation.upkeep import is_outdated
from conftest import client_of
from portfolios.models import Household, Membership, Portfolio
from strata.accounts.models import User
from strata.audit.tracking import TrackedModel
from strata.tenancy.roles import OWNER
from tests.random_household import API, RandomHousehold

EDITS = 30
SEEDS = (1, int(os.environ.get("RANDOM_SEED", "3")))

pytestmark = pytest.mark.django_db


class Original:
    """A household after random edits, its archive, and answers to random requests at several instants."""

    def __init__(self, user, seed):
        self.client = client_of(user)
        self.household = Household.objects.create(name="Home")
        Membership.objects.create(household=self.household, user=user, role=OWNER)
        edits, self.asked = RandomHousehold(self.client, self.household, seed), []
        for _ in range(EDITS):
            edits.edit()
            if edits.random.random() < 0.2:
                instant = timezone.now().isoformat()
                self.asked += [(path, instant) for path in edits.random_paths() if is_of_household(path)]
        self.data = archive_of(self.household)
        self.rows = contents(self.data)
        self.answers = self.read(self.client)

    def read(self, client):
        """What is answered to each request, at its instant and now."""
        return [
            answer_to(client, path, query)
            for path, instant in self.asked
            for query in (f"known_at={quote(instant)}", "")
        ]


def answer_to(client, path, query):
    answer = client.get(f"{API}{path}{'&' if '?' in path else '?'}{query}")
    return answer.content if answer.status_code == 200 else (answer.status_code, answer.json()["code"])


def is_of_household(path):
    """An archive has the rates that the household's amounts need, and no others."""
    return not path.startswith("/exchange-rates") and "currency=" not in path


@pytest.fixture
def ann():
    return User.objects.create(username="ann")


def without_event(rows):
    """The rows without the last entry of the journal, which is that of the restoration."""
    *entries, event = rows[JOURNAL]
    assert (event["model"], event["action"], event["channel"]) == (
        "portfolios.Household",
        "update",
        "archive",
    )
    return {**rows, JOURNAL: entries}


def outdated(household_id):
    return [
        pk
        for pk in Portfolio.objects.filter(household=household_id).values_list("pk", flat=True)
        if is_outdated(pk)
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_all_is_the_same_in_a_database_that_has_none_of_it(ann, seed):
    savepoint = transaction.savepoint_create()
    original = Original(ann, seed)
    transaction.savepoint_rollback(savepoint)
    assert not Household.objects.exists()

    result = restored(original.data)

    assert (result.remapped, result.household_id) == (False, original.household.pk)
    copy = archive_of(original.household)
    assert differences(without_event(contents(copy)), original.rows) == []
    assert outdated(result.household_id) == []
    asked = [pair for pair in original.asked for _ in range(2)]
    answers = zip(asked, original.read(client_of(ann)), original.answers, strict=True)
    assert [answer for answer in answers if answer[1] != answer[2]][:1] == []


def test_the_past_is_older_than_the_installation(ann):
    """A new one has its shared types since its first migration: assets of a restored household have them before it."""
    savepoint = transaction.savepoint_create()
    original = Original(ann, 1)
    client = client_of(ann)
    instants = [instant for _path, instant in original.asked]
    assets = [
        answer_to(client, "/assets?page_size=200", f"known_at={quote(instant)}") for instant in instants
    ]
    transaction.savepoint_rollback(savepoint)
    shared = AssetType.objects.filter(household=None)
    shared.update_unrecorded(created_at=timezone.now(), updated_at=timezone.now())

    restored(original.data)

    client = client_of(ann)
    assert any(b"asset_type" in answer for answer in assets)
    for instant, before in zip(instants, assets, strict=True):
        assert answer_to(client, "/assets?page_size=200", f"known_at={quote(instant)}") == before
    assert original.read(client) == original.answers


@pytest.mark.parametrize("seed", SEEDS)
def test_a_copy_beside_the_original_has_other_ids_everywhere(ann, seed):
    original = Original(ann, seed)

    result = restored(original.data)

    assert result.remapped
    mask = result.household_id.int ^ original.household.pk.int
    copy = Household.objects.get(pk=result.household_id)
    rows = with_old_ids(without_event(contents(archive_of(copy))), mask, original.rows)
    assert all(entry.pop("request_id") or True for entry in [*rows[JOURNAL], *original.rows[JOURNAL]])
    assert differences(rows, original.rows) == []
    assert outdated(result.household_id) == []
    assert contents(archive_of(original.household))[JOURNAL][-1]["channel"] != "archive"
    assert manifest_of(original.data)["household"]["id"] == str(original.household.pk)


def test_a_category_below_one_that_is_newer(ann):
    household = Household.objects.create(name="Home")
    Membership.objects.create(household=household, user=ann, role=OWNER)
    first, second = (Category.objects.create(household=household, name=name) for name in ("First", "Second"))
    update_category(first.pk, {"parent_id": second.pk})

    copy = restored(archive_of(household)).household_id

    assert Category.objects.get(household=copy, name="First").parent.name == "Second"
    assert not Category.objects.filter(household=copy, parent__household=household).exists()


def test_every_table_with_a_history_is_archived_or_left_out_on_purpose():
    left_out = {PriceSource, InstrumentSource}  # of the installation
    tracked = {model for model in apps.get_models() if issubclass(model, TrackedModel)}
    assert tracked - left_out == {model for model in MODELS if issubclass(model, TrackedModel)}
