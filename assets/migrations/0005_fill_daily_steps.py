"""Add the daily deltas of all existing values."""

from django.db import migrations

# Of each day the value of the latest instant counts; an asset counts until the day before its disposal.
FILL = """
    INSERT INTO assets_dailystep
        (portfolio_id, "on", currency, asset_type_id, owned_high, owned_low, owed_high, owed_low)
    WITH each_value AS (
        SELECT s.asset_id, s."on", s.value,
            LEAD(s."on") OVER (PARTITION BY s.asset_id ORDER BY s."on", s.observed_at) AS next_on
        FROM assets_assetsnapshot s JOIN assets_asset a ON a.id = s.asset_id
        WHERE a.disposed_on IS NULL OR s."on" < a.disposed_on
    ),
    side AS (
        SELECT asset_id, "on", CASE WHEN value > 0 THEN value ELSE 0 END AS owned,
            CASE WHEN value < 0 THEN value ELSE 0 END AS owed
        FROM each_value WHERE next_on IS NULL OR next_on <> "on"
        UNION ALL
        SELECT id, disposed_on, 0, 0 FROM assets_asset WHERE disposed_on IS NOT NULL
    ),
    step AS (
        SELECT asset_id, "on",
            owned - COALESCE(LAG(owned) OVER (PARTITION BY asset_id ORDER BY "on"), 0) AS owned,
            owed - COALESCE(LAG(owed) OVER (PARTITION BY asset_id ORDER BY "on"), 0) AS owed
        FROM side
    )
    SELECT a.portfolio_id, step."on", a.currency, a.asset_type_id,
        SUM(owned / 100000000), SUM(owned % 100000000), SUM(owed / 100000000), SUM(owed % 100000000)
    FROM step JOIN assets_asset a ON a.id = step.asset_id
    WHERE owned <> 0 OR owed <> 0
    GROUP BY a.portfolio_id, step."on", a.currency, a.asset_type_id
    ORDER BY a.portfolio_id, step."on", a.currency, a.asset_type_id
"""
# Instead of a type: all types.
FILL_ALL_TYPES = """
    INSERT INTO assets_dailystep
        (portfolio_id, "on", currency, asset_type_id, owned_high, owned_low, owed_high, owed_low)
    SELECT portfolio_id, "on", currency, '00000000000000000000000000000000',
        SUM(owned_high), SUM(owned_low), SUM(owed_high), SUM(owed_low)
    FROM assets_dailystep GROUP BY portfolio_id, "on", currency ORDER BY portfolio_id, "on", currency
"""


class Migration(migrations.Migration):

    dependencies = [
        ('assets', '0004_daily_steps'),
    ]

    operations = [
        migrations.RunSQL([FILL, FILL_ALL_TYPES], "DELETE FROM assets_dailystep"),
    ]
