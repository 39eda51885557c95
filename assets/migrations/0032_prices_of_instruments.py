"""The prices of instruments, and that the database itself refuses to change one.

A later migration that alters the table of blocks creates it again on SQLite, without its trigger: it must add it again.
"""

import django.db.models.deletion
import django.utils.timezone
import strata.fields.dates
import strata.fields.ids
import strata.fields.names
from django.conf import settings
from django.db import migrations, models


REFUSAL = "A price cannot be changed: add a newer one."
CREATE_TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER price_refuses_update BEFORE UPDATE ON assets_priceblock"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END",
    ],
    "postgresql": [
        "CREATE FUNCTION assets_price_stands() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$",
        "CREATE TRIGGER price_stands BEFORE UPDATE ON assets_priceblock"
        " FOR EACH STATEMENT EXECUTE FUNCTION assets_price_stands()",
    ],
}
DROP_TRIGGERS = {
    "sqlite": ["DROP TRIGGER price_refuses_update"],
    "postgresql": [
        "DROP TRIGGER price_stands ON assets_priceblock",
        "DROP FUNCTION assets_price_stands()",
    ],
}


def create_triggers(apps, schema_editor):
    for statement in CREATE_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


def drop_triggers(apps, schema_editor):
    for statement in DROP_TRIGGERS[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):

    dependencies = [
        ('assets', '0031_no_disposal_before_the_acquisition'),
        ('portfolios', '0012_households_that_the_demo_made'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PriceLoad',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='updated at')),
                ('source', strata.fields.names.NameField(max_length=100, verbose_name='source')),
                ('split_adjusted', models.BooleanField(default=False, verbose_name='divided by later splits')),
                ('adjusted_to', strata.fields.dates.DayField(blank=True, null=True, verbose_name='divided by splits up to')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('household', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='price_loads', to='portfolios.household', verbose_name='household')),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-id',),
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='PackedPrices',
            fields=[
                ('year', models.PositiveSmallIntegerField()),
                ('first_day', models.PositiveSmallIntegerField(help_text='The first day with a price; 0 is 1 January.')),
                ('days', models.BinaryField(help_text='A bit for each day from the first on that has a price.')),
                ('scale', models.PositiveSmallIntegerField(help_text='How many decimal places the numbers have.')),
                ('width', models.PositiveSmallIntegerField(help_text='How many bytes each number has: 4, 8 or 16.')),
                ('prices', models.BinaryField(help_text='The prices in order, as quoted, in whole units of their last place.')),
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('adjustments', models.TextField(default='')),
                ('instrument', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='assets.instrument')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('instrument', 'year'), name='packed_prices_one_per_year')],
            },
        ),
        migrations.CreateModel(
            name='PriceBlock',
            fields=[
                ('year', models.PositiveSmallIntegerField()),
                ('first_day', models.PositiveSmallIntegerField(help_text='The first day with a price; 0 is 1 January.')),
                ('days', models.BinaryField(help_text='A bit for each day from the first on that has a price.')),
                ('scale', models.PositiveSmallIntegerField(help_text='How many decimal places the numbers have.')),
                ('width', models.PositiveSmallIntegerField(help_text='How many bytes each number has: 4, 8 or 16.')),
                ('prices', models.BinaryField(help_text='The prices in order, as quoted, in whole units of their last place.')),
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('instrument', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='assets.instrument')),
                ('load', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='assets.priceload')),
            ],
            options={
                'indexes': [models.Index(fields=['instrument', 'year'], name='price_block_of_instrument')],
            },
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
