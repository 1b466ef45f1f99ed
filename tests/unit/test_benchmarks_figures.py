"""The arithmetic and the tables of the benchmarks: what they tell is what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import figures, layers, overhead, peers
from benchmarks.measure import Result, interleaved, middle, report, result_lines
from benchmarks.rounds import Rounds
from benchmarks.side_by_side import Comparison, calls, flights

BARS = {
    "added_us_sync": (250.0, False),
    "added_us_async": (300.0, False),
    "stream_ratio": (3.0, False),
    "history_200k_ratio": (0.2, False),
    "openai_sdk_ratio": (1.0, False),
    "litellm_ratio": (0.33, False),
    "calls_s_64": (1_000.0, True),
    "calls_s_512": (2_000.0, True),
    "rss_512_mb": (60.0, False),
}


def costs(**senders: list[float | None]) -> Rounds:
    """Rounds of a row that tells CPU only."""
    return {name: [None if value is None else {"cpu_us": value} for value in row] for name, row in senders.items()}


def flight(calls_s: float) -> Rounds:
    """One round of psf_runtime with many calls in flight."""
    return {"psf_runtime": [{"calls_s": calls_s, "cpu_us": 90.0}]}


def everything() -> dict[str, Rounds]:
    """One round of every row, of everyone."""
    calls_measured = costs(psf_runtime=[400.0], httpx=[250.0], openai=[800.0], litellm=[2_000.0])
    return {
        **{work.name: calls_measured for work in calls(True)},
        "flight_64": flight(1_100.0),
        "flight_512": flight(1_900.0),
        "peak": {"psf_runtime": [{"peak_mb": 55.0}]},
    }


def test_the_middle_is_the_median_and_half_the_distance_between_the_quartiles() -> None:
    """One slow round in seven does not move a figure."""
    assert middle([10.0, 11.0, 12.0, 13.0, 14.0, 15.0, 900.0]) == (13.0, 2.0)
    assert middle([7.0]) == (7.0, 0.0)


@pytest.mark.parametrize(
    ("value", "bar", "least", "good", "mark"),
    [
        (250.0, 250.0, False, True, "ok"),
        (250.1, 250.0, False, False, "OVER"),
        (1_000.0, 1_000.0, True, True, "ok"),
        (999.9, 1_000.0, True, False, "UNDER"),
        (5.0, None, False, True, "-"),
    ],
)
def test_a_bar_is_the_most_or_the_least(value: float, bar: float | None, least: bool, good: bool, mark: str) -> None:
    """Costs may not go over their bar, speeds not under it; without a bar nothing is judged."""
    result = Result("key", value, 0.0, bar, "something", least=least)

    assert (result.good, result.mark) == (good, mark)


def test_the_report_writes_every_result_and_fails_on_a_broken_bar(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The JSON holds each key with value, spread and bar, and what stands beside; the exit code tells a broken bar."""
    file = tmp_path / "figures.json"
    good = Result("fast_us", 1.0, 0.1, 2.0, "nothing")
    bad = Result("calls_s", 5.0, 0.5, 10.0, "nothing", least=True)

    code = report([good, bad], json_file=str(file), beside={"missing": {"aiohttp": "no network"}})

    data = json.loads(file.read_text(encoding="utf-8"))
    assert code == 1
    assert report([good], json_file=None) == 0
    assert data["results"]["calls_s"] == {
        "key": "calls_s",
        "value": 5.0,
        "spread": 0.5,
        "bar": 10.0,
        "baseline": "nothing",
        "least": True,
        "good": False,
    }
    assert data["missing"] == {"aiohttp": "no network"}
    assert "UNDER" in capsys.readouterr().out


def test_the_table_says_which_way_a_bar_holds() -> None:
    """A reader sees the most and the least at a glance."""
    lines = result_lines([Result("a", 1.0, 0.0, 2.0, "x"), Result("b", 1.0, 0.0, 2.0, "x", least=True)])

    assert "<=2" in lines[1]
    assert ">=2" in lines[2]


