"""Signing calls to AWS: for the moment given, without a look at the network, without a secret in sight."""

from __future__ import annotations

import datetime
import importlib.util
import logging
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, DeferredRefreshableCredentials, RefreshableCredentials
from botocore.exceptions import CredentialRetrievalError

from psf_runtime.adapters.aws import Headers, sigv4
from psf_runtime.errors import AuthenticationError, ConfigError
from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.credentials import Credentials as Shape
from tests.wire.wire_bedrock import signature

ACCESS, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token+of/this=test"
NOW = 1_700_000_000.9  # 2023-11-14 22:13:20 UTC
URL = "https://bedrock-runtime.eu-central-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Ax%2Fy-v1%3A0/converse"
OUTGOING = Outgoing(
    "POST",
    URL,
    (("content-type", "application/json"), ("accept", "a/b"), ("accept-encoding", "identity"), ("user-agent", "x")),
    b'{"messages":[]}',
)


class Session:
    """A session whose chain is a list of things that happen, one for each look."""

    def __init__(self, *found: Any) -> None:
        self.found = list(found)
        self.looks = 0

    def get_credentials(self) -> Any:
        self.looks += 1
        item = self.found[min(self.looks, len(self.found)) - 1]
        if isinstance(item, Exception):
            raise item
        return item


def static(token: str | None = TOKEN) -> Session:
    return Session(Credentials(ACCESS, SECRET, token))


def headers(session: Any, *, region: str = "eu-central-1", now: float = NOW, outgoing: Outgoing = OUTGOING) -> Headers:
    return sigv4(region, session=session).headers(outgoing, now)


@pytest.fixture
def no_chain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which AWS's chain finds nothing and asks nobody."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "BOTO_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return monkeypatch


def test_the_signature_is_the_published_one() -> None:
    """Date, scope, signed headers and signature, recomputed by hand from the rules."""
    got = dict(headers(static()))
    moment, scope = "20231114T221320Z", "20231114/eu-central-1/bedrock/aws4_request"
    names = "content-type;host;x-amz-date;x-amz-security-token"
    signed = (
        "content-type:application/json\n"
        "host:bedrock-runtime.eu-central-1.amazonaws.com\n"
        f"x-amz-date:{moment}\n"
        f"x-amz-security-token:{TOKEN}\n"
    )
    path = URL.removeprefix("https://bedrock-runtime.eu-central-1.amazonaws.com")
    right = signature(path, signed, names, OUTGOING.body, moment, scope)
    assert got == {
        "authorization": f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={right}",
        "x-amz-date": moment,
        "x-amz-security-token": TOKEN,
    }


@pytest.mark.parametrize("token", [TOKEN, None])
def test_the_signature_is_botocores_own(monkeypatch: pytest.MonkeyPatch, token: str | None) -> None:
    """At the moment given, it is what botocore's entry point makes when its clock shows that moment."""
    moment = datetime.datetime.fromtimestamp(NOW, datetime.UTC).replace(tzinfo=None)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda *_: moment)
    request = AWSRequest("POST", URL, headers={"content-type": "application/json"}, data=OUTGOING.body)
    botocore.auth.SigV4Auth(Credentials(ACCESS, SECRET, token), "bedrock", "eu-central-1").add_auth(request)
    theirs = {name.lower(): value for name, value in request.headers.items()}
    assert {**dict(headers(static(token))), "content-type": "application/json"} == theirs


def test_everything_that_counts_is_signed() -> None:
    """Another moment, region, path, body or host is another signature."""
    others = [
        headers(static(), now=NOW + 3600),
        headers(static(), region="us-east-1"),
        headers(static(), outgoing=Outgoing("POST", URL + "-stream", OUTGOING.headers, OUTGOING.body)),
        headers(static(), outgoing=Outgoing("POST", URL, OUTGOING.headers, b"{}")),
        headers(static(), outgoing=Outgoing("POST", URL.replace("eu-", "us-"), OUTGOING.headers, OUTGOING.body)),
        headers(Session(Credentials(ACCESS, "other", TOKEN))),
    ]
    signatures = {dict(item)["authorization"].rpartition("=")[2] for item in [headers(static()), *others]}
    assert len(signatures) == 7
    assert headers(static()) == headers(static())


def test_what_a_proxy_may_change_is_not_signed() -> None:
    """Headers that somebody on the way may rewrite leave the signature as it is."""
    bare = Outgoing("POST", URL, OUTGOING.headers[:1], OUTGOING.body)
    assert headers(static(), outgoing=bare) == headers(static())


def test_nothing_is_looked_up_before_the_first_call() -> None:
    """Making it costs nothing; the chain is walked once, in a thread; afterwards it does not block."""
    session = static()
    credentials: Shape = sigv4("eu-central-1", session=session)
    assert session.looks == 0
    assert credentials.blocking
    credentials.headers(OUTGOING, NOW)
    assert not credentials.blocking
    credentials.headers(OUTGOING, NOW)
    assert session.looks == 1


def renewed(seconds: float) -> dict[str, str]:
    expiry = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return {"access_key": ACCESS, "secret_key": SECRET, "token": TOKEN, "expiry_time": expiry.isoformat()}


def test_what_expires_is_renewed() -> None:
    """Credentials near their end block again, and the next call has new ones."""
    renewals: list[int] = []

    def renew() -> dict[str, str]:
        renewals.append(1)
        return renewed(3600)

    soon = RefreshableCredentials.create_from_metadata({**renewed(60), "token": "old"}, renew, "test")
    credentials = sigv4("eu-central-1", session=Session(soon))
    assert dict(credentials.headers(OUTGOING, NOW))["x-amz-security-token"] == TOKEN
    assert not credentials.blocking
    assert len(renewals) == 1
    soon._expiry_time = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=60)
    assert credentials.blocking
    credentials.headers(OUTGOING, NOW)
    assert len(renewals) == 2


