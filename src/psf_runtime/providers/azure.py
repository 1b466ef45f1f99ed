"""Where a deployment of Azure OpenAI is: the resource's address, and the version of the API. Pure.

Source: Microsoft, "Azure OpenAI in Microsoft Foundry Models v1 API": below `/openai/v1` no version is needed, and the
model in the body names the deployment; a dated version has the deployment in its path, and itself in the query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from psf_runtime.errors import ConfigError
from psf_runtime.providers.hosts import BaseUrl

VERSION = "OPENAI_API_VERSION"
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}(-preview)?")
_V1 = "/openai/v1"
_DEPLOYMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def deployment(base: BaseUrl, name: str, environ: Mapping[str, str]) -> tuple[BaseUrl, str]:
    """The address of a deployment, and the query of every call there.

    Args:
        base: the resource's address, with or without `/openai/v1`.
        name: of the deployment.
        environ: may name a version; one in the address wins.

    Raises ConfigError for a version or a name that is none.
    """
    version = environ.get(VERSION, "").strip()
    if base.prefix.endswith(_V1):
        return base, ""
    resource = base.prefix.removesuffix("/openai")
    if version in ("", "v1"):
        return replace(base, prefix=resource + _V1), ""
    if version == "preview":
        return replace(base, prefix=resource + _V1), f"?api-version={version}"
    if not _DATED.fullmatch(version):
        raise ConfigError(
            f"{VERSION} holds no version",
            why="a version is a date, as 2024-10-21 or 2025-04-01-preview, or v1",
            change=f"unset {VERSION}: the v1 API needs none",
        )
    if not _DEPLOYMENT.fullmatch(name):
        raise ConfigError(
            "the name of an Azure deployment has letters, digits, '.', '_' and '-' only",
            why="with a dated version it stands in the path",
            change="write azure:DEPLOYMENT, the name that the portal shows",
        )
    return replace(base, prefix=f"{resource}/openai/deployments/{name}"), f"?api-version={version}"
