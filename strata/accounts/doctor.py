"""The check of logins for `manage.py doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from axes.models import AccessAttempt
from django.utils import timezone

from strata.accounts.lockout import FORGOTTEN_AFTER, counted_key
from strata.accounts.models import EVERYWHERE, NO_ADDRESS, LoginCount
from strata.doctor import Level, examines

NO_ADDRESS_SEEN = (
    "A proxy in TRUSTED_PROXIES does not send the addresses of its clients in X-Forwarded-For:"
    " no client is known by an address, and failed logins are counted by name only."
)
ONE_ADDRESS_SEEN = (
    "All clients come from one address, {}: a few failed logins of one client lock out all of them."
    " If it is the address of a proxy, name it in TRUSTED_PROXIES, and let the proxy send X-Forwarded-For."
)


@examines("clients")
def clients_have_addresses_of_their_own() -> Iterator[tuple[Level, str]]:
    """Behind a proxy that is not set up, all logins and failed logins have the address of the proxy."""
    of_late = LoginCount.objects.filter(last_login_at__gte=timezone.now() - FORGOTTEN_AFTER)
    logins = of_late.exclude(address=EVERYWHERE).values_list("name_key", "address")
    failures = AccessAttempt.objects.values_list("username", "ip_address")
    seen = {(counted_key(name or ""), address or NO_ADDRESS) for name, address in chain(logins, failures)}
    names, addresses = {name for name, _ in seen}, {address for _, address in seen}
    if NO_ADDRESS in addresses:
        yield Level.WARN, NO_ADDRESS_SEEN
    elif len(addresses) == 1 and len(names) > 1:
        yield Level.WARN, ONE_ADDRESS_SEEN.format(*addresses)
    else:
        yield Level.OK, f"{len(addresses)} addresses of {len(names)} names"
