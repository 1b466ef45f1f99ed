"""The kill switch as a file."""

from __future__ import annotations

from pathlib import Path

from psf_runtime.stores.halt_file import HaltFile
from psf_runtime.types.request import Facts

FACTS = Facts()


class Clock:
    """Moves when told, counts how often it was read."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_file_is_the_switch(tmp_path: Path):
    """There: halted. Gone: running. Seen at the next look."""
    clock, path = Clock(), tmp_path / "psf.halt"
    switch = HaltFile(path, clock=clock)
    assert switch.reason(FACTS, None) is None
    path.touch()
    clock.now = 0.19
    assert switch.reason(FACTS, "a") is None, "looked at most every 0.2 s"
    clock.now = 0.2
    assert switch.reason(FACTS, "a") == "the halt file exists"
    path.unlink()
    assert switch.reason(FACTS, None) == "the halt file exists"
    clock.now = 0.4
    assert switch.reason(FACTS, None) is None


def test_a_file_that_was_there_before_halts_the_first_call(tmp_path: Path):
    """The first question looks."""
    path = tmp_path / "psf.halt"
    path.write_text("anything")
    assert HaltFile(path, clock=Clock()).reason(FACTS, None) == "the halt file exists"


def test_a_path_that_cannot_be_looked_at_counts_as_on(tmp_path: Path):
    """A file where a folder should be; a name that is too long; a path that is none."""
    (tmp_path / "file").touch()
    expected = "the halt file cannot be looked at (NotADirectoryError), which counts as on"
    assert expected == HaltFile(tmp_path / "file" / "psf.halt").reason(FACTS, None)
    assert "cannot be looked at" in str(HaltFile(tmp_path / ("x" * 5000)).reason(FACTS, None))
    assert "is not a path" in str(HaltFile("a\0b").reason(FACTS, None))


def test_the_real_clock_is_the_default(tmp_path: Path):
    """Two questions in a row, one answer."""
    switch = HaltFile(str(tmp_path / "psf.halt"))
    assert (switch.reason(FACTS, None), switch.reason(FACTS, None)) == (None, None)


def test_a_forked_child_looks_for_itself(tmp_path: Path):
    """What the parent saw a moment ago does not count."""
    path = tmp_path / "psf.halt"
    switch = HaltFile(path, clock=Clock())
    assert switch.reason(FACTS, None) is None
    path.touch()
    switch.start_anew()
    assert switch.reason(FACTS, None) == "the halt file exists"
