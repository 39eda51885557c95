"""Give each user the key of their name, and refuse names that were two and are one from now on."""

from collections import defaultdict

from django.db import migrations

from strata.migrations._name_keys import first_name_key


def fill(apps, schema_editor):
    users = apps.get_model("strata", "User").objects.using(schema_editor.connection.alias)
    found = defaultdict(dict)
    for pk, username in users.values_list("pk", "username"):
        found[first_name_key(username.strip())][pk] = username
    if doubles := [", ".join(sorted(names.values())) for names in found.values() if len(names) > 1]:
        raise RuntimeError(
            "These usernames are one from now on, whatever their case: "
            + "; ".join(sorted(doubles))
            + ". Rename all but one of each in the admin of the version before, then migrate."
        )
    for key, names in found.items():
        users.filter(pk__in=names).update(username_key=key)


class Migration(migrations.Migration):
    dependencies = (("strata", "0003_usernames_have_a_key"),)
    operations = (migrations.RunPython(fill, migrations.RunPython.noop),)
