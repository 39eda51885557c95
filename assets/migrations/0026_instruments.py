"""Instruments: what has a price."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import strata.db.collation
import strata.fields.currencies
import strata.fields.ids
import strata.fields.names
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assets', '0025_own_order_of_assets'),
        ('portfolios', '0012_households_that_the_demo_made'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Instrument',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('symbol', strata.fields.names.NameField(max_length=40, verbose_name='symbol')),
                ('symbol_key', strata.fields.names.NameKeyField(source='symbol')),
                ('name', strata.fields.names.NameField(max_length=200, verbose_name='name')),
                ('name_key', strata.fields.names.NameKeyField(source='name')),
                ('instrument_type', models.CharField(choices=[('share', 'Share'), ('fund', 'Fund'), ('etf', 'ETF'), ('bond', 'Bond'), ('crypto', 'Crypto'), ('commodity', 'Commodity'), ('currency', 'Currency'), ('option', 'Option'), ('index', 'Index'), ('other', 'Other')], default='other', max_length=9, verbose_name='type of security')),
                ('isin', strata.db.collation.CodeField(blank=True, default='', max_length=12, verbose_name='ISIN')),
                ('cusip', strata.db.collation.CodeField(blank=True, default='', max_length=9, verbose_name='CUSIP')),
                ('sedol', strata.db.collation.CodeField(blank=True, default='', max_length=7, verbose_name='SEDOL')),
                ('mic', strata.db.collation.CodeField(blank=True, default='', help_text='Its market identifier code, such as XETR.', max_length=4, verbose_name='exchange')),
                ('currency', strata.fields.currencies.CurrencyField(verbose_name='currency')),
                ('quote_unit', strata.db.collation.CodeField(default='1', help_text='What one unit of its price is in the currency: 1/100 for pence, 100 for an option.', max_length=19, verbose_name='quoted in')),
                ('max_age_days', models.PositiveSmallIntegerField(blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)], verbose_name='a price counts for (days)')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('household', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='instruments', to='portfolios.household', verbose_name='household')),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('symbol_key', 'id'),
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(condition=models.Q(('isin', ''), _negated=True), fields=['isin'], name='instrument_by_isin'), models.Index(fields=['symbol_key'], name='instrument_by_symbol')],
            },
        ),
    ]
