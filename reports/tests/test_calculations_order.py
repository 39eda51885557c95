"""The same order of groups on every database."""

import pytest

from reports.calculations.order import by_key

pytestmark = pytest.mark.on_sqlite


@pytest.mark.parametrize("given", [("b", None, "a", 10), (None, 10, "a", "b")])
def test_groups_are_in_the_order_of_their_keys_and_no_group_is_last(given):
    assert list(by_key(dict.fromkeys(given, 0))) == [10, "a", "b", None]
