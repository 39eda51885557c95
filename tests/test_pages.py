"""Pages of a list: the rows are counted only if the page itself does not show their number."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from assets.models import Tag

API = "/api/v1"


@pytest.fixture
def tags(household):
    return Tag.objects.bulk_create(Tag(household=household, name=f"Tag {number}") for number in range(5))


def get_and_count(client, query: str) -> tuple[dict, int]:
    """Returns the response and the number of COUNT queries."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(f"{API}/tags?{query}").json()
    return answer, sum("COUNT(" in statement["sql"] for statement in captured)


@pytest.mark.parametrize(
    ("query", "rows", "counted", "following", "previous"),
    [
        ("", 5, 0, False, False),
        ("page_size=6", 5, 0, False, False),
        ("page_size=5", 5, 0, False, False),
        ("page_size=4", 4, 1, True, False),
        ("page_size=4&page=2", 1, 0, False, True),
        ("page_size=2&page=2", 2, 1, True, True),
        ("search=nowhere", 0, 0, False, False),
    ],
)
def test_rows_are_counted_only_for_a_page_before_the_last(
    alice, tags, query, rows, counted, following, previous
):
    answer, counts = get_and_count(alice, query)
    assert (len(answer["results"]), counts) == (rows, counted)
    assert answer["count"] == (0 if "nowhere" in query else 5)
    assert (bool(answer["next"]), bool(answer["previous"])) == (following, previous)


@pytest.mark.parametrize("page", ["3", "1000000001", "9" * 40])
def test_page_beyond_the_last_is_refused(alice, tags, page):
    assert alice.get(f"{API}/tags?page_size=4&page={page}").status_code == 404
