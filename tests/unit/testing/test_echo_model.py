"""Where the echo model is kept, how it is built, and what is said when that cannot be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.testing.echo_model import FILE_NAME, cache_folder, echo_model
from psf_runtime.testing.echo_vocabulary import MARKS, tokens
from psf_runtime.testing.llama_process import EchoServerProcess
from psf_runtime.testing.llama_server import EchoServer


def test_it_is_built_once_and_kept(tmp_path: Path) -> None:
    """The second call finds the file of the first, byte for byte, and nothing else lies around."""
    path = echo_model(tmp_path)
    before = (path.read_bytes()[:4], path.stat().st_mtime_ns, path.stat().st_size)
    assert echo_model(tmp_path) == path
    assert (path.read_bytes()[:4], path.stat().st_mtime_ns, path.stat().st_size) == before
    assert [entry.name for entry in tmp_path.iterdir()] == [FILE_NAME]
    assert before[0] == b"GGUF"


def test_a_broken_file_is_built_anew(tmp_path: Path) -> None:
    """What does not begin like a model is replaced."""
    (tmp_path / FILE_NAME).write_bytes(b"half a")
    assert echo_model(tmp_path).stat().st_size > 10_000_000


def test_the_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """$XDG_CACHE_HOME when it is absolute, else ~/.cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "psf-runtime"
    monkeypatch.setenv("HOME", "/home/somebody")
    for value in ("", "relative/folder"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_folder() == Path("/home/somebody/.cache/psf-runtime")


def test_a_folder_that_cannot_be_made_is_a_config_error(tmp_path: Path) -> None:
    """The error names the remedy."""
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    with pytest.raises(ConfigError, match="XDG_CACHE_HOME"):
        echo_model(in_the_way / "folder")


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """As if a package were not installed."""
    monkeypatch.setitem(sys.modules, package, None)
    for name in ("psf_runtime.testing.echo_file", "psf_runtime.testing.echo_weights"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.parametrize("package", ["gguf", "numpy"])
def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: str) -> None:
    """Building needs gguf and numpy."""
    without(monkeypatch, package)
    with pytest.raises(ConfigError, match=r"psf-runtime\[demo\]"):
        echo_model(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_kept_model_needs_no_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What is in the cache is used as it is."""
    path = echo_model(tmp_path)
    without(monkeypatch, "gguf")
    assert echo_model(tmp_path) == path


def test_the_server_names_the_extra_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without xllamacpp nothing starts."""
    without(monkeypatch, "xllamacpp")
    with pytest.raises(ConfigError, match=r"psf-runtime\[demo\]"):
        EchoServer().start()


def test_a_server_that_does_not_run_has_no_address() -> None:
    """Asking for it says how to start; stopping it twice is harmless."""
    server = EchoServer()
    server.stop()
    with pytest.raises(ConfigError, match="start"):
        _ = server.base_url


def test_a_process_that_dies_at_once_is_a_config_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server process that says nothing is reported and reaped."""
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(ConfigError, match="did not start"):
        EchoServerProcess().__enter__()


def test_the_vocabulary_has_a_token_per_byte_and_the_marks() -> None:
    """256 different spellings, then the marks; letters are spelt as themselves."""
    vocabulary = tokens()
    assert len(set(vocabulary)) == 256 + len(MARKS) == len(vocabulary)
    assert vocabulary[ord("a")] == "a"
    assert vocabulary[ord(" ")] == "Ġ"
    assert vocabulary[256:] == list(MARKS)


def test_importing_it_loads_nothing_heavy() -> None:
    """numpy, gguf and the server are loaded only when they are needed."""
    code = (
        "import sys, psf_runtime.testing.llama_process, psf_runtime.testing.echo_model\n"
        "print(sorted({'numpy', 'gguf', 'xllamacpp'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
