"""Who pays for a call: the key and the ids that an SDK put on its request. Nothing else of its headers is sent on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from psf_runtime.client.wrapped.dialects import AZURE_KEYS, Dialect
from psf_runtime.client.wrapped.paths import Way
from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import Outgoing

Headers = tuple[tuple[str, str], ...]
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_KEY = re.compile(r"[\x21-\x7e]{1,16384}")
_KEY_HEADERS = ("api-key", "authorization", "x-api-key")


@dataclass(frozen=True, slots=True, repr=False)
class Account:
    """Who pays for a call.

    Attributes:
        keys: headers that let the call in, as the SDK wrote them.
        ids: headers that name an organisation and a project.
    """

    keys: Headers = ()
    ids: Headers = ()

    def __repr__(self) -> str:
        return "Account(hidden)"


NOBODY = Account()


class TakenOver:
    """Credentials that came with the SDK's request, sent as they came. Its repr shows none."""

    __slots__ = ("_headers",)
    blocking = False

    def __init__(self, headers: Headers) -> None:
        self._headers = headers

    def headers(self, outgoing: Outgoing, now: float) -> Headers:
        """The headers."""
        return self._headers

    def __repr__(self) -> str:
        return "TakenOver(hidden)"


def account_of(headers: Mapping[str, str], way: Way) -> Account:
    """The key and the ids on a request. Raises ConfigError for a key in another form than the dialect's."""
    dialect = way.dialect
    assert dialect is not None
    allowed = AZURE_KEYS if way.provider == "azure" else dialect.keys
    if way.prefix.endswith("/openai/v1"):
        allowed = AZURE_KEYS
    keys = []
    for name, before in allowed.items():
        value = headers.get(name)
        if value is None:
            continue
        head, key = value[: len(before)], value[len(before) :].strip()
        if head.lower() != before.lower() or not _KEY.fullmatch(key):
            raise _not_taken(allowed)
        keys.append((name, before + key))
    if not keys and any(name in headers for name in _KEY_HEADERS):
        raise _not_taken(allowed)
    return Account(tuple(keys), _ids(headers, dialect))


def betas_of(headers: Mapping[str, str], dialect: Dialect) -> list[str]:
    """The words of the header with which this dialect's new features are asked for."""
    given = headers.get(dialect.betas, "") if dialect.betas else ""
    return [word.strip() for word in given.split(",") if word.strip()]


def _ids(headers: Mapping[str, str], dialect: Dialect) -> Headers:
    found = []
    for name in dialect.ids:
        value = headers.get(name)
        if value is None:
            continue
        if not _ID.fullmatch(value):
            raise ConfigError(
                f"nothing was sent: the request's {name} does not look like an id",
                why="an id has letters, digits, '_' and '-' only",
                change="give the wrapped client the id that the vendor shows",
            )
        found.append((name, value))
    return tuple(found)


def _not_taken(allowed: Mapping[str, str]) -> ConfigError:
    forms = " or ".join(f"`{name.title()}: {before}...`" for name, before in sorted(allowed.items()))
    return ConfigError(
        "nothing was sent: the request's credentials cannot be taken over",
        why=f"this version sends a key as {forms} only",
        change="give the wrapped client its key in that form",
    )
