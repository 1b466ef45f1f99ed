"""A boto3 client for bedrock-runtime: its calls are answered from its own events, before anything goes out.

The handlers go on this one client. Nothing of botocore is changed for others.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import orjson

from psf_runtime.adapters.aws import sigv4
from psf_runtime.adapters.botocore_answers import answered, refused, streaming
from psf_runtime.client.core import Core
from psf_runtime.client.wrapped.answers import DECISION, public, status_of, whole_body
from psf_runtime.client.wrapped.dialects import CONVERSE, aws_name
from psf_runtime.client.wrapped.engines import Engines, Wanted
from psf_runtime.client.wrapped.events import Events, begun
from psf_runtime.client.wrapped.gateway import Asked, conversation_asked
from psf_runtime.client.wrapped.paths import Way, checked_prefixes, passes
from psf_runtime.client.wrapped.sdk_logs import quiet_sdk_logs
from psf_runtime.errors import ConfigError, PsfError
from psf_runtime.policy.policy import Policy
from psf_runtime.providers.bedrock import model_of
from psf_runtime.providers.credentials import Credentials, KeyHeader
from psf_runtime.providers.handles import Seals
from psf_runtime.providers.hosts import parse_base_url
from psf_runtime.providers.keys import CalledKey

SERVICE = "bedrock-runtime"
_OPERATIONS = ("Converse", "ConverseStream")
_MARK = "psf_guarded"
_BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")  # where botocore looks; ours look in SSL_CERT_FILE


def is_bedrock_client(client: Any) -> bool:
    """Whether it is a client of botocore. Raises ConfigError for one of another service, or one wrapped already."""
    bases = [base for base in type(client).__mro__ if base.__module__ == "botocore.client"]
    if not any(base.__name__ == "BaseClient" for base in bases):
        return False
    if any(base.__module__.startswith("aiobotocore") for base in type(client).__mro__):
        raise ConfigError(
            "an async client of AWS cannot be wrapped", why="its events wait", change="use psf_runtime.AsyncClient"
        )
    service = client.meta.service_model.service_name
    if service != SERVICE:
        raise ConfigError(
            f"a client of {service} cannot be wrapped",
            why="only bedrock-runtime asks models",
            change='boto3.client("bedrock-runtime")',
        )
    if vars(client).get(_MARK):
        raise ConfigError("this client is wrapped already", change="use it as it is")
    return True


def wrap_bedrock(
    client: Any,
    *,
    policy: Policy,
    make_core: Callable[..., Core],
    seals: Seals,
    passthrough: Sequence[str],
    strict: bool,
) -> None:
    """Put the handlers on this client. Raises ConfigError for one whose ways cannot be taken over."""
    _check_ways(client)
    base = parse_base_url(str(client.meta.endpoint_url).rstrip("/"))
    engines = Engines(
        origin=base.origin,
        policy=policy,
        sender=None,
        make_core=make_core,
        seals=seals,
        credentials=credentials_of(client),
        region=client.meta.region_name,
    )
    prefixes = checked_prefixes(passthrough, "/model", ())
    # One engine for nobody, now: what is wrong with the policy or the address shows here and not in the first call.
    make_core(engines.targets_of(Wanted("bedrock", "any.model-v1", base.prefix)), quiet=False)
    quiet_sdk_logs("botocore", strict=strict)
    longest = min(float(client.meta.config.read_timeout or 0) or policy.resilience.timeout, policy.resilience.timeout)
    handler = _Handler(engines, base.prefix, prefixes, longest)
    client.meta.events.register_first(f"before-call.{SERVICE}", handler, unique_id="psf_runtime")
    setattr(client, _MARK, True)
    weakref.finalize(client, handler.close)


def _check_ways(client: Any) -> None:
    """What was set for the client's own connections would not hold for ours: say so, instead of leaving it out."""
    config = client.meta.config
    session = getattr(getattr(client, "_endpoint", None), "http_session", None)
    verify = getattr(session, "_verify", True)
    usual = (True, *(os.environ.get(name) for name in _BUNDLES))
    for given, name, change in (
        (config.proxies, "proxies", "set HTTPS_PROXY"),
        (config.client_cert, "client_cert", "leave it out"),
        (verify not in usual, "verify", "set SSL_CERT_FILE"),
    ):
        if given:
            raise ConfigError(
                f"a client with {name} of its own cannot be wrapped",
                why="calls go over connections of ours, which do not have it",
                change=f"{change}, or use psf_runtime.Client",
            )


