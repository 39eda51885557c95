"""GET /api/v1/ names every route with its address, and no other."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.documented import openapi

ROUTES = "/api/v1/"


@pytest.mark.django_db
def test_every_route_of_the_schema_is_listed_and_no_other(alice):
    document = openapi()
    described = {path.removeprefix(ROUTES).rstrip("/") for path in document["paths"]} - {""}
    listed = alice.get(ROUTES).json()
    assert set(listed) - {"openapi.json"} == described - {"openapi.json"}
    assert list(listed) == sorted(listed)
    assert listed["assets/{id}"] == "http://testserver/api/v1/assets/{id}"


@pytest.mark.django_db
def test_every_address_without_an_id_leads_somewhere(alice):
    for address in alice.get(ROUTES).json().values():
        if "{" not in address:
            assert alice.get(address.removeprefix("http://testserver")).status_code != 404, address


@pytest.mark.django_db
def test_it_is_for_those_who_are_logged_in_as_the_rest_of_the_api(alice):
    assert Client().get(ROUTES).status_code == 401
    answer = alice.get(ROUTES)
    assert alice.get(ROUTES, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert alice.get(f"{ROUTES}?page=1").json()["errors"][0]["field"] == "page"


@pytest.mark.django_db
def test_the_address_without_its_slash_leads_there(alice):
    answer = alice.get("/api/v1")
    assert (answer.status_code, answer["Location"]) == (301, "/api/v1/")
