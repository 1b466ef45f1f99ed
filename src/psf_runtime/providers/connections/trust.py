"""Which certificates are trusted: by httpx's rules, so that nothing changes for who runs a CA of their own."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping

from psf_runtime.errors import ConfigError


def tls_context(environ: Mapping[str, str] | None) -> ssl.SSLContext:
    """Verifies certificate and host name.

    Args:
        environ: where SSL_CERT_FILE and SSL_CERT_DIR are looked for; None looks for neither.

    Raises ConfigError when what they name cannot be read.
    """
    file = (environ or {}).get("SSL_CERT_FILE")
    folder = (environ or {}).get("SSL_CERT_DIR")
    try:
        if file:
            context = ssl.create_default_context(cafile=file)
        elif folder:
            if not os.path.isdir(folder):
                raise NotADirectoryError
            context = ssl.create_default_context(capath=folder)
        else:
            import certifi

            context = ssl.create_default_context(cafile=certifi.where())
    except OSError:
        raise ConfigError(
            "the certificates that would be trusted cannot be read",
            why="SSL_CERT_FILE or SSL_CERT_DIR names what is not there, or holds no certificate",
            change="name a PEM file in SSL_CERT_FILE, a folder of them in SSL_CERT_DIR, or unset both",
        ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
