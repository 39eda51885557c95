"""One order of groups, on every database."""

import pytest

from portfolios.calculations.order import by_key, by_name


@pytest.mark.parametrize("given", [("b", None, "a", 10), (None, 10, "a", "b")])
def test_groups_are_in_the_order_of_their_keys_and_no_group_is_last(given):
    assert list(by_key(dict.fromkeys(given, 0))) == [10, "a", "b", None]


def test_names_are_in_order_without_regard_to_case():
    names = {1: "zoo", 2: "Zebra", 3: "apple", 4: "Éclair"}
    assert list(by_name(names).values()) == ["apple", "Zebra", "zoo", "Éclair"]


@pytest.mark.parametrize("given", [(2, None, 1), (1, 2, None)])
def test_same_name_is_in_the_order_of_the_keys(given):
    names = {1: "Savings", 2: "Savings", None: "No tag"}
    assert list(by_name({key: names[key] for key in given})) == [1, 2, None]
