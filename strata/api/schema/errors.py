"""The schema of errors, and which errors an operation may answer with."""

from __future__ import annotations

from typing import Any

from strata.api.names import ID_OR_NAME

WRONG_FIELD = {
    "field": {
        "type": ["string", "null"],
        "description": "The field that is wrong; null where it is none of them.",
    },
    "code": {"type": "string", "description": "What is wrong with it, for programs."},
    "message": {"type": "string", "description": "What is wrong with it, in English, for people."},
}
ERROR = {
    "type": "object",
    "description": "The answer to every request that is refused.",
    "required": ["code", "message", "status", "errors", "request_id"],
    "properties": {
        "code": {
            "type": "string",
            "example": "VALIDATION_ERROR",
            "description": "What is wrong, for programs. It does not change.",
        },
        "message": {
            "type": "string",
            "description": "What is wrong, in English, for people. The wording may change.",
        },
        "status": {"type": "integer", "description": "The status of the answer."},
        "errors": {
            "type": "array",
            "description": "The fields that are wrong, one entry for each problem.",
            "items": {
                "type": "object",
                "required": ["field", "code", "message"],
                "properties": WRONG_FIELD,
            },
        },
        "request_id": {
            "type": "string",
            "description": "The id of the request, as in the header `X-Request-Id`.",
        },
        "existing": {
            "type": "object",
            "description": "Of a value or transaction that exists already: the row to change.",
            "required": ["id", "link"],
            "properties": {
                "id": {"type": "string", "format": "uuid", "description": "Its id."},
                "link": {"type": "string", "description": "Its address in the API."},
            },
        },
        "refused_count": {"type": "integer", "description": "Of ALL_ROWS_REFUSED: how many rows were sent."},
        "refused": {
            "type": "array",
            "description": "Of ALL_ROWS_REFUSED: the rows, by their numbers from 0, at most 1,000.",
            "items": {
                "type": "object",
                "required": ["row", "field", "code", "message"],
                "properties": {
                    "row": {"type": "integer", "description": "The number of the row, from 0."},
                    **WRONG_FIELD,
                },
            },
        },
    },
}
EXAMPLES = {
    400: ("VALIDATION_ERROR", "There is no such field."),
    401: ("NOT_AUTHENTICATED", "Authentication credentials were not provided."),
    403: ("FORBIDDEN", "Your role in this household does not allow that."),
    404: ("ASSET_NOT_FOUND", "Asset not found."),
    409: ("DUPLICATE_NAME", "The name is taken."),
    412: ("PRECONDITION_FAILED", "It has changed since you read it: read it again."),
    413: ("TOO_LARGE", "The body is too large."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "Send application/json."),
    422: ("IDEMPOTENCY_MISUSE", "The key was used for another request."),
    428: ("PRECONDITION_REQUIRED", "Send If-Match with the ETag of what you read."),
    429: ("THROTTLED", "Request was throttled."),
}
OF_EVERY = (400, 401, 404, 406, 429, 503)
OF_WRITES = (403, 409, 412, 413, 415, 422, 428, 507)


def add_errors(operation: dict[str, Any], method: str) -> None:
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if method == "get" and "If-None-Match" in names:
        operation["responses"].setdefault("304", {"description": "It is still what the tag says."})
    also = tuple(int(status) for status in operation["responses"] if status >= "400")
    if method == "get" and takes_names(operation):
        also = (*also, 409)
    for status in dict.fromkeys(OF_EVERY + (OF_WRITES if method != "get" else ()) + also):
        code, message = EXAMPLES.get(status, ("ERROR", "Refused."))
        if status == 409 and method == "get":
            code, message = "AMBIGUOUS_NAME", "Several rows have that name: send one of the ids."
        example = {"code": code, "message": message, "status": status, "errors": [], "request_id": "5f1c0d2e"}
        content = {"schema": {"$ref": "#/components/schemas/Error"}, "example": example}
        response = operation["responses"].setdefault(str(status), {"description": message})
        response.setdefault("content", {"application/json": content})


def takes_names(operation: dict[str, Any]) -> bool:
    """Whether a parameter names a row by its name too, which several rows may have."""
    schemas = [parameter["schema"] for parameter in operation.get("parameters", ())]
    return any(schema.get("items", schema) == ID_OR_NAME for schema in schemas)
