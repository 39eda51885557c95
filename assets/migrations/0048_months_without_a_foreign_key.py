"""On PostgreSQL months of values are no longer compared with the table of assets, row by row (docs/decisions/0059).

The constraint is dropped there without a look at any row. SQLite, where it costs nothing that could be measured and
where dropping it means to write the table anew, keeps it.
"""

import django.db.models.deletion
from django.db import migrations, models

NAME = "assets_packedmonth_asset_id_20f4ed2b_fk_assets_asset_id"
DROP = f"ALTER TABLE assets_packedmonth DROP CONSTRAINT IF EXISTS {NAME}"
ADD = (
    f"ALTER TABLE assets_packedmonth ADD CONSTRAINT {NAME} FOREIGN KEY (asset_id) REFERENCES assets_asset (id)"
    " DEFERRABLE INITIALLY DEFERRED NOT VALID",
    f"ALTER TABLE assets_packedmonth VALIDATE CONSTRAINT {NAME}",
)


def drop(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(DROP)


def add(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for statement in ADD:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = (("assets", "0047_loans_of_fifty_years_of_weeks"),)
    operations = (
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(drop, add)],
            state_operations=[
                migrations.AlterField(
                    model_name="monthlyvalues",
                    name="asset",
                    field=models.ForeignKey(
                        db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE,
                        related_name="+", to="assets.asset",
                    ),
                ),
            ],
        ),
    )  # fmt: skip
