"""Results as plain data, which the JSON file contains, and summaries of them."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from cells import Cell
from measure import Measured


@dataclass(frozen=True)
class Row:
    """A contender in a cell. The ratio is cyrelu's time to its own: below 1 cyrelu is faster."""

    package: str
    formula: str
    kind: str
    median_seconds: float
    least_seconds: float
    rounds: int
    ratio: float


@dataclass(frozen=True)
class CellResult:
    """A cell and its contenders, the first of them cyrelu."""

    cell: Cell
    rows: list[Row]
    dropped: dict[str, str] = field(default_factory=dict)  # formula: reason

    @property
    def ours(self) -> Row:
        return self.rows[0]

    def gigabytes_per_second(self, row: Row) -> float:
        copied = row.kind == "limit" and self.cell.op != "relu_then_sum"
        moved = self.cell.bytes_of(2) if copied else self.cell.bytes
        return moved / row.median_seconds / 1e9

    def row(self, name: str) -> Row | None:
        """The row of a formula, or else the fastest row of a package or of a kind.

        The fastest row is the one with the largest ratio.
        """
        if name == "cyrelu":
            return self.ours
        named = [row for row in self.rows if row.formula == name]
        found = named or [row for row in self.rows if name in (row.package, row.kind)]
        return max(found, key=lambda row: row.ratio, default=None)


def result(measured: Measured) -> CellResult:
    ours = next(each for each in measured.timed if each.contender.kind == "cyrelu")
    others = [each for each in measured.timed if each is not ours]
    rows = [
        Row(
            each.contender.package,
            each.contender.formula,
            each.contender.kind,
            each.median,
            each.least,
            len(each.seconds),
            ours.ratio_to(each),
        )
        for each in (ours, *others)
    ]
    dropped = {
        f"{contender.package}: {contender.formula}": reason
        for contender, reason in measured.dropped.items()
    }
    return CellResult(measured.cell, rows, dropped)


@dataclass(frozen=True)
class Summary:
    """How cyrelu compares with the best peer of each cell."""

    geometric_mean: float
    won: int
    lost: list[tuple[Cell, Row]]  # the worst first


def summarize(results: list[CellResult]) -> Summary | None:
    best = [(r.cell, peer) for r in results if (peer := r.row("peer"))]
    if not best:
        return None
    lost = sorted(((c, row) for c, row in best if row.ratio > 1), key=lambda pair: -pair[1].ratio)
    mean = statistics.geometric_mean(row.ratio for _, row in best)
    return Summary(mean, len(best) - len(lost), lost)


def reasons(results: list[CellResult]) -> dict[str, list[Cell]]:
    """The dropped formulas, each with its reason, and the cells in which it was dropped."""
    found: dict[str, list[Cell]] = defaultdict(list)
    for each in results:
        for formula, reason in each.dropped.items():
            found[f"{formula}: {reason}"].append(each.cell)
    return found


def from_data(data: list[dict[str, Any]]) -> list[CellResult]:
    """The results that as_data wrote."""
    names = [field.name for field in fields(Cell)]
    return [
        CellResult(
            Cell(**{name: each[name] for name in names}),
            [Row(**row) for row in each["contenders"]],
            each["dropped"],
        )
        for each in data
    ]


def as_data(results: list[CellResult]) -> list[dict[str, Any]]:
    return [
        {**asdict(each.cell), "bytes": each.cell.bytes}
        | {"contenders": [asdict(row) for row in each.rows], "dropped": each.dropped}
        for each in results
    ]
