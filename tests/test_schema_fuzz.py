"""Schemathesis over the whole schema, in process: what fits it and what does not, sent by each role in turn.

Half of the cases come from a fixed seed and half from a random one, which pytest's header and each failure name. A
case is undone before the next, so that all of them meet the same world.
"""

from __future__ import annotations

import math
import os
from itertools import cycle
from pathlib import Path

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.urls import resolve
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import checks
from schemathesis.config import SchemathesisConfig
from schemathesis.generation import GenerationMode

from strata.accounts.models import ApiToken, User
from tests.all_routes import ABSENT, Route, routes, row_of
from tests.conftest import RANDOM_SEED

pytestmark = pytest.mark.on_sqlite  # it looks for what no database decides

CASES = 5000
ROLES = ("owner", "editor", "viewer", "stranger", "superuser", "nobody")
# Not asked of the answers: positive_data_acceptance (what fits the schema may still contradict another field, a row
# that is there or the caller's role); unsupported_method and missing_required_header (they need schemathesis' own
# runner); ignored_auth and object_level_authorization (test_tenancy asks every route); use_after_free and
# ensure_resource_availability (each case is undone before the next).
SEEDS = {"fixed": 20_260_101, "random": int(os.environ[RANDOM_SEED])}


def refused_where_it_does_not_fit(ctx, response, case):
    """What is too long only for the spaces around it may be taken: names are measured without them."""
    texts = [*dict(case.query).values(), *(case.body.values() if isinstance(case.body, dict) else ())]
    if any(isinstance(text, str) and len(text) > 100 and text != text.strip() for text in texts):
        return None
    return checks.negative_data_rejection(ctx, response, case)


CHECKS = (
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    refused_where_it_does_not_fit,
)

config = SchemathesisConfig()
# If-Match is compared before the body is looked at.
config.projects.default.checks.negative_data_rejection.expected_statuses.append("412")
config.projects.default.generation.with_security_parameters = False  # the roles bring their own
schema = schemathesis.openapi.from_path(Path(__file__).parent.parent / "openapi.yaml", config=config)
schema.app = get_wsgi_application()
OPERATIONS = {operation.ok().label: operation.ok() for operation in schema.get_all_operations()}
EACH = math.ceil(CASES / (len(OPERATIONS) * len(SEEDS)))
FITS, FITS_NOT = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


@pytest.fixture(autouse=True)
def _one_connection():
    """As Django's own test client does: the end of a request leaves the test's transaction alone."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def headers(alice_user, bob_user, vera_user, charlie_user):
    """What each role sends."""
    root = User.objects.create(username="root", is_superuser=True)
    people = dict(zip(ROLES, (alice_user, bob_user, vera_user, charlie_user, root), strict=False))
    tokens = {role: ApiToken.issue(user)[1] for role, user in people.items()}
    return {role: {"Authorization": f"Bearer {tokens[role]}"} if role in tokens else {} for role in ROLES}


def name_of(operation) -> str:
    """The name of its route."""
    ids = {parameter.name: ABSENT for parameter in operation.path_parameters}
    return resolve(operation.path.format_map(ids)).url_name


def known_ids(operation, world) -> dict[str, str]:
    """The parameters of the operation's path that the world has rows for."""
    route = Route(name_of(operation), "", [])
    rows = {parameter.name: row_of(route, parameter.name, world) for parameter in operation.path_parameters}
    return {one: str(row.pk) for one, row in rows.items() if row is not None}


def ways(operation) -> list[tuple[GenerationMode, bool]]:
    """Whether cases fit the schema, and whether their path names rows that are there: as far as there is a choice."""
    can_be_wrong = bool(operation.query or operation.body)
    return (
        [(FITS, True)]
        + [(FITS_NOT, True)] * can_be_wrong
        + [(FITS_NOT, False)] * bool(operation.path_parameters)
    )


def with_known_rows(body, world):
    """The body, its foreign keys those of the world: random ones would never be found."""
    rows = {name.replace("-", "_"): str(row.pk) for name, row in world.items()}
    keys = {f"{name}_id": pk for name, pk in rows.items()} | {
        f"{name}_ids": [pk] for name, pk in rows.items()
    }
    return {name: keys.get(name, value) if value else value for name, value in body.items()}


def each_of(cases, act, *, times: int, number: int) -> None:
    """Acts on as many cases as the seed draws; the first failure ends it, as it stands.

    The lot is never looked at: an operation without parameters has but one case, which goes out for each lot.
    """

    @seed(number)
    @settings(
        max_examples=times,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(), cases)
    def draw(lot, case):
        act(case)

    draw()


class Sender:
    """Sends cases as one role after the other, and counts them; in every other round reads have whatever is there."""

    def __init__(self, headers, world) -> None:
        self.headers, self.world, self.roles, self.sent = headers, world, cycle(ROLES), 0

    def __call__(self, case) -> None:
        if case.meta.generation.mode.is_positive:
            case.headers.pop("If-Match", None)  # one that is made up matches nothing, and all would end there
        if isinstance(case.body, dict) and case.meta.generation.mode.is_positive:
            case.body = with_known_rows(case.body, self.world)
        headers = self.headers[next(self.roles)]
        if case.method == "GET" and self.sent // len(ROLES) % 2:
            headers = headers | {"If-None-Match": "*"}  # and the answer may be a 304, if the schema has one
        with transaction.atomic():
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        self.sent += 1
        case.validate_response(response, checks=list(CHECKS))


@pytest.mark.parametrize("drawn", SEEDS)
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_within_the_schema_and_none_a_server_error(label, drawn, headers, world):
    operation, send = OPERATIONS[label], Sender(headers, world)
    chosen = ways(operation)
    for mode, known in chosen:
        ids = known_ids(operation, world) if known else {}
        cases = operation.as_strategy(generation_mode=mode, path_parameters=ids)
        each_of(cases, send, times=math.ceil(EACH / len(chosen)), number=SEEDS[drawn])
    assert send.sent >= EACH, SEEDS


def test_five_thousand_cases_are_shared_by_all_that_the_resolver_knows():
    known = {(route.name, method) for route in routes() for method in route.methods} - {("openapi", "get")}
    shown = {(name_of(operation), operation.method) for operation in OPERATIONS.values()}
    assert shown == known
    assert EACH * len(SEEDS) * len(shown) >= 5000
