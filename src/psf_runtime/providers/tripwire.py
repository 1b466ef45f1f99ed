"""The last look at the exact bytes before they leave."""

from __future__ import annotations

from collections.abc import Iterable

from psf_runtime.errors import Blocked, ConfigError
from psf_runtime.ports import TargetFacts
from psf_runtime.providers.base import Outgoing
from psf_runtime.types.request import Request

_CONTROL = "privacy.tokens"
_HEADERS = frozenset(
    {
        "accept",
        "accept-encoding",
        "anthropic-beta",
        "anthropic-version",
        "api-key",
        "authorization",
        "content-type",
        "openai-organization",
        "openai-project",
        "user-agent",
        "x-amz-content-sha256",
        "x-amz-date",
        "x-amz-security-token",
        "x-api-key",
    }
)


def check_outgoing(outgoing: Outgoing, request: Request, target: TargetFacts, *, require_stamp: bool) -> None:
    """Raises Blocked (FM04) when known values are in what would leave, or nobody prepared the request.

    Args:
        outgoing: the exact bytes.
        request: where the stamp is that says how it was prepared.
        target: who would receive it.
        require_stamp: whether a request without a stamp is stopped.
    """
    for name, _ in outgoing.headers:
        if name not in _HEADERS:
            raise ConfigError(
                f"{target.name}: a header that is not on the allow-list would leave",
                why="only headers that the codec and the credentials need are sent",
                change="leave the header out",
            )
    stamp = request.stamp
    if stamp is None:
        if require_stamp:
            raise _blocked(
                f"{target.name}: nobody prepared the request for its recipients",
                "a request leaves only after personal data was looked for",
            )
        return
    for piece in _pieces(outgoing):
        entity = stamp.find_leak(piece)
        if entity is not None:
            del piece
            raise _blocked(
                f"{target.name}: the request still holds a known {entity}",
                "a value that this conversation knows may leave only as a token",
            )


def _pieces(outgoing: Outgoing) -> Iterable[bytes]:
    yield outgoing.body
    yield outgoing.url.encode("utf-8")
    yield "\n".join(value for _, value in outgoing.headers).encode("utf-8")


def _blocked(what: str, why: str) -> Blocked:
    return Blocked(
        what,
        control=_CONTROL,
        why=why,
        change="nothing was sent; report this: a layer above let the value through",
        failure_mode="FM04",
    )
