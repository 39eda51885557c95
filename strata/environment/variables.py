"""Reading a setting from the environment. An invalid value is refused with the name of the setting and the value.

Nothing here imports Django's settings: settings.py and gunicorn.conf.py call these functions while they load.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import socket
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import resources
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from strata.db.private_files import make_private_folder, mode_of, narrow
from strata.environment.host_names import host_for_url, host_problem, origin_problem

SWITCH = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
PUBLISHED_KEYS = ("change-me", "change_me", "changeme", "secret", "django-insecure", "example", "strata")
SHORTEST_KEY = 50
LARGEST = 2**31 - 1  # of a number, unless the setting has a smaller limit
_SEGMENTS = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
_RATE = re.compile(r"off|[1-9][0-9]{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)")


def refusal(name: str, entry: str, problem: str) -> ImproperlyConfigured:
    """The error for an entry, which is quoted with escaped control characters. Not for settings with a secret."""
    return ImproperlyConfigured(f"{name}: {entry[:200]!a} {problem}.")


# --- words and numbers ---


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, "").strip() or default


def listed(name: str, default: Iterable[str] = ()) -> list[str]:
    """Comma-separated words."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or list(default)


def choice(name: str, default: str, choices: Iterable[str]) -> str:
    """One of the words, in any case. It is returned as written in `choices`."""
    given = text(name, default)
    for word in choices:
        if given.lower() == word.lower():
            return word
    raise refusal(name, given, f"must be one of {', '.join(choices)}")


def switch(name: str, default: bool) -> bool:
    given = text(name)
    return SWITCH[choice(name, "", SWITCH)] if given else default


def number(name: str, default: int, least: int = 0, most: int = LARGEST) -> int:
    given = text(name, str(default))
    if not re.fullmatch(r"[0-9]{1,12}", given, re.ASCII) or not least <= int(given) <= most:
        raise refusal(name, given, f"must be a whole number from {least} to {most}")
    return int(given)


def optional_number(name: str, most: int = LARGEST) -> int | None:
    """None where it is not set."""
    return number(name, 0, most=most) if text(name) else None


def request_rate(name: str, default: str) -> str:
    given = text(name, default).lower()
    if not _RATE.fullmatch(given):
        raise refusal(name, given, "must be like 1200/min, or off")
    return given


def time_zone(name: str, default: str) -> str:
    """The name of a time zone in the tzdata package, as for portfolios."""
    given = text(name, default)
    zones = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    if given not in zones or given == "Factory":
        raise refusal(name, given, "must be the name of a time zone, such as Europe/Berlin")
    return given


# --- hosts, origins, networks and paths ---


def checked(name: str, entries: list[str], problem_of: Callable[[str], str | None]) -> list[str]:
    for entry in entries:
        if problem := problem_of(entry):
            raise refusal(name, entry, problem)
    return entries


def hosts(name: str, default: Iterable[str] = ()) -> list[str]:
    """Hosts as browsers send them, without a port. `.example.org` is every host below example.org, `*` every host."""

    def problem_of(entry: str) -> str | None:
        return None if entry == "*" else host_problem(entry, subdomains=True)

    return checked(name, listed(name, default), problem_of)


def origins(name: str, schemes: Iterable[str] = (), *, wildcard: bool = False) -> list[str]:
    """Origins such as https://example.org. Without `schemes` any scheme is accepted, such as that of a mobile app."""
    return checked(name, listed(name), lambda entry: origin_problem(entry, schemes, wildcard=wildcard))


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Addresses or networks such as 10.0.0.0/8."""
    checked(name, listed(name), network_problem)
    return [ip_network(entry) for entry in listed(name)]


def network_problem(entry: str) -> str | None:
    try:
        ip_network(entry)
    except ValueError:
        with suppress(ValueError):
            return f"has bits behind its mask: write {ip_network(entry, strict=False)}"
        return "must be an address or a network such as 10.0.0.0/8"
    return None


def bind_host(name: str, default: str) -> str:
    """An address or a host name to listen on, as in a URL: an IPv6 address in brackets."""
    given = text(name, default)
    if "*" in given:
        raise refusal(name, given, "has a wildcard: write 0.0.0.0, or [::] for IPv6 as well")
    host = host_for_url(given)
    if problem := host_problem(host, zones=True):
        raise refusal(name, given, problem)
    return host


def port_problem(host: str, port: int) -> str | None:
    """A sentence where the port is in use; else None. gunicorn reports other problems with the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as gunicorn does
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"Port {port} is in use; choose another with PORT=."
    return None


