"""Whether the name of the model that answered is the name that was asked for."""

from __future__ import annotations

import re

_DATE = re.compile(r"[-@](?:\d{4}-\d{2}-\d{2}|\d{8})(?:-v\d+(?::\d+)?)?")


def same_model(asked: str, answered: str) -> bool:
    """Whether `answered` is `asked`, or a dated version of it (`gpt-4o` answered by `gpt-4o-2024-08-06`).

    Case does not count, nor does a vendor's or folder's prefix (`openai/gpt-4o`). A dated name must be answered by
    the same date.
    """
    asked_name, answered_name = _plain(asked), _plain(answered)
    if asked_name == answered_name:
        return True
    if not asked_name or not answered_name.startswith(asked_name):
        return False
    return _DATE.fullmatch(answered_name[len(asked_name) :]) is not None


def _plain(name: str) -> str:
    return name.strip().lower().rpartition("/")[2]
