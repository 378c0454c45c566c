"""Which addresses messages may go to: those of the internet, and private ones where that is said.

Registries behind ``is_global``: IANA IPv4 and IPv6 Special-Purpose Address Registry, as Python
holds them.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Final, TypeAlias

__all__ = ["is_public"]

_Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
"""An IPv4 address in its last 32 bits, RFC 6052 section 2.1."""
_LOCAL_NAT64: Final = ipaddress.ip_network("64:ff9b:1::/48")
"""RFC 8215: for use within one network."""
_COMPATIBLE: Final = ipaddress.ip_network("::/96")
"""An IPv4 address in its last 32 bits, RFC 4291 section 2.5.5.1; no longer in use."""
_SITE_LOCAL: Final = ipaddress.ip_network("fec0::/10")
"""RFC 3879: once private."""


def is_public(address: str) -> bool:
    """Whether it is an address of the internet, and so is every address that it holds within."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return all(_is_public(each) for each in _within(found))


def _within(address: _Address) -> Iterator[_Address]:
    """The address, and those of IPv4 that a gateway would take out of it."""
    if isinstance(address, ipaddress.IPv4Address):
        yield address
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
        return
    if address in _NAT64:
        yield ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        return
    yield address
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


def _is_public(address: _Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and (
        address in _LOCAL_NAT64 or address in _COMPATIBLE or address in _SITE_LOCAL
    ):
        return False
    return address.is_global and not (
        address.is_multicast
        or address.is_loopback
        or address.is_link_local
        or address.is_reserved
        or address.is_unspecified
    )
