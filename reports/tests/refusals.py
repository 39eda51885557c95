"""What the tests of reports ask of a refused request."""


def assert_refused(answer, field: str) -> None:
    """400, with this field as the only one at fault."""
    assert answer.status_code == 400, answer.content
    assert [error["field"] for error in answer.json()["errors"]] == [field]