def test_what_is_found_late_is_fetched_at_the_first_call() -> None:
    """Credentials of a role are fetched by the call that needs them, not by the question whether it may block."""
    fetched: list[int] = []

    def fetch() -> dict[str, str]:
        fetched.append(1)
        return renewed(3600)

    credentials = sigv4("eu-central-1", session=Session(DeferredRefreshableCredentials(fetch, "test")))
    assert credentials.blocking
    assert fetched == []
    assert dict(credentials.headers(OUTGOING, NOW))["x-amz-security-token"] == TOKEN
    assert not credentials.blocking
    assert fetched == [1]


def test_threads_look_once() -> None:
    """Many first calls at the same time walk the chain once."""
    meeting = threading.Barrier(2)

    class Slow(Session):
        def get_credentials(self) -> Any:
            # A second look at the same time would meet this one; alone, it waits in vain.
            with suppress(threading.BrokenBarrierError):
                meeting.wait(0.2)
            return super().get_credentials()

    session = Slow(Credentials(ACCESS, SECRET, TOKEN))
    credentials = sigv4("eu-central-1", session=session)
    got: list[Headers] = []
    threads = [threading.Thread(target=lambda: got.append(credentials.headers(OUTGOING, NOW))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session.looks == 1
    assert len(set(got)) == 1


def test_the_environment_is_the_first_place(no_chain: pytest.MonkeyPatch) -> None:
    """AWS's own chain is used: what stands in the environment is found."""
    no_chain.setenv("AWS_ACCESS_KEY_ID", ACCESS)
    no_chain.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    no_chain.setenv("AWS_SESSION_TOKEN", TOKEN)
    assert headers(None) == headers(static())


def test_a_profile_can_be_named(no_chain: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A profile of the shared files, and a friendly error for one that is not there."""
    text = f"[work]\naws_access_key_id = {ACCESS}\naws_secret_access_key = {SECRET}\naws_session_token = {TOKEN}\n"
    (tmp_path / "credentials").write_text(text)
    assert sigv4("eu-central-1", profile="work").headers(OUTGOING, NOW) == headers(static())
    with pytest.raises(AuthenticationError, match="ProfileNotFound") as caught:
        sigv4("eu-central-1", profile="secret-name").headers(OUTGOING, NOW)
    assert "secret-name" not in str(caught.value)


def test_no_credentials_anywhere(no_chain: pytest.MonkeyPatch) -> None:
    """The error names the chain and what to do; a later call looks again."""
    with pytest.raises(ConfigError, match="environment, shared credentials") as caught:
        headers(None)
    assert "AWS_ACCESS_KEY_ID" in caught.value.change
    session = Session(None, Credentials(ACCESS, SECRET, TOKEN))
    credentials = sigv4("eu-central-1", session=session)
    with pytest.raises(ConfigError):
        credentials.headers(OUTGOING, NOW)
    assert credentials.headers(OUTGOING, NOW) == headers(static())


@pytest.mark.parametrize(
    "broken", [CredentialRetrievalError(provider="sso", error_msg=SECRET), KeyError(SECRET), OSError(SECRET)]
)
def test_a_chain_that_breaks_is_typed(broken: Exception) -> None:
    """Whatever goes wrong while looking is one error, without its text."""
    with pytest.raises(AuthenticationError, match=type(broken).__name__) as caught:
        headers(Session(broken))
    assert (caught.value.kind, caught.value.retry_safe) == ("auth", False)
    assert SECRET not in str(caught.value)
    assert caught.value.__context__ is None


def test_secrets_stay_out_of_sight(caplog: pytest.LogCaptureFixture) -> None:
    """No key and no token in a repr, in a log line of any level, or in the frames of an error."""
    credentials = sigv4("eu-central-1", session=static())
    with caplog.at_level(logging.DEBUG):
        credentials.headers(OUTGOING, NOW)
    assert SECRET not in caplog.text
    assert TOKEN not in caplog.text
    assert repr(credentials) == "SigV4('bedrock', 'eu-central-1')"
    bad = Outgoing("POST", "https://[bad", OUTGOING.headers, b"")
    with pytest.raises(ConfigError, match="cannot be signed") as caught:
        credentials.headers(bad, NOW)
    lines = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert SECRET not in lines


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"region": ""}, "region"), ({"region": "eu-central-1", "profile": "p", "session": static()}, "profile already")],
)
def test_settings_that_contradict(settings: dict[str, Any], why: str) -> None:
    """What cannot work is said when it is made."""
    with pytest.raises(ConfigError, match=why):
        sigv4(settings.pop("region"), **settings)


def test_without_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra that brings it."""
    monkeypatch.setattr("psf_runtime.adapters.aws.find_spec", lambda _: None)
    with pytest.raises(ConfigError, match=r"pip install 'psf-runtime\[bedrock\]'"):
        sigv4("eu-central-1")
    assert importlib.util.find_spec("botocore") is not None


def test_making_it_imports_nothing_heavy() -> None:
    """botocore is imported by the first call, not by the import of the library or the making of credentials."""
    script = (
        "import sys; from psf_runtime.adapters.aws import sigv4; sigv4('eu-central-1');"
        "print([name for name in sys.modules if name.startswith('botocore.')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"
