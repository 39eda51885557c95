"""What a page may load, which pages of other origins may call the API, and further headers of every answer."""

from __future__ import annotations

from corsheaders.defaults import default_headers
from django.utils.csp import CSP

# What a page may load, and who may show it in a frame.
CONTENT_POLICY = {
    "default-src": [CSP.SELF],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "object-src": [CSP.NONE],
    "base-uri": [CSP.NONE],
    "form-action": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
}
# Exceptions for the admin only, because its theme (django-unfold) needs them. Inline scripts do not run there either.
# 'unsafe-eval': its menus, tabs and modals use Alpine.js, which evaluates expressions in attributes.
# 'unsafe-inline' for styles: the theme writes its colours into a <style> element, and Alpine and select2 set styles.
CONTENT_POLICY_OF_ADMIN = CONTENT_POLICY | {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
}

# Headers that a page of another origin may send to the API, and those of an answer that it may read.
SENT_HEADERS = (*default_headers, "idempotency-key", "if-match", "if-none-match", "x-request-id")
READ_HEADERS = (
    "content-disposition",
    "etag",
    "idempotency-replayed",
    "location",
    "retry-after",
    "strata-notice",
    "strata-stale",
    "x-request-id",
)

NO_DEVICES = ", ".join(
    f"{feature}=()"
    for feature in (
        "accelerometer",
        "browsing-topics",
        "camera",
        "display-capture",
        "geolocation",
        "gyroscope",
        "magnetometer",
        "microphone",
        "midi",
        "payment",
        "screen-wake-lock",
        "usb",
    )
)
