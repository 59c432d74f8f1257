"""``python -m bench``: the commands of the benchmark."""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench import cells, compare, report
from bench.cells import Cell
from bench.environments import BENCH, ROOT, UnavailableError
from bench.figures import Figures
from bench.generator import Load
from bench.machine import revision
from bench.routers import ROUTERS, Router, Wampd
from bench.runner import START, Plan, Session, default_cpus
from bench.targets import judge


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0, 1 when something got slower, 2 when it cannot be done."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)
    try:
        status: int = options.command(options)
    except (UnavailableError, RuntimeError, ValueError) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    return status


def _run(options: argparse.Namespace) -> int:
    chosen = options.cells or (cells.QUICK if options.quick else ())
    catalogue = cells.select(chosen) if chosen else list(cells.CATALOGUE)
    names = options.routers or (["wampd", "crossbar", "floor"] if options.quick else list(ROUTERS))
    results = _measure([ROUTERS[name] for name in names], catalogue, options)
    whole = not (options.quick or options.cells or options.routers)
    _save(results, options.output, "" if whole else "-part")
    _say(f"\n{report.render(results)}\n")
    if whole or options.readme:
        report.write(results)
    failed = [verdict.target.text for verdict in judge(Figures(results["runs"])) if verdict.met is False]
    if failed:
        _say(f"targets not reached: {', '.join(failed)}")
    return 0


def _compare(options: argparse.Namespace) -> int:
    catalogue = cells.select(options.cells or cells.COMPARE)
    keys = [START, *(cell.key for cell in catalogue)]
    baseline = compare.load_baseline()
    if options.recorded:
        if baseline is None:
            raise RuntimeError("no baseline is recorded; record one: python -m bench record")
        results = _measure_wampd([Wampd()], catalogue, options)
        _save(results, options.output, "-compare")
        return int(_against_recorded(results, baseline, keys, options.threshold))
    against = options.against or (baseline or {}).get("revision")
    if against is None:
        raise RuntimeError(
            "no baseline is recorded; name a revision: --against REV, or record one: python -m bench record"
        )
    with compare.checked_out(against) as tree:
        old = Wampd(f"wampd@{against[:12]}", tree)
        results = _measure_wampd([Wampd(), old], catalogue, options)
    _save(results, options.output, "-compare")
    lines = compare.side_by_side(Figures(results["runs"]), keys, old.name, options.threshold)
    if baseline is not None:
        _against_recorded(results, baseline, keys, options.threshold)
    print(f"\nSide by side in this run, {options.rounds} rounds:\n\n{compare.as_table(lines, old.name)}\n")
    print(compare.verdict(lines))
    return int(compare.is_slower(lines))


def _against_recorded(results: dict[str, Any], baseline: dict[str, Any], keys: Sequence[str], threshold: float) -> bool:
    lines = compare.against_baseline(Figures(results["runs"]), baseline, keys, threshold)
    label = f"{baseline['revision']}, {baseline['date']}"
    print(f"\nAgainst the recorded baseline:\n\n{compare.as_table(lines, label)}\n")
    if baseline["machine"]["class"] != results["machine"]["class"]:
        print(f"not judged: it was recorded on another class of machine ({baseline['machine']['class']})")
        return False
    print(compare.verdict(lines))
    return compare.is_slower(lines)


def _record(options: argparse.Namespace) -> int:
    at = revision(ROOT)
    if at.endswith("+") or at == "unknown":
        raise RuntimeError("wampd has changes that are not committed, so the baseline would name a wrong revision")
    results = _measure_wampd([Wampd()], cells.select(options.cells or cells.COMPARE), options)
    _save(results, options.output, "-baseline")
    baseline = compare.baseline_from(results, at)
    compare.BASELINE.write_text(json.dumps(baseline, indent=1, ensure_ascii=False) + "\n")
    print(f"the baseline is now {at}: {compare.BASELINE.relative_to(ROOT)}")
    return 0


def _report(options: argparse.Namespace) -> int:
    report.write(json.loads(Path(options.results).read_text()))
    return 0


