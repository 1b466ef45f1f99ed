"""A chat-completions server on loopback that answers as it is told, and remembers what it was sent."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.wrap import vendors


def echoed(body: dict[str, Any]) -> str:
    content = body["messages"][-1]["content"]
    return content if isinstance(content, str) else json.dumps(content)


def completion(body: dict[str, Any], message: dict[str, Any] | None = None, finish: str = "stop") -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [
            {
                "index": 0,
                "message": message or {"role": "assistant", "content": echoed(body)},
                "finish_reason": finish,
            }
        ],
        "usage": {"prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11},
    }


class Server:
    """What the server was sent, and what it does next."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        self.keys: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.redirect = ""
        self.delta: dict[str, Any] = {}
        self.message: dict[str, Any] | None = None
        self.finish = "stop"
        self.status = 200
        self.cut = False
        self.url = ""


@contextmanager
def serving() -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            state.paths.append(self.path)
            self.reply(json.dumps({"object": "list", "data": []}).encode(), "application/json")

        def do_POST(self) -> None:
            data = self.rfile.read(int(self.headers["content-length"]))
            state.paths.append(self.path)
            state.bodies.append(data)
            state.keys.append(self.headers.get("authorization", ""))
            state.headers.append({name.lower(): value for name, value in self.headers.items()})
            if state.redirect:
                self.send_response(307)
                self.send_header("location", state.redirect)
                self.send_header("content-length", "0")
                self.end_headers()
                return
            body = json.loads(data)
            if state.status != 200:
                self.reply(b'{"error": {"message": "prompt was: secret"}}', "application/json", state.status)
            elif (answer := vendors.reply(self.path, body)) is not None:
                data, kind = answer
                self.reply(data[: len(data) // 2] if state.cut else data, kind)
            elif body.get("stream"):
                self.stream(body)
            else:
                whole = completion(body, state.message, state.finish)
                self.reply(json.dumps(whole).encode(), "application/json")

        def stream(self, body: dict[str, Any]) -> None:
            frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
            events = []
            for sign in echoed(body):
                events.append(
                    {
                        **frame,
                        "choices": [{"index": 0, "delta": {"content": sign, **state.delta}, "finish_reason": None}],
                    }
                )
            if not state.cut:
                events.append({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
            text = "".join(f"data: {json.dumps(event)}\n\n" for event in events)
            self.reply((text + ("" if state.cut else "data: [DONE]\n\n")).encode(), "text/event-stream")

        def reply(self, data: bytes, kind: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up is part of these tests."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
