"""Signs calls to AWS with the credentials that AWS's own chain finds (signature version 4, through botocore).

Nothing is looked up before the first call. What is found stays in botocore's objects, which renew what expires.
Source: AWS General Reference, "Signature Version 4 signing process".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Any, Protocol

from psf_runtime.errors import AuthenticationError, ConfigError, PsfError

Headers = tuple[tuple[str, str], ...]
_CHAIN = "environment, shared credentials and config files, web identity, single sign-on, container, instance metadata"
_SIGNED = "content-type"  # besides the host and AWS's own headers: what a proxy may rewrite is left out


class Sendable(Protocol):
    """A call that is ready to leave."""

    @property
    def method(self) -> str:
        """HTTP method."""
        ...

    @property
    def url(self) -> str:
        """The whole address, escaped as it goes on the wire."""
        ...

    @property
    def headers(self) -> Headers:
        """Name and value, names in lower case."""
        ...

    @property
    def body(self) -> bytes:
        """The exact bytes."""
        ...


def sigv4(region: str, *, session: Any = None, profile: str = "", service: str = "bedrock") -> SigV4:
    """Credentials for calls to `service` in `region`, from AWS's own chain.

    Args:
        region: the region whose host is called: a signature for another one is refused there.
        session: a `botocore.session.Session` to take the credentials from; None makes one at the first call.
        profile: name of a profile in the shared files; empty takes the usual one. Not together with `session`.
        service: the name that the signature is for.

    Raises ConfigError when botocore is not installed.
    """
    if find_spec("botocore") is None:
        raise ConfigError(
            "signing calls to AWS needs botocore",
            why="it is not installed",
            change="pip install 'psf-runtime[bedrock]', or use a Bedrock API key (AWS_BEARER_TOKEN_BEDROCK)",
        )
    if not region:
        raise ConfigError(
            "signing calls to AWS needs a region",
            why="the signature holds it",
            change="set AWS_REGION, or declare the target's region",
        )
    if session is not None and profile:
        raise ConfigError(
            "a session and a profile are both given",
            why="a session has its profile already",
            change="leave one of them out",
        )
    return SigV4(region, session=session, profile=profile, service=service)


class SigV4:
    """Signs calls. Made by `sigv4`; safe to share between threads. Its repr shows no credentials."""

    def __init__(self, region: str, *, session: Any, profile: str, service: str) -> None:
        self._region = region
        self._service = service
        self._session = session
        self._profile = profile
        self._lock = threading.Lock()
        self._found: Any = None

    def __repr__(self) -> str:
        return f"SigV4({self._service!r}, {self._region!r})"

    @property
    def blocking(self) -> bool:
        """Whether the next call may wait for the chain: nothing was found yet, or what was found must be renewed."""
        found = self._found
        if found is None:
            return True
        refresh_needed = getattr(found, "refresh_needed", None)
        return refresh_needed is not None and bool(refresh_needed())

    def headers(self, outgoing: Sendable, now: float) -> Headers:
        """The headers that sign this call.

        Args:
            outgoing: the call, complete but for these headers.
            now: seconds since the epoch; AWS refuses a signature more than five minutes off.

        Raises ConfigError when the chain ends without credentials, AuthenticationError when it breaks.
        """
        problem: PsfError
        try:
            return _signed_headers(outgoing, now, self._frozen(), self._service, self._region)
        except PsfError as caught:
            problem = caught.fresh()
        except Exception as error:
            problem = ConfigError(
                "the call to AWS cannot be signed",
                why=f"botocore's signer raised {type(error).__name__}",
                change="look at the base URL, or report this with the versions that `psf check` shows",
            )
        # Raised out here: the frames inside hold secrets, and a report that prints locals must not.
        raise problem

    def _frozen(self) -> Any:
        """Access key, secret and token of this moment, renewed when needed."""
        name = ""
        try:
            with self._lock:
                if self._found is None:
                    self._found = self._look()
                return self._found.get_frozen_credentials()
        except PsfError:
            raise
        except Exception as error:
            name = type(error).__name__  # its text may name files, roles and accounts
        raise AuthenticationError(
            "the AWS credentials could not be read or renewed",
            kind="auth",
            retry_safe=False,
            why=f"AWS's own chain raised {name}",
            change="check the profile, the role or the login that the credentials come from",
        )

    def _look(self) -> Any:
        from botocore.session import Session

        session = self._session
        if session is None:
            session = Session(profile=self._profile or None)
        found = session.get_credentials()
        if found is None:
            raise ConfigError(
                "there are no AWS credentials",
                why=f"looked in AWS's own chain: {_CHAIN}",
                change="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a profile, or log in",
            )
        return found


def _signed_headers(outgoing: Sendable, now: float, frozen: Any, service: str, region: str) -> Headers:
    """The signature for the moment `now`.

    The signer's own entry point reads the clock itself and logs what it signs, the session token included; its public
    steps do neither.
    """
    from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
    from botocore.awsrequest import AWSRequest

    added: dict[str, str] = {"x-amz-date": datetime.fromtimestamp(now, UTC).strftime(SIGV4_TIMESTAMP)}
    if frozen.token:
        added["x-amz-security-token"] = frozen.token
    kept: Mapping[str, str] = {name: value for name, value in outgoing.headers if name == _SIGNED}
    request = AWSRequest(outgoing.method, outgoing.url, headers={**kept, **added}, data=outgoing.body)
    request.context["timestamp"] = added["x-amz-date"]
    signer = SigV4Auth(frozen, service, region)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    names = signer.signed_headers(signer.headers_to_sign(request))
    authorization = f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, SignedHeaders={names}, Signature={signature}"
    return ("authorization", authorization), *added.items()