def test_variants_take_turns_in_going_first() -> None:
    """A machine that slows down in the middle of a run slows all variants."""
    order: list[str] = []
    interleaved({name: lambda times, name=name: order.append(name) for name in "abc"}, times=10, rounds=3)  # type: ignore[misc]

    assert order == [*"abc", *"abc", *"bca", *"cab"]  # the first three are the warm-up


def test_differences_and_ratios_are_taken_within_a_round() -> None:
    """A round in which the machine was twice as slow gives the same ratio, and only rounds of both sides count."""
    rounds = costs(psf_runtime=[100.0, 200.0, 90.0, None], openai=[50.0, 100.0, None, 70.0])

    assert figures.within_rounds(rounds, "cpu_us", peer="openai", kind="ratio") == [2.0, 2.0]
    assert figures.within_rounds(rounds, "cpu_us", peer="openai", kind="difference") == [50.0, 100.0]
    assert figures.within_rounds(rounds, "cpu_us", peer="litellm", kind="ratio") == []


def test_every_promised_figure_is_told_with_its_bar() -> None:
    """Names and bars of the comparison do not drift."""
    told = {result.key: (result.bar, result.least) for result in figures.compared(everything())}

    assert {key: told.get(key) for key in BARS} == BARS


def test_figures_are_what_their_names_say() -> None:
    """Added cost is a difference to httpx; the ratios are to the peer in their name."""
    told = {result.key: result.value for result in figures.compared(everything())}

    assert told["added_us_sync"] == 150.0
    assert told["stream_ratio"] == 1.6
    assert told["history_200k_ratio"] == 0.5
    assert told["openai_sdk_ratio"] == 0.5
    assert told["litellm_ratio"] == 0.2
    assert told["calls_s_512"] == 1_900.0
    assert told["rss_512_mb"] == 55.0


def test_a_peer_that_was_not_measured_takes_its_figures_with_it() -> None:
    """Nothing is made up for a package that could not be installed."""
    measured = {row: {name: taken for name, taken in rounds.items() if name != "litellm"} for row, rounds in
                everything().items()}  # fmt: skip
    told = {result.key for result in figures.compared(measured)}

    assert "litellm_ratio" not in told
    assert "openai_sdk_ratio" in told


def test_a_sender_without_a_row_has_a_dash_there() -> None:
    """aiohttp has no blocking calls: its cell is empty, not zero."""
    table = figures.per_sender(
        {"small_sync": costs(psf_runtime=[400.0]), "small_async": costs(psf_runtime=[500.0], aiohttp=[100.0])}
    )
    lines = figures.table_lines(table, {"aiohttp": "aiohttp 3.14"})

    assert table["aiohttp"] == {"small_async_us": (100.0, 0.0)}
    assert "aiohttp 3.14" in lines[0]
    assert lines[1].endswith(" -")


def test_the_json_tells_every_sender_and_who_is_missing() -> None:
    """The figures of the peers stand in the file, too, with the version that was measured."""
    versions = dict.fromkeys(("psf_runtime", "httpx", "openai", "litellm"), "1.0")
    data = Comparison(everything(), versions, {"aiohttp": "pip failed"}, [50_000.0]).as_data()

    assert data["missing"] == {"aiohttp": "pip failed"}
    assert data["senders"]["openai"]["version"] == "1.0"  # type: ignore[index]
    assert data["senders"]["openai"]["rows"]["small_sync_us"] == {"value": 800.0, "spread": 0.0}  # type: ignore[index]


def test_a_slow_stub_is_told() -> None:
    """A stub that answers fewer than 10,000 calls a second would bound what is measured."""
    results = Comparison(everything(), {}, {}, [9_000.0]).results()

    assert [(result.key, result.good) for result in results][-1] == ("stub_calls_s", False)


def test_the_peak_is_read_before_anything_but_the_512_calls_ran() -> None:
    """Memory at 512 in flight is that of a process that did nothing else."""
    assert [work.name for work in flights(True)] == ["flight_512", "peak", "flight_64"]


