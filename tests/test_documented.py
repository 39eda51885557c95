"""tests/documented.py fails a test whose response openapi.yaml does not describe."""

import pytest
from rest_framework.response import Response

from strata.api.viewsets import HouseholdViewSet
from tests import documented

API = "/api/v1"
TAG = {"id": documented.ABSENT, "household_id": documented.ABSENT, "name": "x"}


def post_answered_with(alice, monkeypatch, data, status):
    with monkeypatch.context() as patch:
        patch.setattr(HouseholdViewSet, "respond_with", lambda *args: Response(data, status=status))
        return alice.post(f"{API}/tags", {"name": "x"})


@pytest.mark.parametrize(
    ("data", "status", "message"),
    [
        (TAG, 202, "a status that openapi.yaml does not name"),
        (TAG | {"name": None}, 201, "is not of type"),
        (TAG | {"id": 7}, 201, "is not of type"),
        (TAG | {"colour": "red"}, 201, "Additional properties"),
        ({"household_id": documented.ABSENT, "name": "x"}, 201, "required property"),
    ],
)
def test_undocumented_response_fails_its_test(alice, monkeypatch, data, status, message):
    with pytest.raises(AssertionError, match=message):
        post_answered_with(alice, monkeypatch, data, status)


def test_documented_response_is_counted(alice, household, monkeypatch):
    before = documented.checked["post tag-list"]
    assert post_answered_with(alice, monkeypatch, TAG, 201).status_code == 201
    assert documented.checked["post tag-list"] == before + 1


def test_every_documented_operation_has_a_route():
    assert len(documented.operations()) > 100
    assert all(route for route, _ in documented.operations())
