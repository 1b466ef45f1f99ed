"""A loopback Bedrock: it recomputes every signature, checks every body against the service's own model, and answers.

Signatures and frames are made here by hand, from the published rules, not by the library or by botocore.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import quote, unquote
from zlib import crc32

from tests.wire.wire_bedrock_model import request_faults

REGION = "eu-central-1"
ACCESS_KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "session/token=of+this+test"
BEARER = "bedrock-api-key-of-this-test"
MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
PROFILE = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.anthropic.claude-3-haiku-20240307-v1:0"
USAGE = {"inputTokens": 7, "outputTokens": 5, "totalTokens": 15, "cacheReadInputTokens": 3}
_SKEW = 300


class _Server(ThreadingHTTPServer):
    """A client that hangs up in the middle is part of the tests, and no news."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Refusal(Exception):
    """The request is refused: a status and the exception's name."""

    def __init__(self, status: int, name: str) -> None:
        super().__init__(name)
        self.status = status
        self.name = name


def frame(headers: dict[str, str], payload: bytes) -> bytes:
    """One frame of an AWS event stream."""
    written = b""
    for name, value in headers.items():
        written += struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value))
        written += value.encode()
    prelude = struct.pack("!II", 16 + len(written) + len(payload), len(written))
    prelude += struct.pack("!I", crc32(prelude))
    return prelude + written + payload + struct.pack("!I", crc32(prelude + written + payload))


