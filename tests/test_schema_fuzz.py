"""Schemathesis over the whole schema, in process: valid and invalid requests, sent by each role in turn.

Half of the cases have a fixed seed, half a random one, which pytest's header and each failure show. Each case is
rolled back before the next, so all of them start from the same rows.
"""

from __future__ import annotations

import math
import os
from copy import deepcopy
from itertools import cycle

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

from strata.accounts.models import User
from strata.accounts.services import issue_token
from tests.all_routes import ABSENT, Route, routes, row_of
from tests.conftest import RANDOM_SEED
from tests.documented import openapi

# What it tests does not depend on the database.
pytestmark = [pytest.mark.on_sqlite, pytest.mark.usefixtures("shared_world")]

CASES = 5000
ROLES = ("owner", "editor", "viewer", "stranger", "superuser", "nobody")
# Checks that are not used: positive_data_acceptance (what fits the schema may still contradict another field, a row
# that is there or the caller's role); unsupported_method and missing_required_header (they need schemathesis' own
# runner); ignored_auth and object_level_authorization (test_tenancy asks every route); use_after_free and
# ensure_resource_availability (each case is undone before the next).
SEEDS = {"fixed": 20_260_101, "random": int(os.environ[RANDOM_SEED])}


def invalid_request_is_refused(ctx, response, case):
    """A text that is too long only because of surrounding spaces may be accepted: names are trimmed first."""
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
    invalid_request_is_refused,
)

config = SchemathesisConfig()
# If-Match is compared before the body is validated.
config.projects.default.checks.negative_data_rejection.expected_statuses.append("412")
config.projects.default.generation.with_security_parameters = False  # the roles send their own
schema = schemathesis.openapi.from_dict(deepcopy(openapi()), config=config)
schema.app = get_wsgi_application()
OPERATIONS = {operation.ok().label: operation.ok() for operation in schema.get_all_operations()}
CASES_PER_SEED = math.ceil(CASES / (len(OPERATIONS) * len(SEEDS)))
VALID, INVALID = GenerationMode.POSITIVE, GenerationMode.NEGATIVE


@pytest.fixture(autouse=True)
def _one_connection():
    """Keeps the test's transaction open at the end of a request, as Django's test client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def headers(alice_user, bob_user, vera_user, charlie_user):
    """The headers of each role's requests."""
    root = User.objects.create(username="root", is_superuser=True)
    people = dict(zip(ROLES, (alice_user, bob_user, vera_user, charlie_user, root), strict=False))
    tokens = {role: issue_token(user)[1] for role, user in people.items()}
    return {role: {"Authorization": f"Bearer {tokens[role]}"} if role in tokens else {} for role in ROLES}


def route_name(operation) -> str:
    """The name of its route."""
    ids = {parameter.name: ABSENT for parameter in operation.path_parameters}
    return resolve(operation.path.format_map(ids)).url_name


def known_ids(operation, world) -> dict[str, str]:
    """Ids of rows of the world for the parameters of the operation's path, where there are such rows."""
    route = Route(route_name(operation), "", [])
    rows = {parameter.name: row_of(route, parameter.name, world) for parameter in operation.path_parameters}
    return {name: str(row.pk) for name, row in rows.items() if row is not None}


def case_types(operation) -> list[tuple[GenerationMode, bool]]:
    """The possible combinations of (valid or invalid, whether the path names existing rows) for the operation."""
    can_be_wrong = bool(operation.query or operation.body)
    return (
        [(VALID, True)]
        + [(INVALID, True)] * can_be_wrong
        + [(INVALID, False)] * bool(operation.path_parameters)
    )


def with_known_rows(body, world):
    """The body with foreign keys of rows in the world, because random ones never exist."""
    rows = {name.replace("-", "_"): str(row.pk) for name, row in world.items()}
    keys = {f"{name}_id": pk for name, pk in rows.items()} | {
        f"{name}_ids": [pk] for name, pk in rows.items()
    }
    return {name: keys.get(name, value) if value else value for name, value in body.items()}


def run_cases(cases, act, *, times: int, number: int) -> None:
    """Calls `act` with so many cases drawn from the seed, until the first failure, without shrinking it.

    The integer `draw` is unused. It makes Hypothesis repeat the only case of an operation without parameters.
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
    def run(draw, case):
        act(case)

    run()


class Sender:
    """Sends cases as one role after the other and counts them. In every second round reads have If-None-Match: *."""

    def __init__(self, headers, world) -> None:
        self.headers, self.world, self.roles, self.sent = headers, world, cycle(ROLES), 0

    def __call__(self, case) -> None:
        if case.meta.generation.mode.is_positive:
            case.headers.pop("If-Match", None)  # a random one never matches, so every case would end with 412
        if isinstance(case.body, dict) and case.meta.generation.mode.is_positive:
            case.body = with_known_rows(case.body, self.world)
        headers = self.headers[next(self.roles)]
        if case.method == "GET" and self.sent // len(ROLES) % 2:
            headers = headers | {"If-None-Match": "*"}  # the response may be 304 if the schema says so
        with transaction.atomic():
            response = case.call(headers=headers)
            transaction.set_rollback(True)
        self.sent += 1
        case.validate_response(response, checks=list(CHECKS))


@pytest.mark.parametrize("seed_name", SEEDS)
@pytest.mark.parametrize("label", OPERATIONS)
def test_responses_conform_to_the_schema_without_server_errors(label, seed_name, headers, world):
    operation, send = OPERATIONS[label], Sender(headers, world)
    types = case_types(operation)
    for mode, known in types:
        ids = known_ids(operation, world) if known else {}
        cases = operation.as_strategy(generation_mode=mode, path_parameters=ids)
        run_cases(cases, send, times=math.ceil(CASES_PER_SEED / len(types)), number=SEEDS[seed_name])
    assert send.sent >= CASES_PER_SEED, SEEDS


def test_five_thousand_cases_cover_every_route_and_method():
    known = {(route.name, method) for route in routes() for method in route.methods} - {("openapi", "get")}
    documented = {(route_name(operation), operation.method) for operation in OPERATIONS.values()}
    assert documented == known
    assert CASES_PER_SEED * len(SEEDS) * len(documented) >= 5000
