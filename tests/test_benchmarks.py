"""The benchmarks measure and report correctly, as tests with known results show."""

import dataclasses
import json
import runpy
import sys
import timeit
from pathlib import Path

import numpy as np
import pytest
from cases import CASES

import cyrelu

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
pytest.importorskip("cells", reason="no benchmarks here")

import cells
import formulas
import limits
import measure
import peers
import preparations
import report
import results
import targets

pytestmark = pytest.mark.thread_unsafe(reason="measures time")

CELL = cells.Cell("relu", "float32", 1000, "out", "1")
EFFORT = measure.Effort(round_seconds=5e-4, cell_seconds=0.05, least_rounds=3, most_rounds=21)
CYRELU = peers.PACKAGES[0]
NUMPY = next(package for package in peers.PACKAGES if package.name == "NumPy")
ABOUT = {
    "machine": {
        "processor": "Abacus(R) 3000 CPU @ 1 Hz",
        "cores": 2,
        "threads": 2,
        "caches": {"L2": "2048K"},
        "transparent huge pages": "always",
        "system": "Linux x86_64",
        "python": "3.11",
        "versions": {"numpy": "2.0"},
        "cyrelu": cyrelu.show_config("dicts"),
    },
    "missing": {"Peerless": "ModuleNotFoundError: No module named 'peerless'"},
    "skipped": {"a large cell": "needs 8 GB of memory, more than is free"},
    "quick": True,
    "date": "2026-01-01",
    "minutes": 1.5,
    "other_programs": 0.5,
}


@pytest.fixture(autouse=True)
def restored_limit():
    before = cyrelu.get_num_threads()
    yield
    cyrelu.set_num_threads(before)


def fake(name, *given, **more):
    """A package that has the given formulas, in NumPy's names, for every cell."""
    return peers.Package(name, ("numpy",), lambda cell: list(given), preparations.for_numpy, **more)


def timed(kind, formula, **names):
    contender = peers.Contender(kind, formula, kind)
    return measure.Timed(contender, timeit.Timer(formula, globals=names))


def made_up(cell, **ratios):
    """A result with one formula for each package; NumPy=0.5: cyrelu takes half of its time."""
    rows = [results.Row("cyrelu", "cyrelu.relu(x)", "cyrelu", 1e-6, 1e-6, 3, 1.0)]
    for name, ratio in ratios.items():
        kind = "limit" if name == "limit" else "peer"
        rows.append(results.Row(name, f"{name}(x)", kind, 1e-6 / ratio, 1e-6 / ratio, 3, ratio))
    return results.CellResult(cell, rows)


def test_a_slower_formula_is_measured_as_slower():
    x = np.ones(10_000)
    once = timed("cyrelu", "x.sum()", x=x)
    five_times = timed("peer", "(x.sum(), x.sum(), x.sum(), x.sum(), x.sum())", x=x)
    measure.time_in_turn([once, five_times], EFFORT)
    assert 0.1 < once.ratio_to(five_times) < 0.4
    assert 2.5 < five_times.ratio_to(once) < 10


def test_a_ratio_compares_times_of_the_same_round_only():
    ours, theirs = timed("cyrelu", "0"), timed("peer", "0")
    ours.seconds = {0: 1.0, 1: 100.0, 2: 1.0, 3: 1.0}
    theirs.seconds = {0: 2.0, 1: 200.0, 2: 2.0}
    assert ours.ratio_to(theirs) == 0.5


def test_much_slower_peers_are_timed_in_few_rounds_and_cyrelu_in_all():
    x = np.ones(2_000)
    slow = "[x.sum() for _ in range(20)]"
    ours, fast = timed("cyrelu", slow, x=x), timed("peer", "x.sum()", x=x)
    slow_peer = timed("peer", slow, x=x)
    measure.time_in_turn([ours, fast, slow_peer], EFFORT)
    assert len(slow_peer.seconds) == measure.TRIAL_ROUNDS
    assert len(ours.seconds) == len(fast.seconds) > EFFORT.least_rounds


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("np.maximum(x, 0, out=out) - 1", "differs from cyrelu by up to 1"),
        ("np.maximum(x, 0).astype(float)", "gives float64, not float32"),
        ("np.maximum(x, 0)[:-1]", "gives the shape (999,), not (1000,)"),
        ("x.no_such_method()", "AttributeError: "),
        ("(1 / 0, x)", "ZeroDivisionError: division by zero"),
    ],
)
def test_a_peer_that_disagrees_or_raises_is_dropped_with_the_reason(formula, reason):
    odd = fake("Odd", formula, "np.maximum(x, 0, out=out)")
    measured = measure.measure(CELL, [CYRELU, odd], 1, EFFORT)
    [(contender, why)] = measured.dropped.items()
    assert contender.formula == formula
    assert why.startswith(reason)
    assert [each.contender.package for each in measured.timed] == ["cyrelu", "Odd"]
    [line] = results.reasons([results.result(measured)])
    assert line.startswith(f"Odd: {formula}: {reason}")


