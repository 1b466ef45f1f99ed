"""How the host of a target is reached: directly, or through the proxy that the environment names."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from psf_runtime.errors import ConfigError

# A path and a query in their plain form: an escape is whole, and there is nothing that a library would rewrite.
_PLAIN_PATH = re.compile(
    r"/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-Fa-f]{2})*(?:\?(?:[^%#\x00-\x20\x7f-\U0010ffff]|%[0-9A-Fa-f]{2})*)?"
)
_DOTS = re.compile(r"/\.{1,2}(?:/|$|\?)")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy over plain HTTP. `secret`: value of the header that lets a call in, or empty."""

    host: str
    port: int
    secret: str = field(default="", repr=False)

    @property
    def line(self) -> str:
        """The header line for it, or nothing."""
        return f"proxy-authorization: {self.secret}\r\n" if self.secret else ""


@dataclass(frozen=True, slots=True)
class Route:
    """One origin, and the way there.

    Attributes:
        origin: scheme, host and port as the target has them.
        secure: over TLS. `host`, `port`: of the server. `shown`: value of the host header.
        proxy: on the way, or None.
    """

    origin: str
    secure: bool
    host: str
    port: int
    shown: str
    proxy: Proxy | None = None

    def target_of(self, url: str) -> str:
        """What stands in the request line for an address of this origin. Raises ConfigError for another address."""
        path = url[len(self.origin) :]
        plain = _PLAIN_PATH.fullmatch(path) is not None and _DOTS.search(path) is None
        if not url.startswith(self.origin) or not plain:
            raise ConfigError(
                "the base URL is not written in its plain form",
                why="the address that would be called differs from the declared one",
                change="write the host in lower case, and the path without dots, spaces and broken escapes",
            )
        return url if self.proxy is not None and not self.secure else path


def route_to(origin: str, environ: Mapping[str, str] | None) -> Route:
    """The way to an origin.

    Args:
        origin: scheme, host and port, checked already.
        environ: the environment, where proxies are looked for; None goes directly (this machine).

    Raises ConfigError for a proxy of a kind that is not spoken.
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    proxy = None if environ is None else _proxy(parts.scheme, host, port, environ)
    return Route(origin, secure, host, port, parts.netloc, proxy)


def _proxy(scheme: str, host: str, port: int, environ: Mapping[str, str]) -> Proxy | None:
    url = _setting(environ, f"{scheme}_proxy") or _setting(environ, "all_proxy")
    if not url or _is_excepted(host, port, _setting(environ, "no_proxy")):
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        name, number = parts.hostname or "", parts.port or 80
    except ValueError:
        parts, name, number = urlsplit(""), "", 80
    if parts.scheme != "http" or not name:
        raise ConfigError(
            "the proxy of the environment cannot be used",
            why=f"it has the scheme '{_scheme_name(parts.scheme)}', and http:// is spoken",
            change="name an http:// proxy, put the host into NO_PROXY, or give http_client= with a client of your own",
        )
    secret = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        secret = f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"
    return Proxy(name, number, secret)


def _scheme_name(scheme: str) -> str:
    return scheme if scheme in ("https", "socks4", "socks4a", "socks5", "socks5h") else "unknown"


def _setting(environ: Mapping[str, str], name: str) -> str:
    """A variable in lower or upper case; the lower case wins.

    HTTP_PROXY in upper case can be set by who calls a CGI script (header `Proxy`), so it does not count there.
    """
    lower = environ.get(name)
    if lower is not None:
        return lower.strip()
    if name == "http_proxy" and "REQUEST_METHOD" in environ:
        return ""
    return environ.get(name.upper(), "").strip()


def _is_excepted(host: str, port: int, excepted: str) -> bool:
    """NO_PROXY: `*`, names, `.names` and addresses, each also with a port. A name covers what stands below it."""
    for word in excepted.lower().split(","):
        name = word.strip()
        if name == "*":
            return True
        bare, _, number = name.rpartition(":")
        if bare and number.isdecimal() and not bare.endswith(":") and ("]" in bare or ":" not in bare):
            if int(number) != port:
                continue
            name = bare
        name = name.strip("[]").lstrip(".")
        if name and (host == name or host.endswith(f".{name}")):
            return True
    return False
