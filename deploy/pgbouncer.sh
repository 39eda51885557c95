#!/bin/sh
# compose.yaml starts PgBouncer with this script. It uses deploy/pgbouncer.ini with the address of another server, and with
# one user, who has the same name and password on the server.
set -eu
shipped=${SHIPPED:-/deploy/pgbouncer.ini}
folder=${FOLDER:-/tmp/pgbouncer}
umask 077
mkdir -p "$folder"
printf '"%s" "%s"\n' "$POSTGRES_USER" "$POSTGRES_PASSWORD" > "$folder/userlist.txt"
sed -e "s/host=127\.0\.0\.1 port=5432/$SERVER/" -e "s/^listen_addr = .*/listen_addr = ${ADDRESS:-*}/" \
    -e "s/^listen_port = .*/listen_port = ${PORT:-6432}/" -e 's/^unix_socket_dir = .*/unix_socket_dir =/' \
    -e "s|/etc/pgbouncer/|$folder/|" -e '/^logfile = /d' -e '/^pidfile = /d' "$shipped" > "$folder/pgbouncer.ini"
exec pgbouncer "$folder/pgbouncer.ini"
