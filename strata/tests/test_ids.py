"""Ids sort by time, however they are made."""

from __future__ import annotations

from uuid import UUID

from strata.fields.ids import uuid7, uuid7_digits


def test_ids_and_their_digits_sort_in_the_order_in_which_they_were_made():
    ids = [digits for _ in range(1000) for digits in (uuid7().hex, uuid7_digits())]
    assert ids == sorted(set(ids))
    assert {UUID(digits).version for digits in ids} == {7}
