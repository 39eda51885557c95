"""A user who logs in, a clock that does not move, and the passwords that were hashed."""

from __future__ import annotations

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import MD5PasswordHasher

from strata.tests.logins import NOON, PASSWORD


@pytest.fixture
def dora(household):
    return get_user_model().objects.create_user("dora", password=PASSWORD, is_staff=True)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def hashes(monkeypatch):
    """The passwords that were hashed."""
    spent = []
    encode = MD5PasswordHasher.encode

    def counted(self, password, salt):
        spent.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counted)
    return spent
