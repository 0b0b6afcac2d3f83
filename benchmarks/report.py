"""The report: Markdown for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import machine
from cells import OPS, Cell, short
from peers import PACKAGES
from results import CellResult, Row, as_data, reasons, summarize
from targets import Verdict

MUCH = 0.1  # the share of processor time of other programs
METHOD = (
    "All contenders of a cell are timed in turn, round after round, on the same random numbers of "
    "mixed sign, each with its own warm-up. "
    "A ratio is the median over the rounds of cyrelu's time divided by the other's in the same "
    "round: below 1 cyrelu is faster. "
    "GB/s counts each array once for every time that the operation must read or write it, and the "
    "best peer of a cell is the fastest contender that is neither cyrelu nor a limit of the "
    "machine."
)


def write_json(
    path: Path, about: dict[str, Any], results: list[CellResult], verdicts: list[Verdict]
) -> None:
    targets = [
        {
            "work": verdict.target.work,
            "against": verdict.target.against,
            "at_most": verdict.target.most,
            "ratio": verdict.ratio,
            "verdict": verdict.word,
            "cells": verdict.cells,
            "cells_above": verdict.cells_above,
        }
        for verdict in verdicts
    ]
    data = {**about, "method": METHOD, "targets": targets, "cells": as_data(results)}
    path.write_text(json.dumps(data, separators=(",", ":")) + "\n")


def write_markdown(
    path: Path,
    about: dict[str, Any],
    results: list[CellResult],
    verdicts: list[Verdict],
    pictures: Iterable[Path] = (),
) -> None:
    sections = [
        f"# {path.stem}",
        machine.line(about["machine"]),
        METHOD,
        circumstances(about),
        "## Targets",
        targets_table(verdicts),
        "## Summary",
        summary(results),
        *(f"![{picture.stem}]({picture.name})" for picture in pictures),
        "## Left out",
        left_out(about, results),
        *(operation(op, results) for op in OPS if any(each.cell.op == op for each in results)),
    ]
    path.write_text("\n\n".join(sections) + "\n")


def circumstances(about: dict[str, Any]) -> str:
    kind = "A selection (`--quick`)" if about["quick"] else "Measured"
    text = f"{kind} on {about['date']} in {about['minutes']} minutes."
    share = about["other_programs"]
    if share is None:
        return text
    text += f" Meanwhile other programs took {share:.0%} of the processors."
    if share > MUCH:
        text += (
            " **That is much: a thread whose processor is taken away stalls its team, "
            "and cells with all threads say little.**"
        )
    return text


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def targets_table(verdicts: list[Verdict]) -> str:
    """The worst cell decides. Targets are for float32 unless they name another dtype."""
    head = ["work", "against", "at most", "measured", "verdict", "cells met", "worst cell"]
    return table(
        head,
        [
            [
                verdict.target.work,
                code(verdict.target.against),
                f"{verdict.target.most:.2f}",
                "" if verdict.ratio is None else f"{verdict.ratio:.2f}",
                f"**{verdict.word}**" if verdict.word == "missed" else verdict.word,
                f"{verdict.cells - verdict.cells_above} of {verdict.cells}",
                str(verdict.cell or ""),
            ]
            for verdict in verdicts
        ],
    )


def code(against: str) -> str:
    words = {"peer": "best peer", "limit": "best limit"}
    return words.get(against) or (f"`{against}`" if "(" in against else against)


def summary(results: list[CellResult]) -> str:
    found = summarize(results)
    if found is None:
        return "No peer was measured."
    text = (
        f"Geometric mean of the ratio to the best peer: **{found.geometric_mean:.2f}**. "
        f"Of {found.won + len(found.lost)} cells cyrelu is ahead of every peer in {found.won} "
        f"and behind one in {len(found.lost)}"
    )
    if not found.lost:
        return f"{text}."
    losses = table(
        ["cell", "ratio", "best peer", "its formula"],
        [[str(c), f"{row.ratio:.2f}", row.package, f"`{row.formula}`"] for c, row in found.lost],
    )
    return f"{text}, the worst first:\n\n{losses}"


def left_out(about: dict[str, Any], results: list[CellResult]) -> str:
    lines = [f"- {name}: not there ({reason})" for name, reason in about["missing"].items()]
    lines += [f"- {cell}: {reason}" for cell, reason in about["skipped"].items()]
    lines += [
        f"- {reason} ({len(cells)} cells, the first: {cells[0]})"
        for reason, cells in reasons(results).items()
    ]
    lines += ["- Threads below 1e5 elements: nobody uses them there, so these cells have one."]
    return "\n".join(lines)


def operation(op: str, results: list[CellResult]) -> str:
    """The table of an operation: our time, and the ratio to the best formula of each package."""
    own = [each for each in results if each.cell.op == op]
    present = {row.package for each in own for row in each.rows[1:]}
    others = [package.name for package in PACKAGES if package.name in present]
    head = ["dtype", "n", "output", "threads", "cyrelu", "GB/s", *others, "fastest other formula"]
    rows = [
        [
            each.cell.dtype,
            size(each.cell),
            each.cell.output,
            each.cell.threads,
            duration(each.ours.median_seconds),
            f"{each.gigabytes_per_second(each.ours):.1f}",
            *(ratio(each.row(name)) for name in others),
            formula(each.row("peer")),
        ]
        for each in own
    ]
    counted = OPS[op].arrays_moved
    return (
        f"## {op}\n\nTime of cyrelu, and its ratio to the best of each package; behind in bold. "
        f"{counted} arrays are read or written; the limit, above which it is slower than the "
        f"machine could be, moves 2.\n\n{table(head, rows)}"
    )


def size(cell: Cell) -> str:
    return short(cell.size) + ("" if cell.layout == "contiguous" else f", {cell.layout}")


def ratio(row: Row | None) -> str:
    if row is None:
        return ""
    text = f"{row.ratio:.2f}"
    return f"**{text}**" if row.ratio > 1 and row.kind == "peer" else text


def formula(row: Row | None) -> str:
    return f"`{row.formula}`" if row else ""


def duration(seconds: float) -> str:
    for unit, length in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds * 1e9:.3g} ns"
