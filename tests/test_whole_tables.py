"""No read goes through all rows of a table that has those of other households: it would be slower with each of them.

What SQLite does is in the program that it makes of a statement: a table or an index that is rewound, in place of one in
which a key is sought, is read from one end to the other, or until the query has the rows that it wants.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial

import pytest
from django.db import connection

from assets.models import AssetSnapshot, ExchangeRate, ForgottenPortfolio, RatesVersion
from strata.audit.models import Deletion, JournalEntry
from tests.admin_forms import staff
from tests.all_routes import path_for, routes

pytestmark = [pytest.mark.on_sqlite, pytest.mark.usefixtures("shared_world")]

# One row; a mark that hardly any portfolio has; and rates, of which a list has a page.
OF_EVERYBODY = {model._meta.db_table for model in (RatesVersion, ForgottenPortfolio, ExchangeRate)}
DRAWN = (".png", ".svg", ".pdf")  # of reports and pages that are asked for too
PAGES = ("/admin/", "/admin/statement/", "/admin/performance/", "/admin/update-values/")
READ_WHOLE = {
    # The journal has no index for all entries of a household, and a deletion in steps is one row for many thousands.
    "household-archive": {JournalEntry._meta.db_table, Deletion._meta.db_table}
}


@contextmanager
def tables_read_whole():
    """The names of the tables that the statements inside read whole, also by one of their indexes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0")
        tables = dict(cursor.fetchall())
    whole: set[str] = set()

    def examined(execute, sql, params, many, context):
        if sql.split(None, 1)[0] in ("SELECT", "WITH") and not many:
            execute(f"EXPLAIN {sql}", params, many, context)
            opened = {}
            for _, operation, cursor, page, database, *_rest in context["cursor"].fetchall():
                if operation == "OpenRead" and database == 0:
                    opened[cursor] = tables[page]
                elif operation in ("Rewind", "Last") and cursor in opened:
                    whole.add(opened[cursor])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(examined):
        yield whole


def test_no_read_goes_through_the_rows_of_all_households(alice, alice_user, world):
    browser = staff(alice_user)
    asked = {
        route.name: partial(alice.get, path_for(route, world))
        for route in routes()
        if "get" in route.methods and not route.name.endswith(DRAWN)
    } | {page: partial(browser.get, page) for page in PAGES}
    whole_by_name = {}
    for name, ask in asked.items():
        with tables_read_whole() as whole:
            answer = ask()
            answer.getvalue()  # a file is read while it is sent
        assert answer.status_code == 200 or name not in PAGES, name
        whole_by_name[name] = whole - OF_EVERYBODY
    assert {name: whole for name, whole in whole_by_name.items() if whole} == READ_WHOLE


def test_table_without_an_index_that_helps_is_read_whole(world):
    with tables_read_whole() as whole:
        assert not AssetSnapshot.objects.filter(note="none has it").exists()
    assert whole == {AssetSnapshot._meta.db_table}
