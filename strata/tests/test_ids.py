"""Ids sort by time, however they are made, and are the same however they are read."""

from __future__ import annotations

import copy
import pickle
from uuid import UUID

import pytest

from strata.db.params import id_of_hex
from strata.fields.ids import uuid7, uuid7_digits


def test_ids_and_their_digits_sort_in_the_order_in_which_they_were_made():
    ids = [digits for _ in range(1000) for digits in (uuid7().hex, uuid7_digits())]
    assert ids == sorted(set(ids))
    assert {UUID(digits).version for digits in ids} == {7}


@pytest.mark.parametrize("digits", ["0" * 32, "f" * 32, "019b" + "0" * 8 + "7" + "0" * 3 + "8" + "1" * 15])
def test_id_of_its_digits_is_the_same_as_the_class_makes(digits):
    pk, expected = id_of_hex(digits), UUID(digits)
    assert (pk, hash(pk), str(pk), pk.is_safe) == (expected, hash(expected), str(expected), expected.is_safe)
    assert copy.copy(pk) == expected
    assert pickle.loads(pickle.dumps(pk)) == expected
    with pytest.raises(TypeError):
        pk.int = 1
