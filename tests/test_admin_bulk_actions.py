"""Every action of the admin on more than a hundred rows asks for confirmation and says what it will do."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.admin.actions import delete_selected

from assets.classification.seeds import TypeId
from assets.models import Asset, AssetSnapshot, Tag
from assets.services.entries.disposal import dispose
from portfolios.models import Household, Membership
from strata.admin.actions import MOST_UNASKED
from strata.audit.models import JournalEntry
from strata.fields.dates import noon
from tests.admin_forms import url
from tests.factories import create_asset
from tests.sample_rows import sample_rows

PAGES = admin.site._registry
MANY = MOST_UNASKED + 1


@pytest.fixture
def assets(portfolio):
    """One asset more than an action changes without confirmation. Only the first has a value."""
    asset_type, names = TypeId.CHECKING_ACCOUNT, [f"A {number:03}" for number in range(MANY)]
    rows = [
        Asset(portfolio=portfolio, asset_type_id=asset_type, name=name, name_key=name, currency="EUR")
        for name in names
    ]
    created = Asset.objects.bulk_create(rows)
    day = created[0].created_at.date()
    AssetSnapshot.objects.create(asset=created[0], value="1", on=day, observed_at=noon(day, "UTC"))
    return created


def act(client, model, action, rows, **extra):
    body = {"action": action, "_selected_action": [str(row.pk) for row in rows], "index": "0"}
    return client.post(url(model), body | extra)


def agreed(answer) -> dict[str, str]:
    """What the confirmation page sends when the user agrees."""
    assert answer.status_code == 200, answer
    return {"agreed": answer.context["agreed"], "post": "yes"}


@pytest.mark.parametrize("model", PAGES, ids=lambda model: model.__name__)
def test_every_action_can_say_what_it_will_do(rita, household, model):
    sample_rows("Own", household=household)
    request = rita.get(url(model)).wsgi_request
    for name in PAGES[model].get_actions(request):
        assert getattr(PAGES[model], f"what_{name}_does")(request, model._base_manager.all()), name


def test_assets_are_the_only_page_with_actions():
    assert [model for model, page in PAGES.items() if page.actions] == [Asset]


@pytest.mark.parametrize("action", ["dispose_of", "reinstate"])
def test_action_on_more_than_a_hundred_rows_is_confirmed_first(alices, assets, action):
    before = JournalEntry.objects.count()
    answer = act(alices, Asset, action, assets)
    assert f"{MANY:,} assets" in answer.content.decode()
    assert JournalEntry.objects.count() == before, "nothing was done"
    done = act(alices, Asset, action, assets, **agreed(answer))
    assert done.status_code == 302
    assert (JournalEntry.objects.count() > before) == (action == "dispose_of")


def test_action_on_all_rows_of_a_list_is_confirmed_first(alices, assets):
    all_rows = {"select_across": "1"}
    answer = act(alices, Asset, "dispose_of", assets[:1], **all_rows)
    assert f"Marks {MANY} assets as sold today" in answer.content.decode()
    assert ("select_across", "1") in answer.context["hidden_inputs"]
    act(alices, Asset, "dispose_of", assets[:1], **all_rows, **agreed(answer))
    assert not Asset.objects.filter(disposed_on=None).exists()


def test_action_on_a_hundred_rows_needs_no_confirmation(alices, assets):
    assert act(alices, Asset, "dispose_of", assets[:MOST_UNASKED]).status_code == 302
    assert Asset.objects.filter(disposed_on=None).count() == 1


def test_action_is_confirmed_again_when_the_rows_have_changed(alices, assets, portfolio):
    answer = act(alices, Asset, "dispose_of", assets[:1], select_across="1")
    create_asset(portfolio, "New")
    again = act(alices, Asset, "dispose_of", assets[:1], select_across="1", **agreed(answer))
    assert f"Marks {MANY + 1} assets" in again.content.decode()
    assert Asset.objects.filter(disposed_on=None).count() == MANY + 1


def test_confirmation_names_deleted_transactions_and_skipped_rows(alices, alice_user, assets):
    dispose(assets[0].pk, on=assets[0].created_at.date(), proceeds=1)
    viewed = Household.objects.create(name="Seen")
    Membership.objects.create(
        household=viewed, user=alice_user, role="viewer", accepted_at="2026-01-01T00:00Z"
    )
    sample_rows("Seen", household=viewed)
    answer = act(alices, Asset, "reinstate", assets[:1], select_across="1").content.decode()
    for sentence in (
        "Undoes the sale of 1 asset:",
        "Deletes 1 transaction that",
        "Leaves 100 assets alone",
        "out 1 asset",
    ):
        assert sentence in answer, sentence


def test_deletion_of_many_rows_names_all_that_it_deletes(alices, household, assets, monkeypatch):
    """No page has this action today. A page that gets it must ask first too."""
    for page in (PAGES[Asset], PAGES[Tag]):
        monkeypatch.setattr(page, "actions", [delete_selected])
    answer = act(alices, Asset, "delete_selected", assets)
    for sentence in (f"Deletes {MANY} assets.", "Deletes 1 values."):
        assert sentence in answer.content.decode(), sentence
    assert Asset.objects.count() == MANY
    act(alices, Asset, "delete_selected", assets, post="yes")
    assert Asset.objects.count() == MANY, "not confirmed"
    act(alices, Asset, "delete_selected", assets, **agreed(answer))
    assert not Asset.objects.exists()
