"""What tests ask of a refused request."""


def assert_refused(answer, field: str) -> None:
    """400, with this field as the only one at fault."""
    assert answer.status_code == 400, answer.content
    assert [error["field"] for error in answer.json()["errors"]] == [field]


def assert_conflict(answer, code: str, *, field: str | None = None, message: str | None = None) -> None:
    """409 with this code; with `field` as the only one at fault, and this message, where they are given."""
    assert (answer.status_code, answer.json()["code"]) == (409, code), answer.content
    if field is not None:
        assert [error["field"] for error in answer.json()["errors"]] == [field]
    if message is not None:
        assert answer.json()["message"] == message