def redis_url(name: str) -> str:
    """redis://, rediss:// or unix://; "" where it is not set. It may have a password, so it is never quoted."""
    given = text(name)
    if not given:
        return ""
    try:
        url = urlsplit(given)
        is_valid = url.scheme in ("redis", "rediss") and bool(url.hostname) and url.port != 0
        is_valid = is_valid or (url.scheme == "unix" and url.path.startswith("/"))
        is_valid = is_valid and (url.scheme == "unix" or bool(re.fullmatch(r"/?|/[0-9]{1,5}", url.path)))
    except ValueError:
        is_valid = False
    if not is_valid:
        raise ImproperlyConfigured(
            f"{name} must be like redis://:password@host:6379/0 (rediss:// with TLS), or unix:///path/of/the/socket."
        )
    return given


def url_prefix(name: str) -> str:
    """The path under which a proxy serves Strata, such as /strata; "" where Strata has its own host."""
    given = text(name)
    if given and not _SEGMENTS.fullmatch(given):
        raise refusal(
            name, given, "must be a path such as /strata, which begins with a slash and ends without one"
        )
    return given


# --- which environment, and the secret key ---

ENVIRONMENTS = ("development", "production")


def environment(name: str, *, file: Path | None) -> str:
    """Which one it is. In development the other variables of `file` are read too, if it is there: production takes none
    from a file beside the code.
    """
    chosen = choice(name, "development", ENVIRONMENTS)
    if chosen != "production" and file is not None and file.is_file():
        environ.Env.read_env(str(file))
        if text(name, chosen).lower() != chosen:
            raise ImproperlyConfigured(f"{name} cannot be set in .env, which production does not read.")
    return chosen


def require_safe_production(key: str, *, debug: bool, hosts: list[str]) -> None:
    """Raise ImproperlyConfigured with the name of a setting that is missing or unsafe."""
    if not key:
        raise ImproperlyConfigured("SECRET_KEY is not set: production needs one of its own.")
    if any(published in key.lower() for published in PUBLISHED_KEYS):
        raise ImproperlyConfigured("SECRET_KEY is a published example: make one of your own.")
    if len(key) < SHORTEST_KEY or len(set(key)) < 10:
        raise ImproperlyConfigured(f"SECRET_KEY is too short: use at least {SHORTEST_KEY} random characters.")
    if debug:
        raise ImproperlyConfigured("DEBUG is on: it must be off in production.")
    if not hosts or "*" in hosts:
        raise ImproperlyConfigured("ALLOWED_HOSTS must name the hosts in production; '*' is refused.")


def development_secret_key(path: Path) -> str:
    """The key for development. It is created once and stored in a file that only its owner may read."""
    try:
        make_private_folder(path.parent)
        if mode_of(path) is None:
            write_once(path, secrets.token_urlsafe(64))
        narrow(path)
        return path.read_text().strip()
    except OSError as error:
        lost = f"SECRET_KEY is not set and cannot be kept ({error}): logins end with this process."
        warnings.warn(lost, stacklevel=2)
        return secrets.token_urlsafe(64)


def write_once(path: Path, content: str) -> None:
    """Write a file atomically, with mode 600: two workers may start at once, and both must read the same key."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=f"{path.name}.") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(content)
        file.flush()
        with suppress(FileExistsError):
            os.link(file.name, path)