def event(kind: str, body: dict[str, Any]) -> bytes:
    """One event, padded as the service pads them."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return frame(headers, json.dumps({**body, "p": "abcdefgh"[: len(body) % 8]}).encode())


def exception(name: str) -> bytes:
    """A failure in mid-stream."""
    headers = {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"}
    return frame(headers, json.dumps({"message": "Canary-Kanarienvogel"}).encode())


def answer_events(text: str) -> list[bytes]:
    """A stream with reasoning, text (without a start) and two calls that take turns."""
    calls = [{"toolUseId": f"tooluse_{name}", "name": name} for name in ("one", "two")]
    return [
        event("messageStart", {"role": "assistant"}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"signature": "c2ln"}}}),
        event("contentBlockStop", {"contentBlockIndex": 0}),
        event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": text[:3]}}),
        event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": text[3:]}}),
        event("contentBlockStop", {"contentBlockIndex": 1}),
        event("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": calls[0]}}),
        event("contentBlockStart", {"contentBlockIndex": 3, "start": {"toolUse": calls[1]}}),
        event("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": '{"a"'}}}),
        event("contentBlockDelta", {"contentBlockIndex": 3, "delta": {"toolUse": {"input": ""}}}),
        event("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"toolUse": {"input": ":1}"}}}),
        event("contentBlockStop", {"contentBlockIndex": 2}),
        event("contentBlockStop", {"contentBlockIndex": 3}),
        event("messageStop", {"stopReason": "tool_use"}),
        event("metadata", {"usage": USAGE, "metrics": {"latencyMs": 12}}),
    ]


def answer_body(text: str) -> dict[str, Any]:
    """The same answer, whole."""
    thought = {"reasoningText": {"text": "hm", "signature": "c2ln"}}
    content = [
        {"reasoningContent": thought},
        {"text": text},
        {"toolUse": {"toolUseId": "tooluse_one", "name": "one", "input": {"a": 1}}},
        {"toolUse": {"toolUseId": "tooluse_two", "name": "two", "input": {}}},
    ]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "tool_use",
        "usage": USAGE,
        "metrics": {"latencyMs": 12},
    }


class BedrockStub:
    """One region of Bedrock on loopback.

    Args:
        fault: what goes wrong: `throttled`, `not_ready`, `bad_crc`, `cut` or `exception`; empty for nothing.
        clock: the service's own, in seconds since the epoch.
        region: what the service believes to be.
        body, stream: the bytes that it answers with, instead of its own.
    """

    def __init__(
        self,
        *,
        fault: str = "",
        clock: Callable[[], float] = time.time,
        region: str = REGION,
        body: bytes = b"",
        stream: bytes = b"",
    ) -> None:
        self.fault = fault
        self.body = body or json.dumps(answer_body("hello there")).encode()
        self.stream = stream
        self.clock = clock
        self.region = region
        self.bodies: list[dict[str, Any]] = []
        self.models: list[str] = []
        self.hung_up = threading.Event()  # the client ended a stream that was still open
        stub = self

        class Handler(_Handler):
            service = stub

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> BedrockStub:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join(5)
        self._server.server_close()

    def judge(self, path: str, headers: Any, body: bytes) -> bool:
        """Whether a stream is asked for. Raises Refusal."""
        self._check_caller(path, headers, body)
        _, kind, model, operation = path.split("/")
        model = unquote(model)
        self.models.append(model)
        if kind != "model" or operation not in ("converse", "converse-stream"):
            raise Refusal(404, "UnknownOperationException")
        if model not in (MODEL, PROFILE):
            raise Refusal(404, "ResourceNotFoundException")
        stream = operation == "converse-stream"
        value = json.loads(body)
        self.bodies.append(value)
        if request_faults(value, model, stream=stream) or value["messages"][0]["role"] != "user":
            raise Refusal(400, "ValidationException")
        if self.fault == "throttled":
            raise Refusal(429, "ThrottlingException")
        if self.fault == "not_ready":
            raise Refusal(429, "ModelNotReadyException")
        return stream

    def _check_caller(self, path: str, headers: Any, body: bytes) -> None:
        given = headers.get("authorization", "")
        if given == f"Bearer {BEARER}":
            return
        if not given.startswith("AWS4-HMAC-SHA256 "):
            raise Refusal(403, "MissingAuthenticationTokenException")
        fields = dict(piece.strip().split("=", 1) for piece in given.removeprefix("AWS4-HMAC-SHA256 ").split(","))
        key, day, region, service, end = fields["Credential"].split("/")
        if key != ACCESS_KEY:
            raise Refusal(403, "UnrecognizedClientException")
        moment = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        late = abs(moment.timestamp() - self.clock()) > _SKEW
        scope = f"{day}/{self.region}/bedrock/aws4_request"
        names = fields["SignedHeaders"].split(";")
        signed = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in names)
        wanted = signature(path, signed, ";".join(names), body, headers["x-amz-date"], scope)
        right = hmac.compare_digest(wanted, fields["Signature"]) and {"host", "x-amz-date"} <= set(names)
        if late or not right or (region, service, end) != (self.region, "bedrock", "aws4_request"):
            raise Refusal(403, "InvalidSignatureException")
        if "x-amz-security-token" in headers and headers["x-amz-security-token"] != TOKEN:
            raise Refusal(403, "ExpiredTokenException")


def signature(path: str, signed: str, names: str, body: bytes, moment: str, scope: str) -> str:
    """Version 4, from the rules. The path is escaped once more, escapes included."""
    canonical = "\n".join(("POST", quote(path, safe="/~"), "", signed, names, hashlib.sha256(body).hexdigest()))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{SECRET}".encode()
    for piece in scope.split("/"):
        key = hmac.digest(key, piece.encode(), "sha256")
    return hmac.digest(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}".encode(), "sha256").hex()


class _Handler(BaseHTTPRequestHandler):
    service: BedrockStub
    protocol_version = "HTTP/1.1"
    timeout = 5

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Says nothing."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            stream = self.service.judge(self.path, self.headers, body)
        except Refusal as refusal:
            data = json.dumps({"message": "Canary-Kanarienvogel"}).encode()
            name = f"{refusal.name}:http://internal.amazon.com/coral/com.amazon.bedrock/"
            self._answer(refusal.status, data, ("x-amzn-ErrorType", name))
            return
        if stream:
            self._stream()
        else:
            self._answer(200, self.service.body)

    def _answer(self, status: int, data: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("content-type", "application/json"), ("content-length", str(len(data))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self) -> None:
        """The answer in pieces of seven bytes. A fault leaves the stream open, and waits for the client to hang up."""
        fault = self.service.fault
        events = answer_events("hello there")
        data = self.service.stream or b"".join(events)
        if fault == "exception":
            data = b"".join(events[:6]) + exception("modelStreamErrorException")
        elif fault == "bad_crc":
            data = b"".join(events[:6]) + events[6][:-1] + bytes((events[6][-1] ^ 1,))
        elif fault == "cut":
            data = data[:-20]
        self.send_response(200)
        self.send_header("content-type", "application/vnd.amazon.eventstream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for start in range(0, len(data), 7):
            piece = data[start : start + 7]
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if fault in ("exception", "bad_crc"):
            self.close_connection = True
            if not self.rfile.read(1):
                self.service.hung_up.set()
            return
        self.wfile.write(b"0\r\n\r\n")
