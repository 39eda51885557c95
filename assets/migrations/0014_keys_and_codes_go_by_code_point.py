"""The order of keys, codes and currencies on a PostgreSQL of any locale."""

import django.core.validators
from django.db import migrations

import strata.db.collation


class Migration(migrations.Migration):
    dependencies = (("assets", "0013_assets_go_by_their_keys"),)
    operations = (
        migrations.AlterField(
            "assettype",
            "code",
            strata.db.collation.CodeField(
                max_length=40,
                validators=[
                    django.core.validators.RegexValidator("^[A-Z][A-Z0-9_]*\\Z", "Use A-Z, 0-9 and _.")
                ],
            ),
        ),
        strata.db.collation.collate_by_code_point(
            ("assets.Category", "name_key"),
            ("assets.Tag", "name_key"),
            ("assets.Asset", "currency"),
            ("assets.Transaction", "currency"),
            ("assets.ExchangeRate", "currency"),
        ),
    )
