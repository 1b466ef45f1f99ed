"""Which addresses may be spoken to, and whose they are. Pure: no name is resolved here."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from psf_runtime.errors import ConfigError
from psf_runtime.providers.host_facts import HostFacts, facts_of

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

# Addresses at which clouds hand out credentials to the machine that asks, beyond the link-local ones.
_METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
_METADATA_NAMES = frozenset({"instance-data", "metadata", "metadata.google.internal", "metadata.goog"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# A last label that is a number makes resolvers read the whole name as an IPv4 address, in forms nobody checks.
_NUMBER = re.compile(r"(0x[0-9a-f]*|\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A checked address: `origin` is scheme, host and port, `prefix` the path in front of every call."""

    scheme: str
    host: str
    port: int
    prefix: str

    @property
    def origin(self) -> str:
        """Scheme, host and port, the port only when it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = {"http": 80, "https": 443}[self.scheme]
        return f"{self.scheme}://{host}" if self.port == usual else f"{self.scheme}://{host}:{self.port}"

    @property
    def address(self) -> IpAddress | None:
        """The host as an IP address, or None when it is a name."""
        try:
            return ipaddress.ip_address(self.host)
        except ValueError:
            return None

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine."""
        address = self.address
        return self.host == "localhost" if address is None else address.is_loopback

    @property
    def boundary(self) -> Literal["own", "external"]:
        """`own` for loopback and private addresses; a name could be anybody's."""
        address = self.address
        return "own" if self.is_loopback or (address is not None and address.is_private) else "external"

    @property
    def facts(self) -> HostFacts | None:
        """What is known about the host: only the vendor's own, over https."""
        return facts_of(self.host) if self.scheme == "https" and self.port == 443 else None


def parse_base_url(text: str, *, declared_own: bool = False) -> BaseUrl:
    """The address in `text`, checked. Raises ConfigError, which never repeats a user name or a password.

    Args:
        text: an http(s) URL without user, query and fragment.
        declared_own: the application declared the host as its own; then plain http may go beyond this machine.
    """
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        parts, host, port = urlsplit(""), "", 0
    if parts.scheme not in ("http", "https") or not host:
        raise _bad("it is no http(s) URL", "write it as https://host/v1")
    if "@" in parts.netloc:
        raise _bad("it holds a user name or password", "give the key with api_key=")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise _bad("it has a query or a fragment", "write scheme, host and path only")
    if not _is_clean(text) or "/../" in f"{parts.path}/" or "//" in parts.path or "%" in host:
        raise _bad("it holds signs that do not belong there", "write plain letters, digits, dots and slashes")
    base = BaseUrl(parts.scheme, host, port, parts.path.rstrip("/"))
    _check_reach(base, declared_own)
    return base


def _is_clean(text: str) -> bool:
    return text.isascii() and all(sign.isprintable() and sign not in ' \\"<>^`{|}' for sign in text)


def _check_reach(base: BaseUrl, declared_own: bool) -> None:
    address = base.address
    if address is None and not _is_plain_name(base.host):
        raise _bad(
            "its host is neither a plain name nor a plain address", "write the name, or 127.0.0.1 for this machine"
        )
    for reached in _reached(address):
        if reached.is_link_local or reached.is_multicast or reached.is_unspecified or reached in _METADATA:
            raise _bad(
                "it is an address that no model server has (link-local, metadata, multicast or unspecified)",
                "write 127.0.0.1 for this machine",
            )
    if base.scheme == "https" or base.is_loopback:
        return
    public = address is not None and not address.is_private
    if declared_own and not public:
        return
    raise _bad(
        "plain http shows texts and keys to everybody on the way",
        "use https://" if public else "use https://, or declare the host as yours: Target(..., boundary='own')",
    )


def _is_plain_name(host: str) -> bool:
    """Whether a host is a name, no number in disguise and no name of a metadata service."""
    last = host.rpartition(".")[2]
    return bool(last) and _NUMBER.fullmatch(last) is None and host not in _METADATA_NAMES


def _reached(address: IpAddress | None) -> list[IpAddress]:
    """The address, and the IPv4 address that an IPv6 one stands for."""
    if address is None:
        return []
    found: list[IpAddress] = [address]
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        found += [each for each in inner if each is not None]
    return found


def _bad(why: str, change: str) -> ConfigError:
    return ConfigError("this base URL cannot be used", why=why, change=change)
