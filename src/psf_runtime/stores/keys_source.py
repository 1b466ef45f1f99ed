"""Which key source a setting names: `env:PSF_KEY` or `file:/run/secrets/psf.keys`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from psf_runtime.errors import ConfigError
from psf_runtime.ports import KeyProvider
from psf_runtime.stores.keys import no_key_source
from psf_runtime.stores.keys_environment import EnvironmentKeys
from psf_runtime.stores.keys_file import FileKeys, check_key_file

_CONTROL = "privacy.tokens"


def open_keys(setting: str | None, environ: Mapping[str, str], *, state_file: Path | None = None) -> KeyProvider:
    """The key source that `setting` names, else `PSF_KEY` itself.

    Args:
        state_file: where the state lies, when it is a file: keys beside it are refused.

    Raises:
        ConfigError: there is no source, its file may be read by others, or it lies beside the state.
    """
    if setting is None:
        return EnvironmentKeys("PSF_KEY", environ=environ)
    kind, _, rest = setting.partition(":")
    if kind == "env" and rest:
        return EnvironmentKeys(rest, environ=environ)
    if kind == "file" and rest:
        return _file(Path(rest), state_file)
    raise no_key_source()


def _file(path: Path, state_file: Path | None) -> FileKeys:
    place = Path(os.path.realpath(path))
    if state_file is not None:
        folder = Path(os.path.realpath(state_file)).parent
        if place.is_relative_to(folder):
            raise ConfigError(
                "the keys lie beside the state",
                control=_CONTROL,
                why="whoever copies the folder of the state would have its keys too",
                change="move the key file to another folder, for example one of secrets",
            )
    if not place.exists():
        raise ConfigError("there is no key file", control=_CONTROL, why="key = names it", change="psf key new FILE")
    check_key_file(path)
    return FileKeys(path)