def credentials_of(client: Any) -> Credentials:
    """The client's own: its keys, which botocore renews, or its Bedrock API key."""
    signer = client._request_signer
    token = getattr(signer, "_auth_token", None)
    if token is not None and (signer._credentials is None or signer.signature_version == "bearer"):
        return KeyHeader(CalledKey(lambda: _text_of(token), "bedrock"))
    return sigv4(client.meta.region_name, session=_Held(signer))


def _text_of(token: Any) -> str:
    """What a token of botocore's is now: one that is renewed, or one that stays."""
    frozen = getattr(token, "get_frozen_token", None)
    return str((token if frozen is None else frozen()).token)


class _Held:
    """What a signer holds, in the form in which a session gives it."""

    def __init__(self, signer: Any) -> None:
        self._signer = signer

    def get_credentials(self) -> Any:
        return self._signer._credentials


class _Handler:
    """Answers calls of one client."""

    def __init__(self, engines: Engines, prefix: str, passthrough: tuple[str, ...], longest: float) -> None:
        self._engines = engines
        self._longest = longest  # seconds for a whole answer
        self._prefix = prefix
        self._passthrough = passthrough

    def __call__(self, model: Any, params: Any, **_: Any) -> Any:
        """One call: what comes back stands for the network's answer. None lets it go, as passthrough says."""
        path = str(params.get("url_path", ""))
        url = str(params.get("url", ""))
        try:
            if model.name in _OPERATIONS:
                return self._answer(path, url, params.get("body") or b"{}", model.name)
            if passes(path, self._passthrough):
                return None
            raise _not_screened(model.name)
        except Exception as error:
            problem = public(error)
        return _refusal(url, problem)

    def _answer(self, path: str, url: str, body: bytes, operation: str) -> Any:
        model, stream = model_of(path)
        way = Way(CONVERSE, "bedrock", self._prefix, model, stream)
        asked = conversation_asked(self._engines.get(Wanted("bedrock", model, self._prefix)), way, model, body)
        if not stream:
            asked.arguments.timeout = self._longest
            completion = asked.core.complete(asked.arguments).unwrap()
            value = orjson.loads(whole_body(asked, completion))
            decision = completion.decision
            return answered(url, value, call_id=decision.call_id, extensions={DECISION: decision})
        frames = _opened(asked)
        return streaming(url, frames, operation, call_id=frames.call_id, extensions=frames.extensions)

    def close(self) -> None:
        """End the engines."""
        for core in self._engines.taken():
            core.close()


class _Frames:
    """The bytes of one stream."""

    def __init__(self, events: Events, stream: Any) -> None:
        self._events = events
        self._stream = stream
        self.decision: Any = None
        self.extensions: dict[str, Any] = {}
        self.call_id: str = stream.call_id
        events.decided = self._decided

    def stream(self) -> Iterator[bytes]:
        """The bytes."""
        return self._events.written()

    def close(self) -> None:
        """End the call, finished or not."""
        self._stream.__exit__(None, None, None)

    def _decided(self, decision: Any) -> None:
        self.decision = decision
        self.extensions[DECISION] = decision


def _opened(asked: Asked) -> _Frames:
    stream = asked.core.stream(asked.arguments).unwrap()
    return _Frames(Events(asked, stream, begun(stream)), stream)


def _refusal(url: str, problem: PsfError) -> Any:
    status = status_of(problem)
    return refused(
        url,
        status,
        aws_name(status),
        str(problem),
        call_id=problem.call_id or "none",
        extensions={DECISION: problem.decision},
    )


def _not_screened(operation: str) -> ConfigError:
    return ConfigError(
        f"nothing was sent: {operation} cannot be screened",
        why="this version reads Converse and ConverseStream",
        change="use one of these, or name the path's prefix in wrap(..., passthrough=[...])",
    )
