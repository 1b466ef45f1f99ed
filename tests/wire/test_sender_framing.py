"""Reading HTTP/1.1 strictly: what is understood, what is refused, and how much is kept meanwhile."""

from __future__ import annotations

import tracemalloc

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.providers.connections.faults import RemoteProtocolError
from psf_runtime.providers.connections.framing import AnswerReader
from psf_runtime.providers.connections.head import request_head

OK = b"HTTP/1.1 200 OK\r\n"


def read(*pieces: bytes, end: bool = False) -> tuple[AnswerReader, bytes]:
    """The reader after these bytes, and the body."""
    reader = AnswerReader()
    body = b""
    for piece in pieces:
        reader.feed(piece)
        body += reader.take()
    if end:
        reader.end()
    return reader, body


UNDERSTOOD: dict[str, tuple[bytes, bytes, bool]] = {
    "a length": (OK + b"Content-Length: 3\r\n\r\nabc", b"abc", True),
    "no body": (OK + b"Content-Length: 0\r\n\r\n", b"", True),
    "chunks": (OK + b"transfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde", True),
    "chunk sizes with zeros and extensions": (
        OK + b'transfer-encoding: chunked\r\n\r\n0003;a=b;c="d"\r\nabc\r\n0\r\n\r\n',
        b"abc",
        True,
    ),
    "trailers": (OK + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\nset-cookie: z\r\n\r\n", b"a", True),
    "no reason": (b"HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", b"", True),
    "an empty reason": (b"HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n", b"", True),
    "204 without a length": (b"HTTP/1.1 204 No\r\n\r\n", b"", True),
    "204 with a length": (b"HTTP/1.1 204 No\r\ncontent-length: 9\r\n\r\n", b"", True),
    "304 with a length": (b"HTTP/1.1 304 No\r\ncontent-length: 9\r\n\r\n", b"", True),
    "interim answers": (
        b"HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 H\r\nlink: x\r\n\r\n" + OK + b"content-length: 1\r\n\r\na",
        b"a",
        True,
    ),
    "surplus": (OK + b"content-length: 1\r\n\r\nab", b"a", False),
    "surplus after chunks": (OK + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n\r\n", b"", False),
    "close": (OK + b"connection: close\r\ncontent-length: 1\r\n\r\na", b"a", False),
    "HTTP/1.0": (b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", b"a", False),
}


@pytest.mark.parametrize("name", sorted(UNDERSTOOD))
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_answers_are_understood_however_they_are_cut(name: str, size: int) -> None:
    """The same body, the same end and the same judgement of the connection for any packets."""
    data, expected, keep = UNDERSTOOD[name]
    reader, body = read(*(data[at : at + size] for at in range(0, len(data), size)))
    assert (body, reader.done) == (expected, True)
    if size == 1000:
        assert reader.keep is keep


REFUSED: dict[str, bytes] = {
    "not HTTP": b"SSH-2.0-OpenSSH\r\n",
    "HTTP/2": b"HTTP/2 200\r\n\r\n",
    "a status of two digits": b"HTTP/1.1 20 OK\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\ncontent-length: 0\n\n",
    "one bare line feed": OK + b"a: b\nc: d\r\n\r\n",
    "a bare carriage return": OK + b"a: b\rc: d\r\n\r\n",
    "a NUL": OK + b"a: b\0\r\n\r\n",
    "a folded line": OK + b"a: b\r\n c\r\n\r\n",
    "white space before the colon": OK + b"content-length : 0\r\n\r\n",
    "a header without a name": OK + b": x\r\n\r\n",
    "a header without a colon": OK + b"oops\r\n\r\n",
    "a length and chunks": OK + b"content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
    "two lengths": OK + b"content-length: 3\r\ncontent-length: 4\r\n\r\n",
    "the same length twice": OK + b"content-length: 3, 3\r\n\r\n",
    "a signed length": OK + b"content-length: +3\r\n\r\n",
    "a negative length": OK + b"content-length: -3\r\n\r\n",
    "a length in other digits": OK + "content-length: ³\r\n\r\n".encode("latin-1"),
    "a length without end": OK + b"content-length: " + b"9" * 40 + b"\r\n\r\n",
    "another coding": OK + b"transfer-encoding: gzip, chunked\r\n\r\n",
    "chunked twice": OK + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n",
    "chunks in HTTP/1.0": b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
    "chunks in 204": b"HTTP/1.1 204 No\r\ntransfer-encoding: chunked\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching\r\n\r\n",
    "interim answers without end": b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
    "a bad chunk size": OK + b"transfer-encoding: chunked\r\n\r\nxyz\r\n",
    "a signed chunk size": OK + b"transfer-encoding: chunked\r\n\r\n+3\r\nabc\r\n",
    "a chunk size in C": OK + b"transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n",
    "no chunk size": OK + b"transfer-encoding: chunked\r\n\r\n\r\n",
    "a huge chunk size": OK + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 17 + b"\r\n",
    "a chunk longer than its size": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    "a chunk that ends in a bare line feed": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n",
    "a size that ends in a bare line feed": OK + b"transfer-encoding: chunked\r\n\r\n3\nabc",
    "a trailer that is no header": OK + b"transfer-encoding: chunked\r\n\r\n0\r\noops\r\n\r\n",
    "too many headers": OK + b"a: b\r\n" * 300 + b"\r\n",
}


@pytest.mark.parametrize("name", sorted(REFUSED))
@pytest.mark.parametrize("size", [1, 1000])
def test_what_can_be_read_in_two_ways_is_refused(name: str, size: int) -> None:
    """Each of these ends the call; none of them is repaired. What came is not in the error."""
    data = REFUSED[name]
    with pytest.raises(RemoteProtocolError) as caught:
        read(*(data[at : at + size] for at in range(0, len(data), size)))
    assert "abc" not in str(caught.value)


ENDS_EARLY = {
    "nothing": b"",
    "in the head": OK,
    "in the body": OK + b"content-length: 3\r\n\r\nab",
    "in a chunk": OK + b"transfer-encoding: chunked\r\n\r\n3\r\nab",
    "before the last chunk": OK + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n",
    "before the end of the trailers": OK + b"transfer-encoding: chunked\r\n\r\n0\r\n",
}


@pytest.mark.parametrize("name", sorted(ENDS_EARLY))
def test_an_end_that_comes_early_is_seen(name: str) -> None:
    """A connection that ends before its answer does is never a whole answer."""
    with pytest.raises(RemoteProtocolError, match="ended"):
        read(ENDS_EARLY[name], end=True)


def test_some_answers_end_with_their_connection() -> None:
    """Without a length the body is what comes until the end, and the connection serves no other call."""
    reader, body = read(OK + b"\r\n", b"abc", b"def", end=True)
    assert (body, reader.done, reader.keep) == (b"abcdef", True, False)


ENDLESS = {
    "a header line": (OK + b"a: ", b"x"),
    "headers": (OK, b"a: b\r\n"),
    "a chunk's first line": (OK + b"transfer-encoding: chunked\r\n\r\n1;", b"x"),
    "trailers": (OK + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n"),
    "a trailer line": (OK + b"transfer-encoding: chunked\r\n\r\n0\r\na:", b"x"),
    "interim answers": (b"HTTP/1.1 100 Continue\r\n", b"a: b\r\n"),
}


@pytest.mark.parametrize("name", sorted(ENDLESS))
def test_what_never_ends_is_given_up_early(name: str) -> None:
    """A line or head of a gigabyte is refused after a few kilobytes: memory does not grow with what is sent."""
    start, more = ENDLESS[name]
    piece = more * (65_536 // len(more))

    def feed() -> None:
        reader = AnswerReader()
        reader.feed(start)
        for _ in range(16_384):  # a gigabyte
            reader.feed(piece)

    tracemalloc.start()
    with pytest.raises(RemoteProtocolError):
        feed()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


names = st.sampled_from([b"X-A", b"server", b"content-type", b"vary", b"connection"])
values = st.sampled_from([b"x", b"", b"keep-alive", b"close", b"a b\tc", b"caf\xe9"])
bodies = st.lists(st.binary(min_size=1, max_size=40), max_size=4)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(names, values), max_size=5), bodies, st.booleans(), st.lists(st.integers(1, 60), max_size=9))
def test_another_reader_understands_the_same(
    headers: list[tuple[bytes, bytes]], pieces: list[bytes], chunked: bool, cuts: list[int]
) -> None:
    """h11, which is another implementation, finds the same status, headers and body in what this reader accepts."""
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
    if chunked:
        framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        data = OK + lines + b"transfer-encoding: chunked\r\n\r\n" + framed
    else:
        data = OK + lines + b"content-length: %d\r\n\r\n" % sum(map(len, pieces)) + b"".join(pieces)
    parts = []
    for cut in cuts:
        parts.append(data[:cut])
        data = data[cut:]
    reader, body = read(*(part for part in (*parts, data) if part))
    assert reader.head is not None
    theirs, their_body, keeps = read_with_h11(b"".join(parts) + data)
    assert (reader.head.status, body, reader.done, reader.keep) == (theirs.status_code, their_body, True, keeps)
    wanted: dict[str, str] = {}
    for name, value in theirs.headers:
        text = value.decode("latin-1")
        key = name.decode()
        wanted[key] = f"{wanted[key]}, {text}" if key in wanted else text
    assert reader.head.headers == wanted


def read_with_h11(data: bytes) -> tuple[h11.Response, bytes, bool]:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="POST", target="/", headers=[("host", "a"), ("content-length", "0")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    head, body = connection.next_event(), b""
    assert isinstance(head, h11.Response)
    while isinstance(event := connection.next_event(), h11.Data):
        body += event.data
    return head, body, connection.their_state is h11.DONE


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=80),
    st.sampled_from([b"", OK, OK + b"transfer-encoding: chunked\r\n\r\n"]),
)
def test_any_bytes_are_an_answer_or_a_fault(noise: bytes, start: bytes) -> None:
    """Whatever comes, nothing but RemoteProtocolError is raised."""
    reader = AnswerReader()
    try:
        reader.feed(start + noise)
        reader.take()
        reader.end()
    except RemoteProtocolError:
        return
    assert reader.done


def test_a_request_is_written_as_it_was_declared() -> None:
    """The headers in their order, `host` and `content-length` beside them, and nothing else."""
    head = request_head("POST", "/v1/x", "h.example", headers=(("a", "b"), ("c", "d e")), length=5)
    assert head == b"POST /v1/x HTTP/1.1\r\nhost: h.example\r\na: b\r\nc: d e\r\ncontent-length: 5\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a", "b\r\nx: y"),
        ("a", "b\nx: y"),
        ("a", "b\0"),
        ("a", "b\r"),
        ("a", "schlüssel"),
        ("a:", "canary"),
        ("a b", "canary"),
        ("", "canary"),
        ("A", "canary"),
        ("host", "evil.example"),
        ("content-length", "7654"),
        ("transfer-encoding", "chunked"),
        ("connection", "upgrade"),
        ("proxy-authorization", "Basic x"),
    ],
)
def test_a_header_cannot_change_the_message(name: str, value: str) -> None:
    """A line break, a sign that headers must not have, or a header that frames the message is a ConfigError."""
    with pytest.raises(ConfigError) as caught:
        request_head("POST", "/", "h", headers=((name, value),), length=0)
    assert value not in str(caught.value)
