"""New keys of usernames, which ignore ligatures, widths and invisible characters (docs/decisions/0011)."""

from django.db import migrations

from strata.migrations._name_keys import Names, keys_of_names

SHOWN = ("username", "email", "first_name", "last_name", "is_active", "is_staff", "is_superuser")


def image(rows, pk):
    return rows.filter(pk=pk).values(*SHOWN).get()


USERS = Names(
    "strata.User",
    scope=(),
    name="username",
    key="username_key",
    age=("date_joined", "pk"),
    numbered="-{}",
    household=None,
    image=image,
)


class Migration(migrations.Migration):
    dependencies = (("strata", "0008_keys_of_usernames_go_by_code_point"),)
    operations = (migrations.RunPython(*keys_of_names(USERS)),)