def test_a_missing_peer_is_named_and_the_others_are_used():
    missing = dataclasses.replace(NUMPY, name="Peerless", modules=("peerless_numerics",))
    usable, reasons = peers.load([CYRELU, missing, NUMPY])
    assert usable == [CYRELU, NUMPY]
    assert reasons == {"Peerless": "ModuleNotFoundError: No module named 'peerless_numerics'"}


def kinds_of_cells():
    """One small cell of each operation, dtype, output and layout that is measured."""
    return list(
        dict.fromkeys(
            dataclasses.replace(cell, size=100, threads="1")
            for cell in cells.full() + cells.quick()
        )
    )


@pytest.mark.parametrize("cell", kinds_of_cells(), ids=str)
def test_every_cell_has_a_call_of_cyrelu_and_numpy_computes_the_same(cell):
    assert CYRELU.contenders(cell)
    assert NUMPY.contenders(cell) or cell.op not in formulas.NUMPY  # one that is newly added
    for package in (CYRELU, NUMPY):
        for contender in package.contenders(cell):
            if cell.dtype == "bfloat16" and contender.formula == "np.clip(x, 0, inf)":
                continue  # to which NumPy gives a float32
            assert peers.objection(package, contender.formula, cell, 1) == ""


@pytest.mark.parametrize("threads", [1, 2])
def test_the_compiled_limits_compute_what_their_names_say(threads):
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    compiled = limits.load()
    for dtype in cells.DTYPES:
        for length in (1, 63, 10_001):
            x = cells.numbers(dtype, (length + 1,), 1)[1:]  # not aligned to 16 bytes
            for copy in (compiled.copy, compiled.stream_copy):
                out = np.zeros(length + 3, dtype)
                copy(x, out[2:-1], threads)
                np.testing.assert_array_equal(out, [0, 0, *x, 0])
            scaled = x.copy()
            compiled.scale(scaled, 2.0, threads)
            np.testing.assert_array_equal(scaled, 2 * x)
    assert compiled.empty_call(x, out=out) is out


def test_in_place_the_formulas_name_the_array_that_is_overwritten():
    backward = dataclasses.replace(CELL, op="relu_backward", output="in place")
    assert formulas.for_cell(formulas.CYRELU, backward) == [
        "cyrelu.relu_backward(grad, x, out=grad)"
    ]


def test_in_place_every_round_begins_with_the_same_numbers():
    cell = dataclasses.replace(CELL, output="in place")
    data = cells.operands(cell)
    before = data.x.copy()
    cyrelu.relu(data.x, out=data.out)
    assert data.out is data.x
    assert not np.array_equal(data.x, before)
    measure.restore(data)
    np.testing.assert_array_equal(data.x, before)


def test_numbers_are_of_mixed_sign():
    x = cells.operands(CELL).x
    assert 400 < (x > 0).sum() < 600


