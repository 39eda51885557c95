"""When a load of prices was withdrawn: none of its prices counts since (docs/decisions/0057)."""

from django.db import migrations

from strata.fields.dates import InstantField
from strata.migrations._refusing import refuse_backwards


class Migration(migrations.Migration):
    dependencies = (("assets", "0045_months_of_values_have_no_id"),)
    operations = (
        migrations.AddField(
            "priceload",
            "withdrawn_at",
            InstantField(blank=True, editable=False, null=True, verbose_name="withdrawn"),
        ),
        refuse_backwards(
            "assets",
            "PriceLoad",
            "Their prices would count again: set withdrawn_at of them to NULL, and run rebuild afterwards.",
            withdrawn_at__isnull=False,
        ),
    )
