"""A transaction may be a leg of a transfer, and may name the lots that it takes."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assets', '0036_terms_of_loans_depreciation_and_growth'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='transaction',
            name='lots',
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name='chosen lots'),
        ),
        migrations.AddField(
            model_name='transaction',
            name='transfer_id',
            field=models.UUIDField(blank=True, editable=False, null=True, verbose_name='transfer'),
        ),
        migrations.AddIndex(
            model_name='transaction',
            index=models.Index(condition=models.Q(('transfer_id', None), _negated=True), fields=['transfer_id'], name='transaction_of_transfer'),
        ),
    ]
