"""Which addresses a provider may be reached at: public ones, and private ones that a setting names."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from queue import Empty, SimpleQueue
from threading import Thread

type Address = tuple[object, ...]
type AddressInfo = tuple[int, Address]  # the family, and what a socket of it connects to
_NAT64 = IPv6Network("64:ff9b::/96")  # an IPv4 address in the last four bytes


class RefusedAddress(Exception):
    """The host has no address that may be connected to."""


def is_public(text: str) -> bool:
    """Whether everybody can reach the address. An IPv4 address inside of an IPv6 one counts as that address."""
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None and not _is_global(inner):
            return False
    return _is_global(address)


def _is_global(address: IPv4Address | IPv6Address) -> bool:
    return address.is_global and not address.is_multicast


def is_allowed(host: str, port: int, private_hosts: Collection[str]) -> bool:
    """Whether the setting names the host, with any port or with this one."""
    name = host.strip("[]").lower().rstrip(".")
    return name in private_hosts or f"{name}:{port}" in private_hosts


def addresses_of(
    host: str, port: int, private_hosts: Collection[str], seconds: float
) -> Iterator[AddressInfo]:
    """(family, address) of each address of the host that may be connected to. Raises RefusedAddress for none, and
    TimeoutError for a name that is not resolved within `seconds`.

    The name is resolved here and the address is what is connected to, so a name cannot mean another one afterwards.
    """
    infos = resolved(host.strip("[]"), port, seconds)
    if not is_allowed(host, port, private_hosts):
        infos = [info for info in infos if is_public(str(info[1][0]))]
    if not infos:
        raise RefusedAddress(host)
    yield from infos


def resolved(name: str, port: int, seconds: float) -> list[AddressInfo]:
    """The addresses of a name. Raises TimeoutError, and OSError for a name that has none.

    The system's resolver takes no limit of time. It runs in a thread, which is left behind when the time is over.
    """
    answers: SimpleQueue[list[AddressInfo] | Exception] = SimpleQueue()

    def resolve() -> None:
        try:
            infos = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:  # ValueError: a label that no name may have
            answers.put(error)
        else:
            answers.put([(info[0], info[4]) for info in infos])

    Thread(target=resolve, daemon=True).start()
    answer: list[AddressInfo] | Exception = TimeoutError(name)
    with suppress(Empty):
        answer = answers.get(timeout=max(seconds, 0))
    if isinstance(answer, Exception):
        raise answer
    return answer
