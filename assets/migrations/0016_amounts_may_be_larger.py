"""Amounts below 10**14 instead of 10**12: what weak currencies need, and a BIGINT has room for.

A database made since then has the wider bounds from its first migration on: this one gives them to it once more.
Going back fails where an amount has become larger than the old bound.
"""

from functools import partial

from django.db import migrations

from strata.fields.money import MoneyField

COLUMNS = (
    ("AssetSnapshot", "value"),
    ("Transaction", "amount"),
    ("Transaction", "fee"),
    ("Transaction", "tax"),
)
OLD, NEW = 12, 14


class FormerMoneyField(MoneyField):
    """A class of its own: Django alters no column whose field looks the same as before."""


def bound(apps, schema_editor, *, digits):
    alter = {"postgresql": replace_check, "sqlite": make_table_again}[schema_editor.connection.vendor]
    for name, column in COLUMNS:
        model = apps.get_model("assets", name)
        # On the model itself: SQLite's next table of this model must have this bound too.
        model._meta.get_field(column).digits = digits
        alter(schema_editor, model, column)


def make_table_again(schema_editor, model, column):
    field = model._meta.get_field(column)
    former = FormerMoneyField(null=field.null, blank=field.blank, default=field.default)
    former.set_attributes_from_name(column)
    former.model = model
    schema_editor.alter_field(model, former, field)


def replace_check(schema_editor, model, column):
    """Django alters the checks of its own fields alone."""
    quote = schema_editor.quote_name
    table, name = quote(model._meta.db_table), quote(f"{model._meta.db_table}_{column}_check")
    check = model._meta.get_field(column).db_check(schema_editor.connection)
    schema_editor.execute(  # nosemgrep: no-raw-sql - names of our own, and ALTER TABLE takes no parameter
        f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} CHECK ({check})"
    )


class Migration(migrations.Migration):
    dependencies = (("assets", "0015_one_form_of_names"),)
    operations = (
        migrations.RunPython(
            partial(bound, digits=NEW),
            partial(bound, digits=OLD),
        ),
    )
