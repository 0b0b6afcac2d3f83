"""Compares cyrelu with its peers and with the limits of the machine.

    python benchmarks                               all cells, about 25 minutes on two cores
    python benchmarks --quick                       a selection, under three minutes
    python benchmarks --only op=relu size=1e6,1e7   some of the cells

Writes <machine>.md, .json and pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import cells
import machine
import measure
import peers
import plots
import report
import results
import targets
from tqdm import tqdm

import cyrelu

ROOT = Path(__file__).resolve().parents[1]
COMMITTED = ROOT / "benchmarks" / "results"
UNCOMMITTED = ROOT / "build" / "bench" / "results"


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    if options.redraw:
        data = json.loads(options.redraw.read_text())
        plots.draw(options.redraw.parent, options.redraw.stem, results.from_data(data["cells"]))
        return 0
    chosen = cells.matching(cells.quick() if options.quick else cells.full(), options.only)
    if not chosen:
        sys.exit("cyrelu: no cell is like that")
    threads = cyrelu.get_num_threads()
    packages, missing = peers.load(peers.PACKAGES)
    for name, reason in missing.items():
        print(f"cyrelu: without {name}: {reason}", file=sys.stderr)
    versions = {}
    for package in packages:
        versions |= package.versions()
    described = machine.describe(versions, threads)
    begun, others = time.time(), machine.OtherPrograms()
    found, skipped = run(chosen, packages, threads, options.quick)
    about = {
        "machine": described,
        "missing": missing,
        "skipped": skipped,
        "quick": options.quick,
        "date": time.strftime("%Y-%m-%d", time.gmtime(begun)),
        "minutes": round((time.time() - begun) / 60, 1),
        "other_programs": others.share(),
    }
    write(options.output, options.name or machine.slug(described), about, found)
    return 0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="fewer cells and fewer rounds")
    parser.add_argument(
        "--only",
        nargs="+",
        default={},
        action=Filters,
        metavar="FIELD=VALUE,...",
        help="only cells with one of these values; fields are op, dtype, size, output (fresh, "
        "out, 'in place'), threads (1, all) and layout",
    )
    parser.add_argument(
        "--output",
        type=Path,
        help=f"folder for the results; by default {COMMITTED.relative_to(ROOT)}, and "
        f"{UNCOMMITTED.relative_to(ROOT)} with --quick or --only",
    )
    parser.add_argument(
        "--redraw", type=Path, metavar="JSON", help="only draw the pictures of these results"
    )
    parser.add_argument(
        "--name", help="name of the files; by default the processor and the threads"
    )
    options = parser.parse_args(arguments)
    if options.output is None:
        options.output = UNCOMMITTED if options.quick or options.only else COMMITTED
    return options


class Filters(argparse.Action):
    """FIELD=VALUE,VALUE ... as a dictionary."""

    def __call__(self, parser, namespace, values, option_string=None):
        filters = {}
        for value in values:
            field, equals, wanted = value.partition("=")
            if not equals:
                parser.error(f"{option_string} takes FIELD=VALUE, not {value!r}")
            filters[field] = set(wanted.split(","))
        try:
            cells.matching([], filters)
        except ValueError as error:
            parser.error(str(error))
        setattr(namespace, self.dest, filters)


def run(
    chosen: list[cells.Cell], packages: list[peers.Package], threads: int, quick: bool
) -> tuple[list[results.CellResult], dict[str, str]]:
    """The results, and the cells that were skipped, with the reason."""
    found, skipped = [], {}
    bar = tqdm(chosen, unit="cell", file=sys.stderr, dynamic_ncols=True)
    for cell in bar:
        bar.set_description(str(cell))
        if cell.memory > machine.free_memory():
            skipped[str(cell)] = f"needs {cell.memory / 1e9:.0f} GB of memory, more than is free"
            continue
        effort = measure.QUICK if quick else measure.FULL
        found.append(results.result(measure.measure(cell, packages, threads, effort)))
    return found, skipped


def write(folder: Path, name: str, about: dict, found: list[results.CellResult]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = targets.judge_all(found)
    pictures = plots.draw(folder, name, found)
    report.write_json(folder / f"{name}.json", about, found, verdicts)
    report.write_markdown(folder / f"{name}.md", about, found, verdicts, pictures)
    print(report.targets_table(verdicts))
    print(report.summary(found).splitlines()[0])
    print(report.circumstances(about))
    print(f"Written to {folder / name}.md")


if __name__ == "__main__":
    sys.exit(main())
