"""Addresses that a vendor's or a local server would fetch for us: never those inside somebody's network. Pure.

Whoever fetches stands in a network of its own, where such an address may open what is closed from outside.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from psf_runtime.errors import ConfigError
from psf_runtime.providers.hosts import BaseUrl, parse_base_url


def check_fetched(url: str, what: str) -> None:
    """Raises ConfigError for an address that leads into a network: loopback, private, link-local or metadata.

    Args:
        url: what would be fetched.
        what: in words, as "the address of a picture".
    """
    if url.startswith("data:"):
        return  # it holds what it stands for
    inside = True
    try:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https"):
            inside = _is_inside(parse_base_url(f"https://{parts.netloc}"))
    except (ConfigError, ValueError):
        pass  # raised below, without the address
    if not inside:
        return
    del url
    raise ConfigError(
        f"{what} leads into a network, or is none that may be fetched",
        why="whoever fetches it may reach there what is closed to others",
        change="send the contents: Image(path) or Image(data)",
    )


def _is_inside(base: BaseUrl) -> bool:
    address = base.address
    if address is not None:
        return not address.is_global
    return base.is_loopback or "." not in base.host or base.host.endswith((".internal", ".local", ".localhost"))
