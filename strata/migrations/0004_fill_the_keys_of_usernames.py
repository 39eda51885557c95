"""Give each user the key of their name. Refuse to migrate where two usernames now have the same key."""

from collections import defaultdict

from django.db import migrations

from strata.migrations._name_keys import first_name_key


def fill(apps, schema_editor):
    users = apps.get_model("strata", "User").objects.using(schema_editor.connection.alias)
    names_by_key = defaultdict(dict)
    for pk, username in users.values_list("pk", "username"):
        names_by_key[first_name_key(username.strip())][pk] = username
    if doubles := [", ".join(sorted(names.values())) for names in names_by_key.values() if len(names) > 1]:
        raise RuntimeError(
            "These usernames are one from now on, whatever their case: "
            + "; ".join(sorted(doubles))
            + ". Rename all but one of each in the admin of the version before, then migrate."
        )
    for key, names in names_by_key.items():
        users.filter(pk__in=names).update(username_key=key)


class Migration(migrations.Migration):
    dependencies = (("strata", "0003_usernames_have_a_key"),)
    operations = (migrations.RunPython(fill, migrations.RunPython.noop),)
