"""What an answer says in addition to the row: that an asset's past moved with it, and which row exists already."""

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset
from portfolios.models import Portfolio
from tests.refusals import assert_conflict

API = "/api/v1"


@pytest.fixture
def asset(portfolio):
    return Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CHECKING_ACCOUNT, name="Flat", currency="EUR"
    )


@pytest.mark.parametrize("method", ["put", "patch"])
def test_a_move_says_that_the_whole_past_goes_along(alice, asset, portfolio, method):
    other = Portfolio.objects.create(household=portfolio.household, name="Other")
    path = f"{API}/assets/{asset.pk}"
    send = getattr(alice, method)
    assert "Strata-Notice" not in send(path, {"name": "Flat", "portfolio_id": str(portfolio.pk)})
    moved = send(path, {"name": "Flat", "portfolio_id": str(other.pk)})
    assert "whole past" in moved["Strata-Notice"]
    read = alice.get(path)
    assert (moved.json(), moved["ETag"], "Strata-Notice" in read) == (read.json(), read["ETag"], False)


def test_a_second_value_of_an_instant_names_the_first(alice, asset):
    path = f"{API}/assets/{asset.pk}/snapshots"
    created = alice.post(path, {"value": "1", "on": "2026-01-31"})
    refused = alice.post(path, {"value": "2", "on": "2026-01-31"})
    assert_conflict(refused, "DUPLICATE_SNAPSHOT")
    assert refused.json()["existing"] == {"id": created.json()["id"], "link": created["Location"]}
    assert alice.patch(refused.json()["existing"]["link"], {"value": "2"}).status_code == 200


def test_a_value_moved_to_the_instant_of_another_names_the_other(alice, asset):
    path = f"{API}/assets/{asset.pk}/snapshots"
    first, second = (alice.post(path, {"value": "1", "on": on}) for on in ("2026-01-31", "2026-02-01"))
    for change in ({"on": "2026-01-31"}, {"observed_at": first.json()["observed_at"]}):
        refused = alice.patch(f"{path}/{second.json()['id']}", change)
        assert refused.status_code == 409, refused.content
        assert refused.json()["existing"] == {"id": first.json()["id"], "link": first["Location"]}


def test_a_transaction_that_is_known_already_is_named(alice, asset):
    path = f"{API}/assets/{asset.pk}/transactions"
    sent = {"type": "INCOME", "amount": "1", "source": "bank", "external_id": "7"}
    created = alice.post(path, sent)
    refused = alice.post(path, sent)
    assert (refused.status_code, refused.json()["existing"]["id"]) == (409, created.json()["id"])


def test_other_refusals_name_no_row(alice, asset):
    refused = alice.post(f"{API}/assets/{asset.pk}/snapshots", {"value": "x"})
    assert "existing" not in refused.json()


def test_a_page_of_another_origin_may_read_the_notice(settings):
    assert "strata-notice" in settings.CORS_EXPOSE_HEADERS
