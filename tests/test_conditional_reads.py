"""GETs do what the schema says: which have an ETag and answer 304, and which parameters they take."""

from __future__ import annotations

import re
from functools import cache

import pytest
from django.urls import resolve

from portfolios.models import Household, Invitation
from strata.accounts.services import issue_token
from strata.api.http.table_responses import TABLE_FORMATS
from tests.all_routes import ABSENT, path_for, routes
from tests.documented import openapi
from tests.valid_requests import SUPERUSERS_SEE

pytestmark = pytest.mark.usefixtures("shared_world")

API = "/api/v1"
READS = {
    route.name: route
    for route in routes()
    if "get" in route.methods and route.name not in {"openapi", *SUPERUSERS_SEE}
}
WITHOUT_ETAG = {"live", "ready", "version", "household-archive"}  # lists and new files have none either


@cache
def documented_operations() -> dict[str, dict]:
    """The schema's GET operations by route name."""
    document = openapi()
    return {
        resolve(re.sub(r"{\w+}", ABSENT, path)).url_name: methods["get"]
        for path, methods in document["paths"].items()
        if "get" in methods
    }


def parameters(name: str, location: str) -> list[str]:
    declared = documented_operations()[name].get("parameters", ())
    return [parameter["name"] for parameter in declared if parameter["in"] == location]


@pytest.fixture
def world_of_alice(world, alice_user):
    """The world, with an invitation for Alice and a token of hers."""
    elsewhere = Household.objects.create(name="Elsewhere")
    invitation = Invitation.objects.create(household=elsewhere, username="alice")
    return world | {"invitation": invitation, "token": issue_token(alice_user)[0]}


@pytest.mark.parametrize("name", READS)
def test_get_answers_304_if_the_schema_says_so(alice, world_of_alice, name):
    path = path_for(READS[name], world_of_alice)
    first = alice.get(path)
    assert first.status_code == 200, first.content
    body = first.json() if first["Content-Type"] == "application/json" else None
    is_list = isinstance(body, dict) and {"next", "results"} <= body.keys()
    has_etag = name not in WITHOUT_ETAG and not is_list
    assert first.has_header("ETag") is has_etag
    assert ("If-None-Match" in parameters(name, "header")) is has_etag
    assert ("304" in documented_operations()[name]["responses"]) is has_etag
    for tag in ("*", first.headers.get("ETag", "*")):
        answer = alice.get(path, headers={"If-None-Match": tag})
        assert (answer.status_code == 304) is has_etag
        assert not (has_etag and answer.content)


@pytest.mark.parametrize("name", READS)
def test_every_parameter_of_the_schema_exists(alice, world_of_alice, name):
    query = "&".join(f"{parameter}=%00" for parameter in parameters(name, "query"))
    answer = alice.get(f"{path_for(READS[name], world_of_alice)}?{query}")
    errors = answer.json()["errors"] if answer.status_code == 400 else []
    assert [error for error in errors if error["message"] == "There is no such parameter."] == []


REFUSED = {
    "net-worth?level=2": 400,
    "net-worth?start=2024-02-01&end=2024-01-31": 400,
    f"net-worth?group_by=category&category={ABSENT}": 404,
    "net-worth?start=1800-01-01&interval=day": 400,
    "net-worth/change?start=2024-02-01&end=2024-01-31": 400,
    "allocation?group_by=tag&level=1": 400,
    f"allocation?group_by=asset&category={ABSENT}": 404,
    f"allocation?portfolio={ABSENT}": 404,
    "net-worth/chart.svg?level=2": 400,
    "allocation/chart.png?level=2": 400,
}


@pytest.mark.parametrize("question", REFUSED)
def test_report_is_refused_with_and_without_if_none_match(alice, world_of_alice, question):
    answers = [alice.get(f"{API}/{question}", headers=headers) for headers in ({}, {"If-None-Match": "*"})]
    assert [answer.status_code for answer in answers] == [REFUSED[question]] * 2
    assert answers[0].json()["errors"] == answers[1].json()["errors"]


def test_token_is_revoked_with_if_match(alice, world_of_alice):
    path = path_for(READS["token-detail"], world_of_alice)
    assert alice.delete(path, headers={"If-Match": '"stale"'}).status_code == 412
    read = alice.get(path)
    assert alice.delete(path, headers={"If-Match": read["ETag"]}).status_code == 204
    assert alice.get(path).status_code == 404


@pytest.mark.parametrize("table_format", TABLE_FORMATS)
def test_table_that_the_reader_has_is_not_sent_again(alice, world_of_alice, table_format):
    for path in ("net-worth", "net-worth/change"):
        answer = alice.get(f"/api/v1/{path}", {"format": table_format}, headers={"If-None-Match": "*"})
        assert (path, answer.status_code, answer.content) == (path, 304, b"")
