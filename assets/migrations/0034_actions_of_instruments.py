"""Corporate actions of instruments: splits, spin-offs, mergers and others."""

import django.db.models.deletion
import django.utils.timezone
import strata.db.collation
import strata.fields.dates
import strata.fields.ids
import strata.fields.money
import strata.fields.names
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assets', '0033_price_sources'),
        ('portfolios', '0012_households_that_the_demo_made'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='InstrumentAction',
            fields=[
                ('id', models.UUIDField(default=strata.fields.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='updated at')),
                ('type', models.CharField(choices=[('split', 'Split'), ('stock_dividend', 'Stock dividend'), ('spin_off', 'Spin-off'), ('merger', 'Merger'), ('return_of_capital', 'Return of capital'), ('rename', 'New name')], max_length=17, verbose_name='type')),
                ('on', strata.fields.dates.DayField(verbose_name='date')),
                ('numerator', models.PositiveIntegerField(blank=True, null=True, verbose_name='new shares')),
                ('denominator', models.PositiveIntegerField(blank=True, null=True, verbose_name='for old shares')),
                ('to_asset_id', models.UUIDField(blank=True, null=True, verbose_name='into the asset')),
                ('cost_ratio', strata.fields.money.ExactField(blank=True, non_negative=True, null=True, verbose_name='part of the cost that moves')),
                ('cash', strata.fields.money.ExactField(blank=True, non_negative=True, null=True, verbose_name='cash per share')),
                ('cash_cost_ratio', strata.fields.money.ExactField(blank=True, non_negative=True, null=True, verbose_name='part of the cost that the cash closes')),
                ('amount', strata.fields.money.ExactField(blank=True, non_negative=True, null=True, verbose_name='amount per share')),
                ('symbol', strata.fields.names.NameField(blank=True, default='', max_length=40, verbose_name='new symbol')),
                ('isin', strata.db.collation.CodeField(blank=True, default='', max_length=12, verbose_name='new ISIN')),
                ('created_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('household', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='instrument_actions', to='portfolios.household', verbose_name='household')),
                ('instrument', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='actions', to='assets.instrument', verbose_name='security or index')),
                ('to_instrument', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='actions_into', to='assets.instrument', verbose_name='into')),
                ('updated_by', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('-on', '-id'),
                'abstract': False,
                'base_manager_name': 'objects',
                'indexes': [models.Index(fields=['instrument', 'on', 'id'], name='action_of_instrument_in_order')],
            },
        ),
    ]
