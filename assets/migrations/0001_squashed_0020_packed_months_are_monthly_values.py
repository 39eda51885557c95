"""0001 to 0020 in one step, for a database without tables. A database that has some of them goes on with the others.

Left out is what only changes existing rows and columns.
"""

from importlib import import_module

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import strata.db.collation
import strata.fields.currencies
import strata.fields.dates
import strata.fields.ids
import strata.fields.money
import strata.fields.names
import uuid
from django.conf import settings
from django.db import migrations, models

types = import_module("assets.migrations.0002_shared_asset_types")
rates = import_module("assets.migrations.0006_rates_stand")
conversion_rates = import_module("assets.migrations.0018_conversion_rates_of_the_euro")


class Migration(migrations.Migration):

    replaces = [('assets', '0001_initial'), ('assets', '0002_shared_asset_types'), ('assets', '0003_moments_may_be_left_empty'), ('assets', '0004_daily_steps'), ('assets', '0005_fill_daily_steps'), ('assets', '0006_rates_stand'), ('assets', '0007_the_plural_of_asset_category'), ('assets', '0008_packed_months'), ('assets', '0009_fill_packed_months'), ('assets', '0010_steps_of_all_types_have_an_index'), ('assets', '0011_assets_and_types_have_keys'), ('assets', '0012_fill_the_keys_of_assets_and_types'), ('assets', '0013_assets_go_by_their_keys'), ('assets', '0014_keys_and_codes_go_by_code_point'), ('assets', '0015_one_form_of_names'), ('assets', '0016_amounts_may_be_larger'), ('assets', '0017_rates_may_be_lasting'), ('assets', '0018_conversion_rates_of_the_euro'), ('assets', '0019_daily_steps_are_daily_deltas'), ('assets', '0020_packed_months_are_monthly_values')]

    initial = True

    dependencies = [
        ('portfolios', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AssetType',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('code', strata.db.collation.CodeField(max_length=40, validators=[django.core.validators.RegexValidator('^[A-Z][A-Z0-9_]*\\Z', 'Use A-Z, 0-9 and _.')])),
                ('label', strata.fields.names.NameField(max_length=100)),
                ('group', models.CharField(choices=[('FINANCIAL', 'Financial'), ('REAL_ESTATE', 'Real Estate'), ('PERSONAL_PROPERTY', 'Personal Property'), ('PHYSICAL_COLLECTIONS', 'Physical Collections'), ('LIABILITIES', 'Liabilities'), ('OTHER', 'Other')], default='OTHER', max_length=20)),
                ('kind', models.CharField(choices=[('balance', 'Balance'), ('value', 'Value')], default='value', max_length=7)),
                ('stale_after_days', models.PositiveSmallIntegerField(default=365)),
                ('label_key', strata.fields.names.NameKeyField(source='label')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('household', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='asset_types', to='portfolios.household')),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('code', 'id'),
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(condition=models.Q(('household', None)), fields=('code',), name='asset_type_shared_code_unique'), models.UniqueConstraint(fields=('household', 'code'), name='asset_type_code_unique_in_household')],
            },
        ),
        migrations.CreateModel(
            name='Asset',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('name', strata.fields.names.NameField(max_length=200)),
                ('currency', strata.fields.currencies.CurrencyField()),
                ('quantity', strata.fields.money.ExactField(blank=True, null=True)),
                ('notes', strata.fields.names.NoteField(blank=True, default='', max_length=10000)),
                ('kind', models.CharField(blank=True, choices=[('balance', 'Balance'), ('value', 'Value')], default='', help_text='Empty: as its type says.', max_length=7)),
                ('acquired_on', strata.fields.dates.DayField(blank=True, null=True)),
                ('disposed_on', strata.fields.dates.DayField(blank=True, null=True)),
                ('name_key', strata.fields.names.NameKeyField(source='name')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('portfolio', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='assets', to='portfolios.portfolio')),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('asset_type', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='assets', to='assets.assettype')),
            ],
            options={
                'ordering': ('name_key', 'id'),
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['portfolio', 'name_key', 'id'], name='asset_in_portfolio_by_name')],
            },
        ),
        migrations.CreateModel(
            name='Category',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('name', strata.fields.names.NameField(max_length=200)),
                ('name_key', strata.fields.names.NameKeyField(source='name')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('household', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='categories', to='portfolios.household')),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='children', to='assets.category')),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'categories',
                'ordering': ('name_key', 'id'),
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('parent', 'name_key'), name='category_name_unique_among_siblings'), models.UniqueConstraint(condition=models.Q(('parent', None)), fields=('household', 'name_key'), name='category_name_unique_at_the_top'), models.CheckConstraint(condition=models.Q(('parent', None), models.Q(('parent', models.F('id')), _negated=True), _connector='OR'), name='category_not_its_own_parent')],
            },
        ),
        migrations.CreateModel(
            name='AssetCategory',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('asset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='category_links', to='assets.asset')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('category', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='asset_links', to='assets.category')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'verbose_name_plural': 'asset categories',
                'constraints': [models.UniqueConstraint(fields=('asset', 'category'), name='asset_once_in_a_category')],
            },
        ),
        migrations.AddField(
            model_name='asset',
            name='categories',
            field=models.ManyToManyField(blank=True, related_name='assets', through='assets.AssetCategory', to='assets.category'),
        ),
        migrations.CreateModel(
            name='DailyDelta',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('currency', models.CharField(max_length=3)),
                ('on', models.DateField()),
                ('owned_high', models.BigIntegerField()),
                ('owned_low', models.BigIntegerField()),
                ('owed_high', models.BigIntegerField()),
                ('owed_low', models.BigIntegerField()),
                ('asset_type', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='assets.assettype')),
                ('portfolio', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='portfolios.portfolio')),
            ],
            options={
                'db_table': 'assets_dailystep',
                'indexes': [models.Index(condition=models.Q(('asset_type', uuid.UUID('00000000-0000-0000-0000-000000000000'))), fields=['portfolio', 'on', 'currency'], name='daily_step_of_all_types')],
                'constraints': [models.UniqueConstraint(fields=('portfolio', 'on', 'currency', 'asset_type'), name='daily_step_one_per_day_and_kind')],
            },
        ),
        migrations.CreateModel(
            name='ExchangeRate',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('currency', strata.fields.currencies.CurrencyField()),
                ('on', strata.fields.dates.DayField()),
                ('units_per_euro', strata.fields.money.ExactField(positive=True)),
                ('source', models.CharField(choices=[('manual', 'Manual'), ('ecb', 'Ecb'), ('demo', 'Demo')], default='manual', max_length=6)),
                ('recorded_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('lasting', models.BooleanField(default=False, help_text='It holds until a newer one, not only for the next days.')),
            ],
            options={
                'ordering': ('-on', 'currency', '-id'),
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['currency', 'on'], name='rate_of_currency_on_day'), models.Index(condition=models.Q(('lasting', True)), fields=['currency', 'on'], name='rate_that_lasts')],
            },
        ),
        migrations.CreateModel(
            name='MonthlyValues',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('month', models.DateField(help_text='Its first day.')),
                ('days', models.IntegerField(help_text='A bit for each day that has a value; the lowest is the first day.')),
                ('amounts', models.BinaryField(help_text='The values in order, in ten-thousandths, eight bytes each.')),
                ('asset', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='assets.asset')),
            ],
            options={
                'db_table': 'assets_packedmonth',
                'constraints': [models.UniqueConstraint(fields=('asset', 'month'), name='packed_month_one_per_asset')],
            },
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('name', strata.fields.names.NameField(max_length=200)),
                ('name_key', strata.fields.names.NameKeyField(source='name')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('household', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='portfolios.household')),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('name_key', 'id'),
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('household', 'name_key'), name='tag_name_unique_in_household')],
            },
        ),
        migrations.CreateModel(
            name='AssetTag',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('asset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tag_links', to='assets.asset')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('tag', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='asset_links', to='assets.tag')),
            ],
            options={
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('asset', 'tag'), name='asset_once_with_a_tag')],
            },
        ),
        migrations.AddField(
            model_name='asset',
            name='tags',
            field=models.ManyToManyField(blank=True, related_name='assets', through='assets.AssetTag', to='assets.tag'),
        ),
        migrations.CreateModel(
            name='Transaction',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('type', models.CharField(choices=[('ACQUIRE', 'Acquire'), ('DISPOSE', 'Dispose'), ('ADJUST', 'Adjust'), ('INCOME', 'Income'), ('EXPENSE', 'Expense')], max_length=7)),
                ('amount', strata.fields.money.MoneyField(blank=True, null=True)),
                ('quantity', strata.fields.money.ExactField(blank=True, null=True)),
                ('unit_price', strata.fields.money.ExactField(blank=True, non_negative=True, null=True)),
                ('fee', strata.fields.money.MoneyField(default=0)),
                ('tax', strata.fields.money.MoneyField(default=0)),
                ('currency', strata.fields.currencies.CurrencyField()),
                ('occurred_at', strata.fields.dates.InstantField(blank=True, help_text='Empty: noon of the day, or now.')),
                ('on', strata.fields.dates.DayField(blank=True, help_text="Empty: the instant's day where the portfolio is.")),
                ('position', models.PositiveIntegerField(default=0)),
                ('note', strata.fields.names.NoteField(blank=True, default='', max_length=10000)),
                ('source', strata.fields.names.NameField(blank=True, default='', max_length=100)),
                ('external_id', strata.fields.names.NameField(blank=True, max_length=200, null=True)),
                ('asset', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='transactions', to='assets.asset')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-on', '-position', '-id'),
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['asset', 'on', 'position', 'id'], name='transaction_in_order')],
                'constraints': [models.UniqueConstraint(fields=('asset', 'source', 'external_id'), name='transaction_known_once_by_its_external_id'), models.CheckConstraint(condition=models.Q(('fee__gte', 0), ('tax__gte', 0)), name='transaction_costs_not_negative'), models.CheckConstraint(condition=models.Q(('amount', None), ('amount__gte', 0), _connector='OR'), name='transaction_amount_not_negative'), models.CheckConstraint(condition=models.Q(models.Q(('type', 'ADJUST'), _negated=True), ('amount', None), _connector='OR'), name='transaction_adjust_has_no_money')],
            },
        ),
        migrations.CreateModel(
            name='AssetSnapshot',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('value', strata.fields.money.MoneyField()),
                ('observed_at', strata.fields.dates.InstantField(blank=True, help_text='Empty: noon of the day, or now.')),
                ('on', strata.fields.dates.DayField(blank=True, help_text="Empty: the instant's day where the portfolio is.")),
                ('note', strata.fields.names.NoteField(blank=True, default='', max_length=10000)),
                ('asset', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='snapshots', to='assets.asset')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-on', '-observed_at', '-id'),
                'abstract': False,
                'base_manager_name': 'objects',
                'constraints': [models.UniqueConstraint(fields=('asset', 'on', 'observed_at'), name='snapshot_one_per_asset_and_instant')],
            },
        ),
        migrations.RunPython(types.add, types.remove),
        migrations.RunPython(rates.create_triggers, rates.drop_triggers),
        migrations.RunPython(conversion_rates.add, migrations.RunPython.noop),
    ]
