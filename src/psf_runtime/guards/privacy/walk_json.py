"""Walking JSON: every string, every key, and numbers as text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psf_runtime.errors import Blocked
from psf_runtime.guards.privacy.edits import Editor, Leaf, apply

_DEEPEST = 200


def too_deep() -> Blocked:
    """The error for a value nested deeper than anybody could inspect."""
    return Blocked(
        "the request holds JSON that is nested too deep to be inspected",
        control="privacy.tokens",
        why=f"more than {_DEEPEST} levels",
        change="send a flatter value",
    )


@dataclass(slots=True, repr=False)
class JsonWalker:
    """Applies an editor to the leaves and keys of a JSON value. A value that nothing changed stays the same object."""

    edit: Editor
    carries_tokens: bool = False
    changed: bool = field(default=False, init=False)

    def value(self, value: Any, where: str, depth: int = 0) -> Any:
        """The value after the editor; `where` is its place."""
        if depth > _DEEPEST:
            raise too_deep()
        if isinstance(value, str):
            return self.text(value, where)
        if isinstance(value, Mapping):
            return self._mapping(value, where, depth)
        if isinstance(value, list | tuple):
            items = [self.value(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(value)]
            if all(new is old for new, old in zip(items, value, strict=True)):
                return value
            return items if isinstance(value, list) else tuple(items)
        if isinstance(value, int | float) and not isinstance(value, bool):
            written = str(value)
            text = self.text(written, where)
            return value if text == written else text
        return value

    def text(self, text: str, where: str) -> str:
        """A string after the editor."""
        edits = self.edit(Leaf(text, where, carries_tokens=self.carries_tokens))
        if not edits:
            return text
        self.changed = True
        return apply(text, edits)

    def _key(self, key: Any, where: str) -> Any:
        """A key; one that is a number is written as text."""
        if isinstance(key, str):
            return self.text(key, where)
        if not isinstance(key, int | float) or isinstance(key, bool):
            return key
        written = str(key)
        text = self.text(written, where)
        return key if text == written else text

    def _mapping(self, value: Mapping[Any, Any], where: str, depth: int) -> Mapping[Any, Any]:
        out: dict[Any, Any] = {}
        same = True
        for index, (key, item) in enumerate(value.items()):
            new_key = self._key(key, f"{where}.key[{index}]")
            new_item = self.value(item, f"{where}[{index}]", depth + 1)
            same = same and new_key is key and new_item is item
            out[new_key] = new_item
        return value if same else out


def walk_json_text(text: str, where: str, edit: Editor, *, carries_tokens: bool) -> str:
    """JSON text after the editor; text that is no JSON is walked as it is.

    Text that nothing changed comes back letter by letter. Twice the same key in one object would hide the first value
    from us and perhaps not from the reader: such text is always written anew.
    """
    walker = JsonWalker(edit, carries_tokens)
    parsed = parse_container(text)
    if parsed is None:
        return walker.text(text, where)
    value, twice = parsed
    new = walker.value(value, where)
    if not walker.changed and not twice:
        return text
    return json.dumps(new, ensure_ascii=False)


def parse_container(text: str) -> tuple[Any, bool] | None:
    """The object or array that `text` is, and whether a key stands in it twice; None for anything else."""
    if text.lstrip()[:1] not in ("{", "["):
        return None
    twice = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        out = dict(items)
        twice = twice or len(out) != len(items)
        return out

    try:
        return json.loads(text, object_pairs_hook=pairs), twice
    except ValueError:
        return None
    except RecursionError:
        pass
    raise too_deep()
