"""What is wrong with a host or an origin, as text that follows the quoted entry: "'a b' has a blank"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address

DEFAULT_PORTS = {"http": "80", "https": "443"}
LONGEST_NAME = 253
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*(?!\d+$){_LABEL}", re.IGNORECASE | re.ASCII)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_HOST_AND_PORT = re.compile(r"(\[[^]]*\]|[^:]*)(?::(.*))?", re.DOTALL)
_SPELT_IN_TWO_WAYS = "ßς\u200c\u200d"  # the two IDNA standards treat these differently


def host_problem(entry: str, *, subdomains: bool = False, zones: bool = False) -> str | None:
    """Why `entry` is not a host as in a Host header, without a port; None where it is one.

    `subdomains`: a leading dot is accepted. `zones`: an IPv6 address may contain its interface.
    """
    return _extra_part_problem(entry) or _spelling_problem(entry) or _shape_problem(entry, subdomains, zones)


def _extra_part_problem(entry: str) -> str | None:
    if "://" in entry:
        return "has a scheme: write the host alone, such as strata.example.org"
    if "@" in entry:
        return "has a user name: write the host alone, such as strata.example.org"
    if re.search(r"[/\\?#]", entry):
        return "has a path: write the host alone, such as strata.example.org"
    if re.search(r"[\s\x00-\x1f\x7f]", entry):
        return "has a blank: separate entries with commas"
    return None


def _spelling_problem(entry: str) -> str | None:
    if entry.isascii():
        return None
    shown = ""
    if not any(letter in entry.lower() for letter in _SPELT_IN_TWO_WAYS):
        try:
            shown = f": {entry.encode('idna').decode()}"
        except UnicodeError:
            shown = ""
    return f"must be written as browsers send it, in ASCII (xn--...){shown}"


def _shape_problem(entry: str, subdomains: bool, zones: bool) -> str | None:
    if "*" in entry:
        return "has a wildcard: write .example.org for all hosts below example.org"
    if entry.startswith("[") or entry.count(":") > 1:
        return _ipv6_problem(entry, zones)
    if ":" in entry:
        return "has a port: write the host alone, such as strata.example.org"
    if is_address(entry):
        return None
    name = entry.removeprefix(".") if subdomains else entry
    return None if _NAME.fullmatch(name) and len(name) <= LONGEST_NAME else "is no host name and no address"


def _ipv6_problem(entry: str, zones: bool) -> str | None:
    inner, _, rest = entry.removeprefix("[").partition("]")
    address = as_ipv6(inner)
    if address is None or (address.scope_id and not zones):
        return "is no host name and no address"
    if rest:
        return f"has a port or more behind its address: write [{address}] alone"
    if entry.lower() != f"[{address}]":
        return f"is an IPv6 address: write [{address}]"
    return None


def as_ipv6(word: str) -> IPv6Address | None:
    try:
        return IPv6Address(word)
    except ValueError:
        return None


def is_address(word: str) -> bool:
    try:
        return bool(ip_address(word))
    except ValueError:
        return False


def host_for_url(host: str) -> str:
    """An IPv6 address in brackets, everything else as it is."""
    address = as_ipv6(host.removeprefix("[").removesuffix("]"))
    return f"[{address}]" if address else host


def origin_problem(entry: str, schemes: Iterable[str] = (), *, wildcard: bool = False) -> str | None:
    """Why `entry` is not an origin as browsers send it: scheme, host, and a port unless it is the default one.

    `wildcard`: https://*.example.org is accepted.
    """
    scheme, separator, rest = entry.partition("://")
    if not separator:
        return "has no scheme: write https:// before the host"
    is_accepted = scheme in schemes if schemes else bool(_SCHEME.fullmatch(scheme))
    if not is_accepted:
        beginnings = " or ".join(f"{name}://" for name in schemes) or "a scheme"
        return f"must begin with {beginnings}, in small letters"
    if re.search(r"[/\\?#]", rest):
        return "has a path: an origin ends with its host or port, without a slash"
    host, port = _host_and_port(rest)
    if wildcard and host.startswith("*."):
        host = host.removeprefix("*.")
    return host_problem(host) or _case_problem(host) or _port_problem(port, scheme)


def _host_and_port(rest: str) -> tuple[str, str | None]:
    match = _HOST_AND_PORT.fullmatch(rest)
    return (match[1], match[2]) if match else (rest, None)


def _case_problem(host: str) -> str | None:
    return None if host == host.lower() else "must be in small letters, as browsers send it"


def _port_problem(port: str | None, scheme: str) -> str | None:
    if port is None:
        return None
    if not re.fullmatch(r"[1-9][0-9]{0,4}", port, re.ASCII) or int(port) > 65535:
        return "has a port that is no number from 1 to 65535"
    if DEFAULT_PORTS.get(scheme) == port:
        return f"has the usual port, which browsers leave out: write it without :{port}"
    return None
