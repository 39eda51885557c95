"""The general throttle: so many requests a minute for each user, or address when nobody is logged in.

Counts stand in Django's cache. With the default local-memory cache each worker counts for itself; set
CACHE_URL to a shared cache to count across workers.
"""

from django.conf import settings
from rest_framework.throttling import SimpleRateThrottle


class GeneralThrottle(SimpleRateThrottle):
    scope = "general"

    def get_rate(self):
        return None if settings.API_THROTTLE == "off" else settings.API_THROTTLE

    def get_cache_key(self, request, view):
        known = request.user and request.user.is_authenticated
        who = f"user-{request.user.pk}" if known else f"address-{self.get_ident(request)}"
        return self.cache_format % {"scope": self.scope, "ident": who}
