"""Guards named in a policy file: `acme.guards:no_competitors` is imported here, and nowhere else."""

from __future__ import annotations

import importlib
import re
from typing import Any

from psf_runtime.policy.checking import Wrong

_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def import_guard(path: Any) -> tuple[Any, Wrong | None]:
    """The guard at a dotted path, or None and what is wrong with the path."""
    if not isinstance(path, str) or not _PATH.fullmatch(path):
        return None, ("is not the path of a guard", '"acme.guards:no_competitors"')
    module_name, _, name = path.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:  # whatever the module does while it is imported
        return None, (f"{module_name} cannot be imported: {type(error).__name__}", "install it, or correct the path")
    for step in name.split("."):
        found = getattr(found, step, None)
    if found is None:
        return None, (f"{module_name} has no {name}", f"a name that {module_name} has")
    return found, None
