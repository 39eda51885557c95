"""Each operation's description is about that operation, and Swagger sends no example headers."""

from __future__ import annotations

from inspect import cleandoc

import pytest
from drf_spectacular.generators import SchemaGenerator

pytestmark = pytest.mark.on_sqlite

GENERATOR = SchemaGenerator()
DOCUMENT = GENERATOR.get_schema(request=None, public=True)
VIEWS = {(path, method.lower()): view for path, _, method, view in GENERATOR._get_paths_and_endpoints()}
OPERATIONS = {
    (path, method): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}


def test_every_operation_has_its_view():
    assert OPERATIONS and OPERATIONS.keys() <= VIEWS.keys()


@pytest.mark.parametrize("key", OPERATIONS, ids=lambda key: f"{key[1].upper()} {key[0]}")
def test_no_description_is_the_docstring_of_a_base_class(key):
    """Such docstrings are for programmers and would be the same for many operations."""
    description = OPERATIONS[key].get("description", "")
    assert description
    own, *bases = type(VIEWS[key]).__mro__
    inherited = {cleandoc(base.__doc__) for base in bases if base.__doc__ and base.__doc__ != own.__doc__}
    assert not [text for text in inherited if text in description]


@pytest.mark.parametrize(
    ("key", "begins"),
    {
        ("/api/v1/assets/", "get"): "Lists assets.",
        ("/api/v1/assets/{id}/", "delete"): "Deletes an asset.",
        ("/api/v1/assets/{id}/history/", "get"): "The changes of an asset, newest first.",
        ("/api/v1/assets/{asset_id}/snapshots/", "post"): "Creates a snapshot of an asset.",
        ("/api/v1/asset-types/", "post"): "Creates an asset type. In the household that `household_id` names",
        ("/api/v1/tags/{id}/", "patch"): "Changes a tag.\n\nWhat is absent stays as it is.",
        ("/api/v1/auth/token/", "post"): "Logs in,",
    }.items(),
    ids=str,
)
def test_description_begins_with_the_action_and_the_resource(key, begins):
    assert OPERATIONS[key]["description"].startswith(begins)


def test_no_header_has_an_example_that_swagger_would_send():
    headers = [
        parameter
        for operation in OPERATIONS.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "header"
    ]
    assert {"If-Match", "If-None-Match", "Idempotency-Key"} <= {header["name"] for header in headers}
    for header in headers:
        assert not {"example", "examples", "default"} & (header.keys() | header["schema"].keys()), header[
            "name"
        ]


def test_token_is_the_first_way_to_log_in_in_swagger():
    assert list(DOCUMENT["components"]["securitySchemes"]) == ["token", "session"]
