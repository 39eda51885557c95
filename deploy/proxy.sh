#!/bin/sh
# What compose.yaml starts nginx by: with deploy/nginx.conf, for a Strata at another address, and with a certificate that
# is made here until you put your own in its place (fullchain.pem and privkey.pem in the volume `certificate`).
set -eu
certificate=${CERTIFICATE:-/etc/ssl/strata}
shipped=${SHIPPED:-/deploy/nginx.conf}
used=${USED:-/etc/nginx/conf.d/default.conf}

if [ ! -e "$certificate/privkey.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$certificate/privkey.pem" -out "$certificate/fullchain.pem"
fi
# One server, and not on this machine.
sed -e "s/server 127\.0\.0\.1:8000 /server $STRATA /" -e '/server 127\.0\.0\.1:8001 /d' "$shipped" > "$used"
exec nginx -g 'daemon off;'
