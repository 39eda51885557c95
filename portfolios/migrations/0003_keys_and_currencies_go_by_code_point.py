"""The order of keys and currencies on a PostgreSQL of any locale."""

from django.db import migrations

from strata.db.collation import collate_by_code_point


class Migration(migrations.Migration):
    dependencies = (("portfolios", "0002_allocation_targets_and_revisions_of_snapshots"),)
    operations = (
        collate_by_code_point(
            ("portfolios.Portfolio", "name_key"),
            ("portfolios.Portfolio", "base_currency"),
            ("portfolios.PortfolioSnapshot", "currency"),
            ("portfolios.AllocationTarget", "currency"),
        ),
    )
