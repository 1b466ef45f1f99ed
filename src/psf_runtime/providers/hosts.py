"""What is known about a host, and which addresses may be spoken to. Pure: no name is resolved here.

Facts belong to the host, never to the prefix of a model string. A host that is not in the table has none, and
unknown is the strictest. Only OpenAI's own hosts are in it yet; other vendors come with their codecs.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from psf_runtime.errors import ConfigError

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a vendor says about one of its hosts, for accounts without a contract that says otherwise."""

    vendor: str
    region: str | None = None
    jurisdiction: str | None = None
    retention_days: int | None = None


# Source: OpenAI's platform documentation, "Your data": abuse monitoring logs are kept for up to 30 days.
VENDOR_HOSTS: Mapping[str, HostFacts] = {
    "api.openai.com": HostFacts("openai", jurisdiction="US", retention_days=30),
    "us.api.openai.com": HostFacts("openai", region="us", jurisdiction="US", retention_days=30),
    "eu.api.openai.com": HostFacts("openai", region="eu", jurisdiction="EU", retention_days=30),
}


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
        return VENDOR_HOSTS.get(self.host) if self.scheme == "https" and self.port == 443 else None


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
    mapped = getattr(address, "ipv4_mapped", None)
    for reached in (address, mapped):
        if reached is not None and (reached.is_link_local or reached.is_multicast or reached.is_unspecified):
            raise _bad(
                "it is an address that no model server has (link-local, multicast or unspecified)",
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


def _bad(why: str, change: str) -> ConfigError:
    return ConfigError("this base URL cannot be used", why=why, change=change)
