"""Usernames are sorted by code point, on PostgreSQL with any locale."""

from django.db import migrations

from strata.db.collation import collate_by_code_point


class Migration(migrations.Migration):
    dependencies = (("strata", "0007_the_name_of_an_api_token"),)
    operations = (collate_by_code_point(("strata.User", "username_key")),)
