#!/bin/sh
# compose.yaml starts the standby with this script: at the first start it copies the primary, whose log it then replays.
# Arguments go to postgres.
set -eu
if [ ! -e "$PGDATA" ]; then
    rm -rf "$PGDATA.part"  # of a copy that was interrupted
    pg_basebackup --dbname="$PRIMARY" --pgdata="$PGDATA.part" --checkpoint=fast --write-recovery-conf
    mv "$PGDATA.part" "$PGDATA"
fi
exec postgres -D "$PGDATA" -c hot_standby_feedback=on "$@"
