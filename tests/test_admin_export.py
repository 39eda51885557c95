"""The lists of the admin link to the tables of the API that have the same rows."""

from __future__ import annotations

import csv
import io

import pytest
from django.contrib import admin
from django.urls import reverse

from tests.admin_forms import staff
from tests.spreadsheets import sheets_of

EXPORTED = {
    page.opts.label_lower: page for page in admin.site._registry.values() if getattr(page, "exported_as", "")
}


@pytest.mark.parametrize("label", EXPORTED)
def test_a_list_has_links_to_its_rows_as_csv_and_xlsx(alice_user, world, label):
    page, client = EXPORTED[label], staff(alice_user)
    shown = client.get(reverse(f"admin:{label.replace('.', '_')}_changelist")).content.decode()
    address = reverse(page.exported_as)
    assert f'href="{address}?format=csv&amp;bom=1"' in shown and f'href="{address}?format=xlsx"' in shown
    header, *rows = csv.reader(io.StringIO(client.get(f"{address}?format=csv").getvalue().decode()))
    ((same, *others),) = sheets_of(client.get(f"{address}?format=xlsx").getvalue())
    assert (same, len(others)) == (header, len(rows))


def test_most_lists_have_them(db):
    assert len(EXPORTED) >= 12
