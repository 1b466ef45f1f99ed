"""A preview of JSON that is still being written: what is complete so far, as plain dicts and lists."""

from __future__ import annotations

import json
import re
from typing import Any

_MOST_LEVELS = 64
_STRING_END = re.compile(r'[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_SCALAR = re.compile(r"[^\s,\]}{\[:\"]+")
_NOTHING: Any = object()


class PartialJson:
    """Reads JSON text piece by piece; each leaf shows up once it is complete.

    `feed` returns a snapshot when something new is complete, else None. Snapshots are never changed later. Text that
    turns out to be no JSON ends the preview: nothing more is returned. `wrapped` unwraps `{"value": ...}`.
    """

    def __init__(self, *, wrapped: bool = False) -> None:
        self._wrapped = wrapped
        self._text = ""
        self._position = 0
        self._stack: list[Any] = []  # open containers, outermost first
        self._keys: list[str | None] = []  # the key that waits for its value, per open container
        self._changed = False
        self._dead = False
        self._root: Any = _NOTHING

    def feed(self, piece: str) -> Any:
        """The value as far as it is complete, or None when nothing new is."""
        if self._dead:
            return None
        self._text += piece
        self._changed = False
        try:
            while self._step():
                pass
        except ValueError:
            self._dead = True
        self._text, self._position = self._text[self._position :], 0
        return self._snapshot() if self._changed else None

    def _step(self) -> bool:
        """Read one sign, string or number; False when more text is needed."""
        text = self._text
        while self._position < len(text) and text[self._position] in " \t\r\n,:":
            self._position += 1
        if self._position >= len(text):
            return False
        sign = text[self._position]
        if self._root is not _NOTHING and not self._stack:
            raise ValueError("text after the end")
        if sign in "{[":
            self._open({} if sign == "{" else [])
        elif sign in "}]":
            self._close(sign)
        elif sign == '"':
            return self._string()
        else:
            return self._scalar()
        self._position += 1
        return True

    def _open(self, container: Any) -> None:
        if len(self._stack) >= _MOST_LEVELS:
            raise ValueError("too deep")
        if self._awaits_key():
            raise ValueError("a key is missing")
        self._put(container)
        self._stack.append(container)
        self._keys.append(None)

    def _close(self, sign: str) -> None:
        wanted = dict if sign == "}" else list
        if not self._stack or not isinstance(self._stack[-1], wanted) or self._keys[-1] is not None:
            raise ValueError("a bracket does not match")
        self._stack.pop()
        self._keys.pop()

    def _string(self) -> bool:
        match = _STRING_END.match(self._text, self._position + 1)
        if match is None:
            return False
        value = json.loads(self._text[self._position : match.end()], strict=False)
        self._position = match.end()
        if self._awaits_key():
            self._keys[-1] = value
        else:
            self._put(value)
        return True

    def _scalar(self) -> bool:
        match = _SCALAR.match(self._text, self._position)
        if match is None:
            raise ValueError("not JSON")
        if match.end() == len(self._text):
            return False  # it may go on: 12 could become 123
        if self._awaits_key():
            raise ValueError("a key is missing")
        self._put(json.loads(match.group()))
        self._position = match.end()
        return True

    def _awaits_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1], dict) and self._keys[-1] is None

    def _put(self, value: Any) -> None:
        self._changed = True
        if not self._stack:
            self._root = value
        elif isinstance(self._stack[-1], list):
            self._stack[-1].append(value)
        else:
            self._stack[-1][self._keys[-1]] = value
            self._keys[-1] = None

    def _snapshot(self) -> Any:
        """A copy of the containers that are still open; those that are closed never change and are shared."""
        if not self._stack:
            return self._unwrapped(self._root)
        copy: Any = _NOTHING
        for container, inner in zip(reversed(self._stack), (None, *reversed(self._stack[1:])), strict=True):
            fresh = dict(container) if isinstance(container, dict) else list(container)
            if inner is not None:
                last = next(reversed(fresh)) if isinstance(fresh, dict) else len(fresh) - 1
                fresh[last] = copy
            copy = fresh
        return self._unwrapped(copy)

    def _unwrapped(self, value: Any) -> Any:
        return value.get("value") if self._wrapped and isinstance(value, dict) else value
