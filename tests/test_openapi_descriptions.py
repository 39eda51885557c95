"""The document explains the API: summaries, descriptions, tags, links and examples, and nothing from docstrings."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from drf_spectacular.generators import SchemaGenerator

from strata.api.schema.texts import all_texts

pytestmark = pytest.mark.on_sqlite

ROOT = Path(__file__).resolve().parent.parent
APPS = ("strata", "portfolios", "assets", "reports", "demo")
DOCUMENT = SchemaGenerator().get_schema(request=None, public=True)
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = {
    operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()
}
TAGS = [
    *("auth", "me", "households", "invitations", "portfolios", "assets", "values", "transactions"),
    *("asset-types", "categories", "tags", "allocation-targets", "instruments", "price-sources"),
    *("exchange-rates", "imports", "archives"),
    *("net-worth", "allocation", "lots", "realised-gains", "income", "performance"),
    *("undo", "routes", "version", "health"),
]
EXPRESSION = re.compile(r"\$(request\.path\.\w+|response\.header\.[\w-]+|response\.body#(/\w+)+)")


def plain(text: str) -> str:
    return " ".join(text.split())


def parameters():
    return [
        (name, parameter)
        for name, operation in OPERATIONS.items()
        for parameter in operation.get("parameters", ())
    ]


def properties(schema):
    """The name and the schema of each property, of those inside of others too."""
    for name, part in schema.get("properties", {}).items():
        yield name, part
        yield from properties(part)
        yield from properties(part.get("items", {}))


# --- operations ---


@pytest.mark.parametrize("name", OPERATIONS)
def test_operation_has_a_short_summary_and_a_description(name):
    summary, description = OPERATIONS[name].get("summary", ""), OPERATIONS[name].get("description", "")
    assert 0 < len(summary) <= 60
    assert summary == summary.strip() and not summary.endswith(".")
    assert description.endswith((".", "`")) and description != summary


def docstrings():
    """All docstrings of the code that are more than a few words."""
    for app in APPS:
        for file in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                    text = plain(ast.get_docstring(node) or "")
                    if len(text) > 30:
                        yield text


def test_no_description_is_a_docstring():
    """Docstrings are for those who read the code."""
    descriptions = [*OPERATIONS.values(), *SCHEMAS.values()]
    shown = "\n".join(plain(part.get("description", "")) for part in descriptions)
    assert [text for text in set(docstrings()) if text in shown] == []


def test_every_operation_has_one_of_the_tags():
    assert {tuple(operation["tags"]) for operation in OPERATIONS.values()} == {(tag,) for tag in TAGS}


def test_tags_are_in_order_each_with_one_sentence():
    assert [tag["name"] for tag in DOCUMENT["tags"]] == TAGS
    assert all(re.fullmatch(r"[A-Z][^.]{20,}\.", tag["description"]) for tag in DOCUMENT["tags"])


# --- parameters and fields ---


def test_every_parameter_has_a_description():
    assert [(name, p["name"]) for name, p in parameters() if not p.get("description")] == []


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_has_a_description(name):
    assert [field for field, part in properties(SCHEMAS[name]) if not part.get("description")] == []
    if SCHEMAS[name].get("properties") and not name.startswith("Paginated"):
        assert SCHEMAS[name].get("description")


def test_every_text_is_about_something_that_is_there():
    texts = all_texts()
    assert texts["operations"].keys() == OPERATIONS.keys()
    for table in ("bodies", "links", "examples"):
        assert texts[table].keys() <= OPERATIONS.keys(), table
    known = {name: {""} for name in map(without_affixes, SCHEMAS)}
    for name, schema in SCHEMAS.items():
        known[without_affixes(name)] |= schema.get("properties", {}).keys()
    known["any"] = set().union(*known.values())
    for name, own in texts["fields"].items():
        assert own.keys() <= known.get(name, set()), name


def without_affixes(name: str) -> str:
    return re.sub(r"^Patched|Request$", "", name)


# --- links ---


def links():
    return [
        (name, operation, link)
        for name, operation in OPERATIONS.items()
        for response in operation["responses"].values()
        for link in response.get("links", {}).values()
    ]


def test_links_lead_from_an_answer_to_what_may_follow():
    pairs = {(name, link["operationId"]) for name, _, link in links()}
    assert len(pairs) >= 30
    assert {
        ("assets_create", "assets_retrieve"),
        ("assets_create", "assets_snapshots_list"),
        ("assets_create", "assets_history_list"),
        ("values_batch", "undo"),
        ("assets_list", "assets_retrieve"),
    } <= pairs


def test_every_link_names_an_operation_and_its_parameters_in_the_answer():
    for name, operation, link in links():
        target = OPERATIONS[link["operationId"]]
        own = {parameter["name"]: parameter for parameter in target.get("parameters", ())}
        needed = {n for n, parameter in own.items() if parameter.get("required")}
        assert needed <= link["parameters"].keys() <= own.keys(), (name, link)
        for expression in link["parameters"].values():
            assert EXPRESSION.fullmatch(expression), (name, expression)
            assert is_in(expression, operation), (name, expression)


def is_in(expression, operation) -> bool:
    """Whether the operation has what the expression names."""
    if expression.startswith("$request.path."):
        names = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "path"}
        return expression.removeprefix("$request.path.") in names
    [answer] = [operation["responses"][s] for s in ("201", "200") if s in operation["responses"]][:1]
    if expression.startswith("$response.header."):
        return expression.removeprefix("$response.header.") in answer["headers"]
    schema = answer["content"]["application/json"]["schema"]
    for step in expression.partition("#/")[2].split("/"):
        schema = whole(schema)
        schema = schema["items"] if step.isdigit() else schema["properties"][step]
    return True


def whole(schema):
    """The schema that a reference names, alone or beside a description or null."""
    for word in ("allOf", "oneOf", "anyOf"):
        if word in schema:
            return whole(schema[word][0])
    return whole(SCHEMAS[schema["$ref"].rsplit("/", 1)[1]]) if "$ref" in schema else schema


# --- examples ---


def test_no_header_has_an_example_that_swagger_would_send():
    headers = [parameter for _, parameter in parameters() if parameter["in"] == "header"]
    assert {"If-Match", "If-None-Match", "Idempotency-Key"} <= {header["name"] for header in headers}
    for header in headers:
        words = header.keys() | header["schema"].keys()
        assert not {"example", "examples", "default"} & words, header["name"]


def test_every_path_parameter_has_an_example():
    in_paths = [(name, p) for name, p in parameters() if p["in"] == "path"]
    assert [(name, p["name"]) for name, p in in_paths if "example" not in p] == []


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in OPERATIONS
        if "application/json" in OPERATIONS[name].get("requestBody", {}).get("content", {})
    ],
)
def test_every_json_body_has_an_example_of_its_own(name):
    content = OPERATIONS[name]["requestBody"]["content"]["application/json"]
    assert content["example"] == all_texts()["bodies"][name]


def test_only_files_are_sent_as_parts():
    kinds = {
        name: [*operation["requestBody"]["content"]]
        for name, operation in OPERATIONS.items()
        if "requestBody" in operation and "application/json" not in operation["requestBody"]["content"]
    }
    assert kinds == {name: ["multipart/form-data"] for name in ("archives_create", "imports_create")}


def test_fields_of_bodies_have_no_examples_beside_that_of_the_body():
    bodies = [schema for name, schema in SCHEMAS.items() if name.endswith("Request")]
    assert [p for schema in bodies for p in schema.get("properties", {}).values() if "example" in p] == []


# --- login ---


def test_token_is_the_first_way_to_log_in_in_swagger():
    assert list(DOCUMENT["components"]["securitySchemes"]) == ["token", "session"]
