"""Give portfolios and households the keys that encodings and invisible characters do not change (decision 0011)."""

from django.db import migrations

from strata.migrations._name_keys import Names, keys_of_names

NAMES = (Names("portfolios.Household"), Names("portfolios.Portfolio", scope=("household_id",)))


class Migration(migrations.Migration):
    dependencies = (
        ("portfolios", "0004_households_have_keys"),
        ("strata", "0009_one_form_of_usernames"),
    )
    operations = (migrations.RunPython(*keys_of_names(*NAMES)),)
