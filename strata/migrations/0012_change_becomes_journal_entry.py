"""The journal's model is called JournalEntry. The table keeps its name, so that nothing changes in the database."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = (("strata", "0011_the_channel_of_a_change"),)
    operations = (
        migrations.AlterModelTable("Change", "strata_change"),
        migrations.RenameModel("Change", "JournalEntry"),
        migrations.AlterModelOptions(
            "JournalEntry",
            {"ordering": ("-id",), "base_manager_name": "objects", "verbose_name": "change"},
        ),
    )
