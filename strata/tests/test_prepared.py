"""A prepared query: its SQL is made once for each connection, and depends on nothing but the places of its values."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from uuid import UUID, uuid4

import pytest
from django.db import connection, connections
from django.db.models import Value
from django.test.utils import CaptureQueriesContext

from strata.accounts.models import User
from strata.db.lookups import Among
from strata.db.prepared import Prepared, forget_prepared
from strata.db.prepared import Statement as StatementClass

USER = Prepared(lambda pk: User.objects.filter(pk=pk), UUID)


def test_each_call_answers_for_its_own_values(db):
    users = [User.objects.create(username=name) for name in ("ann", "ben")]
    assert [USER(user.pk) for user in users] == [[user] for user in users]
    assert USER.first(users[1].pk) == users[1]
    assert USER.first(uuid4()) is None
    assert USER.first(None) is None  # whoever is not logged in has no id


def test_a_value_may_be_used_twice_beside_constants(db):
    kim = User.objects.create(username="kim", first_name="kim", last_name="kim")
    User.objects.create(username="lee", first_name="kim", last_name="lee")
    with_both_names = Prepared(
        lambda name: User.objects.filter(first_name=name, last_name=name, is_active=True), str
    )
    assert with_both_names("kim") == [kim]
    assert with_both_names("lee") == []


def test_ids_are_one_value(db):
    users = [User.objects.create(username=name) for name in ("ann", "ben", "eve")]
    among = Prepared(lambda ids: User.objects.filter(pk__among=ids).order_by("username"), list)
    assert Among.lookup_name == "among"
    assert among([user.pk for user in users[:2]]) == users[:2]
    assert among([users[2].pk]) == users[2:]


def test_a_day_is_a_value_and_not_kept(db):
    User.objects.create(username="ann")
    shown = Prepared(lambda on: User.objects.annotate(on=Value(on)).values_list("on", flat=True), date)
    for on in (date(2026, 3, 1), date(2026, 3, 2)):
        assert str(shown.first(on)) == str(on)


def test_rows_related_to_the_rows_are_read_with_them(db):
    user = User.objects.create(username="ann")
    user.api_tokens.create(name="one", digest="1")
    with_tokens = Prepared(lambda pk: User.objects.filter(pk=pk).prefetch_related("api_tokens"), UUID)
    row = with_tokens.first(user.pk)
    with CaptureQueriesContext(connection) as queries:
        assert [token.name for token in row.api_tokens.all()] == ["one"]
    assert len(queries) == 0


@pytest.mark.parametrize(
    "build",
    [
        lambda pk: User.objects.all(),
        lambda pk: User.objects.filter(username=str(pk)),
        lambda pk: User.objects.filter(pk=pk, username=pk.hex[:5]),
        lambda pk: User.objects.filter(pk=pk)[: 1 + pk.int % 10**9],
    ],
    ids=["not used", "used as another", "beside what follows from it", "in the text of the SQL"],
)
def test_sql_that_depends_on_a_value_is_refused_when_it_is_made(db, build):
    with pytest.raises(TypeError):
        Prepared(build, UUID)(uuid4())


@pytest.mark.parametrize(("kind", "value"), [(UUID, "0" * 32), (date, datetime(2026, 1, 1)), (str, 1)])
def test_a_value_of_another_type_is_refused(db, kind, value):
    fields = {UUID: "pk", date: "date_joined__date", str: "username"}
    prepared = Prepared(lambda known: User.objects.filter(**{fields[kind]: known}), kind)
    with pytest.raises(TypeError):
        prepared(value)


def test_it_is_compiled_once_for_each_connection(db, monkeypatch):
    compiled = []
    initialise = StatementClass.__init__
    monkeypatch.setattr(
        StatementClass, "__init__", lambda self, *args: (compiled.append(args), initialise(self, *args))[0]
    )
    prepared = Prepared(lambda pk: User.objects.filter(pk=pk), UUID)
    for _ in range(3):
        prepared(uuid4())
    assert len(compiled) == 1
    forget_prepared()
    prepared(uuid4())
    assert len(compiled) == 2


def test_no_two_threads_share_what_is_kept(db):
    def statement():
        try:
            return USER.on(connections["default"])
        finally:
            connections["default"].close()

    with ThreadPoolExecutor(1) as pool:
        of_another_thread = pool.submit(statement).result()
    assert of_another_thread is not USER.on(connection)
    assert of_another_thread.text == USER.on(connection).text
