"""Pictures of the results: throughput against size, and the ratio to the best peer."""

from __future__ import annotations

import itertools
from pathlib import Path

import matplotlib as mpl
import numpy as np
from cells import OUTPUTS, RECTIFIERS, short
from matplotlib.axes import Axes
from results import CellResult

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import LogNorm

# Okabe and Ito's colours, which colour-blind readers can distinguish; those without one, the limits
# of the machine, are grey.
STYLES = {
    "cyrelu": {"color": "black", "lw": 2.4, "marker": "o", "zorder": 3},
    "NumPy": {"color": "#0072b2", "marker": "s"},
    "numexpr": {"color": "#56b4e9", "marker": "v"},
    "Numba": {"color": "#009e73", "marker": "^"},
    "Numba, parallel": {"color": "#009e73", "marker": "^", "ls": ":"},
    "PyTorch": {"color": "#d55e00", "marker": "D"},
    "JAX": {"color": "#cc79a7", "marker": "P"},
    "ONNX Runtime": {"color": "#e69f00", "marker": "X"},
    "thinc": {"color": "#a6761d", "marker": "*"},
    "np.copyto(out, x)": {"ls": "--"},
    "x.copy()": {"ls": "--"},
    "limits.copy(x, out, threads)": {"ls": "-."},
    "limits.stream_copy(x, out, threads)": {"ls": ":"},
    "limits.scale(x, 1.0, threads)": {"ls": "--"},
}
COMMON_STYLE = {"color": "0.4", "lw": 1.3, "ms": 5}
TICKS = {1 / 8: "1/8", 1 / 4: "1/4", 1 / 2: "1/2", 1: "1", 2: "2", 4: "4", 8: "8"}


def draw(folder: Path, name: str, results: list[CellResult]) -> list[Path]:
    """Draw every picture for which there are enough results."""
    chosen = with_most_threads(
        [e for e in results if e.cell.layout == "contiguous" and e.cell.op in RECTIFIERS]
    )
    pictures = [heat_map(folder / f"{name}-ratios.png", chosen)] if chosen else []
    for output in OUTPUTS:
        shown = [e for e in chosen if e.cell.dtype == "float32" and e.cell.output == output]
        if len(values(shown, "size")) > 1:
            path = folder / f"{name}-throughput-{output.replace(' ', '-')}.png"
            pictures.append(throughput(path, shown, output))
    return pictures


def with_most_threads(results: list[CellResult]) -> list[CellResult]:
    """All threads where they were measured, else one."""
    by_cell = {}
    for each in sorted(results, key=lambda each: each.cell.threads):
        by_cell[each.cell.op, each.cell.dtype, each.cell.size, each.cell.output] = each
    return list(by_cell.values())


def values(results: list[CellResult], field: str) -> list:
    return sorted({getattr(each.cell, field) for each in results})


def throughput(path: Path, results: list[CellResult], output: str) -> Path:
    rows = -(-len(RECTIFIERS) // 3)
    figure, axes = plt.subplots(
        rows, 3, figsize=(13, 3.8 * rows), sharex=True, sharey=True, layout="constrained"
    )
    entries = {}
    for axis in axes.flat[len(RECTIFIERS) :]:
        axis.remove()
    for axis, op in zip(axes.flat, RECTIFIERS, strict=False):
        own = [each for each in results if each.cell.op == op]
        for name, style in STYLES.items():
            line(axis, own, name, style)
        axis.set(title=op, xscale="log", yscale="log")
        axis.grid(alpha=0.3)
        handles, labels = axis.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    figure.legend(entries.values(), entries.keys(), loc="outside right center")
    figure.supxlabel("elements")
    figure.supylabel("GB/s (each array read or written once)")
    figure.suptitle(f"Throughput, float32, {output}; all threads from 1e5 elements on")
    return saved(figure, path)


def line(axis: Axes, results: list[CellResult], name: str, style: dict) -> None:
    points = sorted(
        (each.cell.size, each.gigabytes_per_second(row))
        for each in results
        if (row := each.row(name))
    )
    if points:
        label = f"limit: {name.removeprefix('limits.')}" if "(" in name else name
        axis.plot(*zip(*points, strict=True), label=label, **(COMMON_STYLE | style))


def heat_map(path: Path, results: list[CellResult]) -> Path:
    """Operation by size, a panel for each dtype and output, one below the other, so that they can
    be read at the width of a page; blue where cyrelu is faster."""
    sizes = values(results, "size")
    outputs = [output for output in OUTPUTS if output in values(results, "output")]
    panels = list(itertools.product(values(results, "dtype"), outputs))
    figure, axes = plt.subplots(
        len(panels),
        1,
        figsize=(2.4 + 0.85 * len(sizes), 0.9 + len(panels) * (0.65 + 0.29 * len(RECTIFIERS))),
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for axis, (dtype, output) in zip(axes.flat, panels, strict=True):
        own = [each for each in results if (each.cell.dtype, each.cell.output) == (dtype, output)]
        image = panel(axis, own, sizes)
        axis.set_title(f"{dtype}, {output}", fontsize=14)
    bar = figure.colorbar(image, ax=axes, ticks=list(TICKS), location="top", aspect=40, pad=0.01)
    bar.ax.set_xticklabels(TICKS.values())
    bar.ax.minorticks_off()
    bar.set_label("Time of cyrelu / time of the best peer (blue: cyrelu is faster)", fontsize=13)
    figure.supxlabel("elements")
    return saved(figure, path)


def panel(axis: Axes, results: list[CellResult], sizes: list[int]):
    grid = np.full((len(RECTIFIERS), len(sizes)), np.nan)
    for each in results:
        if best := each.row("peer"):
            grid[RECTIFIERS.index(each.cell.op), sizes.index(each.cell.size)] = best.ratio
    for (y, x), ratio in np.ndenumerate(grid):
        if not np.isnan(ratio):
            colour = "black" if 1 / 3 < ratio < 3 else "white"
            axis.text(x, y, f"{ratio:.2f}", ha="center", va="center", color=colour, fontsize=13)
    axis.set_xticks(range(len(sizes)), [short(size) for size in sizes], fontsize=13)
    axis.set_yticks(range(len(RECTIFIERS)), RECTIFIERS, fontsize=13)
    axis.tick_params(labelbottom=True)
    return axis.imshow(grid, norm=LogNorm(1 / 8, 8), cmap="RdBu_r", aspect="auto")


def saved(figure, path: Path) -> Path:
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path
