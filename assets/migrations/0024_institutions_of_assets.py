"""Where an asset is kept, and the end of its account's number. The version before may go on writing assets."""

from django.db import migrations

import strata.fields.account_numbers
import strata.fields.names


class Migration(migrations.Migration):
    dependencies = (("assets", "0023_labels_of_groups"),)
    operations = (
        migrations.AddField(
            "asset",
            "institution",
            strata.fields.names.NameField(
                blank=True, db_default="", default="", max_length=200, verbose_name="institution"
            ),
        ),
        migrations.AddField(
            "asset",
            "institution_key",
            strata.fields.names.NameKeyField(db_default="", source="institution"),
        ),
        migrations.AddField(
            "asset",
            "account_number_end",
            strata.fields.account_numbers.AccountNumberEndField(
                blank=True,
                db_default="",
                default="",
                max_length=8,
                verbose_name="last digits of the account number",
            ),
        ),
    )
