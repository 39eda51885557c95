"""Where prices come from: sources, by which symbol they know an instrument, and what became of the last fetch."""
import django.db.models.deletion
import django.utils.timezone
import strata.db.collation
import strata.fields.ids
import strata.fields.names
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assets', '0032_prices_of_instruments'),
        ('portfolios', '0012_households_that_the_demo_made'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PriceFetch',
            fields=[
                ('instrument', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='fetch', serialize=False, to='assets.instrument')),
                ('requested_at', models.DateTimeField(null=True)),
                ('finished_at', models.DateTimeField(null=True)),
                ('outcome', models.CharField(blank=True, default='', max_length=200)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='PriceSource',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='updated at')),
                ('name', strata.fields.names.NameField(max_length=100, verbose_name='name')),
                ('name_key', strata.fields.names.NameKeyField(source='name')),
                ('source_type', models.CharField(choices=[('json', 'JSON'), ('csv', 'CSV'), ('coingecko', 'CoinGecko'), ('yfinance', 'Yahoo Finance')], max_length=9, verbose_name='format')),
                ('url', strata.db.collation.CodeField(blank=True, default='', help_text='With {symbol}, and where it takes them {start}, {end} and {currency}.', max_length=1000, verbose_name='address')),
                ('rows_path', strata.db.collation.CodeField(blank=True, default='', max_length=200, verbose_name='path to the rows')),
                ('date_field', strata.db.collation.CodeField(blank=True, default='date', max_length=100, verbose_name='field of the day')),
                ('price_field', strata.db.collation.CodeField(blank=True, default='close', max_length=100, verbose_name='field of the price')),
                ('delimiter', strata.db.collation.CodeField(default=',', max_length=1, verbose_name='separator')),
                ('decimal', strata.db.collation.CodeField(default='.', max_length=1, verbose_name='decimal mark')),
                ('unit', strata.db.collation.CodeField(default='1', help_text='What one of its prices is as quoted: 100 where it sends pounds and the security is quoted in pence.', max_length=19, verbose_name='unit')),
                ('split_adjusted', models.BooleanField(default=False, verbose_name='divided by later splits')),
                ('enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('household', models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='price_sources', to='portfolios.household')),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('name_key', 'id'),
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.CreateModel(
            name='PriceSourceHealth',
            fields=[
                ('source', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='health', serialize=False, to='assets.pricesource')),
                ('failures', models.PositiveIntegerField(default=0)),
                ('closed_until', models.DateTimeField(null=True)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='InstrumentSource',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='updated at')),
                ('symbol', strata.fields.names.NameField(max_length=100, verbose_name='symbol')),
                ('priority', models.PositiveSmallIntegerField(default=1, verbose_name='priority')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('instrument', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sources', to='assets.instrument', verbose_name='security or index')),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('source', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='instruments', to='assets.pricesource', verbose_name='price source')),
            ],
            options={
                'ordering': ('priority', 'id'),
                'abstract': False,
                'base_manager_name': 'objects',
            },
        ),
        migrations.AddConstraint(
            model_name='pricesource',
            constraint=models.UniqueConstraint(fields=('name_key',), name='price_source_one_per_name'),
        ),
        migrations.AddConstraint(
            model_name='instrumentsource',
            constraint=models.UniqueConstraint(fields=('instrument', 'source'), name='instrument_source_one_per_source'),
        ),
    ]
