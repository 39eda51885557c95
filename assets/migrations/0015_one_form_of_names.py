"""Give assets and labels the keys that encodings and invisible characters do not change (docs/decisions/0011)."""

from django.db import migrations

from strata.migrations._name_keys import Names, keys_of_names

NAMES = (
    Names("assets.Asset"),
    Names("assets.AssetType", name="label", key="label_key"),
    Names("assets.Category", scope=("parent_id", "household_id")),
    Names("assets.Tag", scope=("household_id",)),
)


class Migration(migrations.Migration):
    dependencies = (
        ("assets", "0014_keys_and_codes_go_by_code_point"),
        ("strata", "0009_one_form_of_usernames"),
    )
    run_before = (("strata", "0011_the_channel_of_a_change"),)  # which renames the journal's `road`
    operations = (migrations.RunPython(*keys_of_names(*NAMES)),)
