-- Puts the table of values into 16 parts by the hash of the asset: see "Partitions" in docs/operations.md.
-- Stop the writers before, and run it as the role that runs `migrate`, in one transaction:
-- psql --single-transaction -v ON_ERROR_STOP=1 -f partition-values.sql strata
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE assets_assetsnapshot RENAME TO assets_assetsnapshot_whole;
CREATE TABLE assets_assetsnapshot (LIKE assets_assetsnapshot_whole INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
    PARTITION BY HASH (asset_id);
DO $$ BEGIN
    FOR part IN 0..15 LOOP
        EXECUTE format(
            'CREATE TABLE assets_assetsnapshot_%s PARTITION OF assets_assetsnapshot'
            ' FOR VALUES WITH (MODULUS 16, REMAINDER %s)', part, part
        );
    END LOOP;
END $$;
INSERT INTO assets_assetsnapshot SELECT * FROM assets_assetsnapshot_whole;
-- The foreign keys with the names that they had, so that later migrations find them.
DO $$
DECLARE reference record;
BEGIN
    FOR reference IN
        SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
        WHERE conrelid = 'assets_assetsnapshot_whole'::regclass AND contype = 'f'
    LOOP
        EXECUTE format(
            'ALTER TABLE assets_assetsnapshot ADD CONSTRAINT %I %s', reference.conname, reference.definition
        );
    END LOOP;
END $$;
DROP TABLE assets_assetsnapshot_whole;
-- In this order: a value that is looked up by its id alone is then found by an index of each part.
ALTER TABLE assets_assetsnapshot ADD CONSTRAINT assets_assetsnapshot_pkey PRIMARY KEY (id, asset_id);
ALTER TABLE assets_assetsnapshot
    ADD CONSTRAINT snapshot_one_per_asset_and_instant UNIQUE (asset_id, "on", observed_at);
ANALYZE assets_assetsnapshot;
