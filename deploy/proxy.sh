#!/bin/sh
# compose.yaml starts nginx with this script. It uses deploy/nginx.conf with one or two addresses of Strata, and creates a
# certificate, which you can replace with your own (fullchain.pem and privkey.pem in the volume `certificate`).
set -eu
certificate=${CERTIFICATE:-/etc/ssl/strata}
shipped=${SHIPPED:-/deploy/nginx.conf}
used=${USED:-/etc/nginx/conf.d/default.conf}

if [ ! -e "$certificate/privkey.pem" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout "$certificate/privkey.pem" -out "$certificate/fullchain.pem"
fi
# One or two servers, and not on this machine.
first=${STRATA%% *} second=${STRATA#"${STRATA%% *}"}
if [ -n "$second" ]; then second="s/server 127\.0\.0\.1:8001 /server${second} /"; else second='/server 127\.0\.0\.1:8001 /d'; fi
sed -e "s/server 127\.0\.0\.1:8000 /server $first /" -e "$second" "$shipped" > "$used"
exec nginx -g 'daemon off;'