def test_bytes_count_each_array_once():
    counted = {op: dataclasses.replace(CELL, op=op, size=10).bytes // 10 // 4 for op in cells.OPS}
    read_and_written = {case.name: len(case.arrays) + 1 for case in CASES}
    assert counted == read_and_written | {"prelu": 2, "relu_then_sum": 3}
    assert dataclasses.replace(CELL, dtype="float64").bytes == 2 * CELL.bytes


def test_the_full_run_has_every_contiguous_cell_once():
    full = cells.full()
    assert len(full) == len(set(full))
    contiguous = [
        cell
        for cell in full
        if cell.layout == "contiguous"
        and cell.op in cells.RECTIFIERS
        and cell.dtype in cells.DTYPES
    ]
    # operations, dtypes, outputs; sizes on one thread and on all threads
    assert len(contiguous) == len(cells.RECTIFIERS) * 2 * 3 * (8 + 4)
    assert len(cells.RECTIFIERS) + len(cells.SUMS) == len(CASES)
    assert set(cells.quick()) <= set(full)


def test_filters_choose_cells_and_refuse_unknown_fields():
    chosen = cells.matching(cells.full(), {"op": {"relu"}, "size": {"1e6", "100"}})
    assert {(cell.op, cell.size) for cell in chosen} == {("relu", 10**6), ("relu", 100)}
    with pytest.raises(ValueError, match="no field colour"):
        cells.matching([], {"colour": {"red"}})


TARGET = targets.Target("relu", "NumPy", 0.5, {"op": {"relu"}, "size": {100, 1000}})


@pytest.mark.parametrize(
    ("ratios", "word", "worst"),
    [
        ({1000: 0.4}, "met", 0.4),
        ({1000: 0.504}, "met", 0.504),  # 0.50, as it is shown
        ({1000: 0.51}, "missed", 0.51),
        ({1000: 0.4, 100: 0.6}, "missed", 0.6),
        ({10_000: 0.9}, "not measured", None),  # not a cell of this target
        ({}, "not measured", None),
    ],
)
def test_a_target_is_judged_by_its_worst_cell(ratios, word, worst):
    found = [
        made_up(dataclasses.replace(CELL, size=size), NumPy=ratio, thinc=2.0)
        for size, ratio in ratios.items()
    ]
    verdict = targets.judge(TARGET, found)
    assert (verdict.word, verdict.ratio) == (word, worst)


def test_a_target_against_a_peer_that_is_missing_is_not_measured():
    assert targets.judge(TARGET, [made_up(CELL, PyTorch=0.1)]).word == "not measured"


def test_the_best_peer_is_the_fastest_that_is_no_limit():
    assert made_up(CELL, NumPy=0.5, PyTorch=0.8, limit=3.0).row("peer").package == "PyTorch"
    assert made_up(CELL, NumPy=0.5, limit=3.0).row("limit").ratio == 3.0


def test_every_target_is_about_cells_that_are_measured_and_contenders_that_exist():
    known = {package.name for package in peers.PACKAGES} | {"peer", "limit"}
    for target in targets.TARGETS:
        covered = [cell for cell in cells.full() if target.covers(cell)]
        assert covered, target
        offered = {
            contender.formula
            for cell in covered
            for package in peers.PACKAGES
            for contender in package.contenders(cell)
        }
        assert target.against in known | offered, target


def test_the_summary_counts_wins_and_lists_losses_worst_first():
    found = [
        made_up(dataclasses.replace(CELL, size=size), NumPy=ratio)
        for size, ratio in ((1, 0.25), (100, 2.0), (1000, 4.0), (10_000, 0.5))
    ]
    summary = results.summarize(found)
    assert summary.geometric_mean == pytest.approx(1.0)
    assert summary.won == 2
    assert [(cell.size, row.ratio) for cell, row in summary.lost] == [(1000, 4.0), (100, 2.0)]
    assert results.summarize([]) is None


def test_the_report_and_the_json_contain_the_results(tmp_path):
    lost = dataclasses.replace(CELL, size=100)
    found = [made_up(CELL, NumPy=0.25, PyTorch=0.5, limit=1.5), made_up(lost, NumPy=2.0)]
    found[0].dropped["thinc: ops.relu(x)"] = "differs from cyrelu by up to 1"
    verdicts = [targets.judge(TARGET, found)]
    report.write_markdown(tmp_path / "here.md", ABOUT, found, verdicts)
    report.write_json(tmp_path / "here.json", ABOUT, found, verdicts)

    text = (tmp_path / "here.md").read_text()
    for expected in [
        "Abacus(R) 3000 CPU @ 1 Hz, 2 cores; 2 threads at most; L2 2048K",
        "other programs took 50% of the processors. **That is much",
        "| relu | NumPy | 0.50 | 2.00 | **missed** | 1 of 2 | relu, float32, 100, out, 1 thread |",
        "ahead of every peer in 1 and behind one in 1",
        "| relu, float32, 100, out, 1 thread | 2.00 | NumPy | `NumPy(x)` |",
        "Peerless: not there (ModuleNotFoundError",
        "a large cell: needs 8 GB",
        "thinc: ops.relu(x): differs from cyrelu by up to 1 (1 cells",
        "| float32 | 1e3 | out | 1 | 1 us | 8.0 | 1.50 | 0.25 | 0.50 | `PyTorch(x)` |",
    ]:
        assert expected in text

    data = json.loads((tmp_path / "here.json").read_text())
    assert data["missing"] == ABOUT["missing"]
    assert [target["verdict"] for target in data["targets"]] == ["missed"]
    assert data["cells"][0]["bytes"] == CELL.bytes
    assert [row["ratio"] for row in data["cells"][0]["contenders"]] == [1.0, 0.25, 0.5, 1.5]


def test_the_command_measures_writes_and_draws(tmp_path, monkeypatch, capsys):
    pytest.importorskip("tqdm")
    pytest.importorskip("matplotlib")
    command = runpy.run_path(str(Path(cells.__file__).with_name("__main__.py")))
    monkeypatch.setattr(peers, "PACKAGES", [CYRELU, NUMPY])
    monkeypatch.setattr(measure, "QUICK", EFFORT)
    only = ["op=relu", "size=100,1e4", "output=out"]
    command["main"](["--quick", "--only", *only, "--output", str(tmp_path), "--name", "here"])
    assert {path.name for path in tmp_path.iterdir()} == {
        "here.md",
        "here.json",
        "here-ratios.png",
        "here-throughput-out.png",
    }
    assert "Geometric mean" in capsys.readouterr().out
    pictures = {path: path.read_bytes() for path in tmp_path.glob("*.png")}
    for path in pictures:
        path.unlink()
    command["main"](["--redraw", str(tmp_path / "here.json")])
    assert {path: path.read_bytes() for path in tmp_path.glob("*.png")} == pictures