def test_a_function_belongs_to_its_layer() -> None:
    """Guards and providers are told by their part, other packages and Python's own modules by name."""
    places = {
        "/x/src/psf_runtime/guards/privacy/walk.py": "psf_runtime.guards.privacy",
        "/x/src/psf_runtime/providers/http.py": "psf_runtime.providers",
        "/x/src/psf_runtime/flow/sync.py": "psf_runtime.flow",
        "/x/src/psf_runtime/errors.py": "psf_runtime.errors",
        "/x/lib/python3.11/site-packages/httpcore/_sync/http11.py": "httpcore",
        "/x/lib/python3.11/asyncio/events.py": "python asyncio",
        "/x/lib/python3.11/dataclasses.py": "python dataclasses",
        "/x/benchmarks/rows.py": "the benchmark itself",
        "<string>": "generated code",
    }

    assert {path: layers.layer_of((path, 1, "f")) for path in places} == places


def test_time_in_c_goes_to_the_caller_and_sockets_are_left_out() -> None:
    """A pattern that is searched is the cost of the guard that searches; waiting is no cost of anybody's."""
    guard = ("/x/psf_runtime/guards/privacy/walk.py", 1, "walk")
    stats = {
        guard: (1, 1, 0.2, 0.5, {}),
        ("~", 0, "<method 'search' of 're.Pattern' objects>"): (1, 1, 0.3, 0.3, {guard: (1, 1, 0.3, 0.3)}),
        ("~", 0, "<method 'send' of '_socket.socket' objects>"): (1, 1, 0.1, 0.1, {guard: (1, 1, 0.1, 0.1)}),
    }

    assert layers.layers(stats) == [layers.Share("psf_runtime.guards.privacy", 0.5)]
    assert layers.lines("title", layers.layers(stats), 600.0)[1].split() == [
        "100.0%", "600.0", "us", "psf_runtime.guards.privacy"]  # fmt: skip


def test_every_profile_is_of_a_figure_and_its_row() -> None:
    """A figure that breaks its bar can be looked into under its own name."""
    rows = {comparison.key: comparison.row for comparison in figures.COMPARISONS}

    assert {key: row for key, (row, _times) in layers.PROFILES.items()} == {key: rows[key] for key in layers.PROFILES}


def test_the_options_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every option that the page names exists."""
    line = "overhead --quick --json out.json --peers envs --profile added_us_sync"
    monkeypatch.setattr("sys.argv", line.split())
    options = overhead.parsed()

    assert (options.quick, options.json, options.peers, options.profile) == (
        True, "out.json", "envs", "added_us_sync")  # fmt: skip


def test_an_environment_counts_only_when_it_was_made_to_its_end(tmp_path: Path) -> None:
    """One that pip left half done, or that was made from other requirements, is made anew."""
    python = peers.python_in(tmp_path, "httpx")
    python.parent.mkdir(parents=True)
    python.touch()
    before = peers.is_ready(tmp_path, "httpx")
    ready = tmp_path / "httpx" / "psf-benchmark.json"
    ready.write_text(json.dumps({"requirements": ["httpx>=0.1"], "python": "3.11"}), encoding="utf-8")

    assert (before, peers.is_ready(tmp_path, "httpx")) == (False, False)


def test_a_package_that_cannot_be_installed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The problem of each stands in the report, and nothing passes for an environment."""
    monkeypatch.setattr("sys.executable", "/bin/false")

    made = peers.make_peers(tmp_path)

    assert [peer.name for peer in made] == ["httpx", "aiohttp", "openai", "litellm"]
    assert {(peer.python, peer.problem) for peer in made} == {
        ("", "/bin/false -m venv " + str(tmp_path / peer.name) + " ended with 1") for peer in made
    }
    assert not any(peers.is_ready(tmp_path, peer.name) for peer in made)


def test_environments_are_kept_in_the_users_own_cache() -> None:
    """A folder that others may write to could hold a Python of theirs."""
    assert peers.default_folder({"XDG_CACHE_HOME": "/home/me/.c"}) == Path("/home/me/.c/psf-runtime-benchmarks")
    assert peers.default_folder({}).is_relative_to(Path.home())