def _cells(_options: argparse.Namespace) -> int:
    for cell in cells.CATALOGUE:
        print(f"{cell.key:32} {'quick  ' if cell.key in cells.QUICK else '       '} {cell.title}")
    return 0


def _measure(routers: Sequence[Router], catalogue: Sequence[Cell], options: argparse.Namespace) -> dict[str, Any]:
    router_cpu, generator_cpu = default_cpus()
    if options.no_pin:
        router_cpu = generator_cpu = None
    if options.pin is not None:
        router_cpu, generator_cpu = options.pin
    load = Load(options.seconds, options.warm, generator_cpu)
    return Session(Plan(routers, catalogue, options.rounds, load, router_cpu), _say).run()


def _measure_wampd(routers: Sequence[Router], catalogue: Sequence[Cell], options: argparse.Namespace) -> dict[str, Any]:
    """The same, where each of the routers has to be there."""
    results = _measure(routers, catalogue, options)
    for name, router in results["routers"].items():
        if "unavailable" in router:
            raise RuntimeError(f"{name} {router['unavailable']}")
    return results


def _leave(_number: int, _frame: object) -> None:
    """Being told to end unwinds like an interruption, so that no router is left behind."""
    raise SystemExit(143)


def _say(text: str) -> None:
    print(text, flush=True)


def _save(results: dict[str, Any], output: Path | None, suffix: str) -> Path:
    path = output or BENCH / "results" / f"{results['date']}-{results['machine']['class']}{suffix}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(report.results_text(results))
    _say(f"results: {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}")
    return path


def _cpus(text: str) -> tuple[int, int]:
    router, _, generator = text.partition(",")
    return int(router), int(generator)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description="wampd beside other WAMP routers, over loopback"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="measure, write bench/results/ and the tables of bench/README.md")
    run.add_argument(
        "--quick", action="store_true", help="wampd, crossbar and the floor, only what the targets speak of"
    )
    run.add_argument("--router", action="append", dest="routers", choices=list(ROUTERS), help="only this; repeatable")
    run.add_argument("--readme", action="store_true", help="rewrite the tables of README.md after a partial run too")
    run.set_defaults(command=_run)
    _common(run, rounds=3)

    against = commands.add_parser("compare", help="what got slower since another revision; status 1 when something did")
    choice = against.add_mutually_exclusive_group()
    choice.add_argument("--against", metavar="REV", help="the other revision (default: the baseline's)")
    choice.add_argument("--recorded", action="store_true", help="measure this tree alone; the recorded baseline judges")
    against.add_argument(
        "--threshold", type=float, default=compare.THRESHOLD, metavar="SHARE", help="default %(default)s"
    )
    against.set_defaults(command=_compare)
    _common(against, rounds=5)

    record = commands.add_parser("record", help="record this revision's figures as bench/baseline.json")
    record.set_defaults(command=_record)
    _common(record, rounds=5)

    tables = commands.add_parser("report", help="rewrite the tables of README.md from a results file")
    tables.add_argument("results", metavar="FILE")
    tables.set_defaults(command=_report)

    commands.add_parser("cells", help="list what can be measured").set_defaults(command=_cells)
    return parser


def _common(parser: argparse.ArgumentParser, rounds: int) -> None:
    parser.add_argument(
        "--cell", action="append", dest="cells", metavar="KEY", help="only this cell or shape; repeatable"
    )
    parser.add_argument("--rounds", type=int, default=rounds, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=2.0, metavar="S", help="of measuring a cell; default %(default)s"
    )
    parser.add_argument("--warm", type=float, default=0.7, metavar="S", help="of load before it; default %(default)s")
    pin = parser.add_mutually_exclusive_group()
    pin.add_argument("--pin", type=_cpus, metavar="ROUTER,GENERATOR", help="CPU numbers; default: the last, the first")
    pin.add_argument("--no-pin", action="store_true", help="let the kernel choose")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where the results go")


if __name__ == "__main__":
    raise SystemExit(main())
