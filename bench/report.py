"""The tables of bench/README.md, from a results file."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.environments import BENCH
from bench.figures import BUSY, CPU, GENERATOR_BOUND, THROUGHPUT, Figures
from bench.targets import SUBJECT, YARDSTICK, Verdict, judge

README: Final = BENCH / "README.md"
BEGIN: Final = "<!-- results: begin (written by `python -m bench`, do not edit) -->"
END: Final = "<!-- results: end -->"
NOTHING: Final = "–"


def ratio_text(value: float) -> str:
    """A ratio as one says it: ``1/26`` for small ones, ``0.80`` or ``12`` for others."""
    if value <= 0:
        return NOTHING
    if value > 0.5:
        return f"{value:.2f}" if value < 9.95 else f"{value:,.0f}"
    inverse = 1 / value
    return f"1/{inverse:.1f}" if inverse < 9.95 else f"1/{inverse:.0f}"


def number_text(value: float) -> str:
    """Three significant digits or the whole number: ``3.94``, ``45.6``, ``130``, ``12,345``."""
    size = abs(value)
    return f"{value:.2f}" if size < 10 else f"{value:.1f}" if size < 100 else f"{value:,.0f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Markdown lines; every column but the first is set to the right."""
    return [
        "| " + " | ".join(head) + " |",
        "|---|" + "---:|" * (len(head) - 1),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def render(results: Mapping[str, Any]) -> str:
    """All tables of one results file, as Markdown."""
    figures = Figures(results["runs"])
    blocks = [
        _circumstances(results),
        _targets(judge(figures)),
        _main("Router CPU per operation (µs, user + system, all its processes; an operation is a call or a delivery)",
              CPU, results, figures),
        _main("Throughput (operations per second)", THROUGHPUT, results, figures),
        _latency(results, figures),
        _sessions(results, figures),
        _scale(results, figures),
        _start(results, figures),
        _troubles(results, figures),
    ]  # fmt: skip
    return "\n\n".join("\n".join(block) for block in blocks if block)


def results_text(results: Mapping[str, Any]) -> str:
    """A results file: JSON with one raw run to a line, so that it can be read and compared as text."""
    rest = json.dumps({**results, "runs": []}, indent=1, ensure_ascii=False)
    runs = ",\n".join("  " + json.dumps(run, ensure_ascii=False) for run in results["runs"])
    return rest.replace('"runs": []', f'"runs": [\n{runs}\n ]') + "\n"


def write(results: Mapping[str, Any], readme: Path = README) -> None:
    """Put the tables between the markers of `readme`; ``ValueError`` when it has none."""
    text = readme.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{readme.name} lacks the markers of the results")
    readme.write_text(f"{before}{BEGIN}\n\n{render(results)}\n\n{END}{after}")


def _routers(results: Mapping[str, Any]) -> list[str]:
    return list(results["routers"])


def _circumstances(results: Mapping[str, Any]) -> list[str]:
    machine = results["machine"]
    lines = [
        f"Measured {results['date']} on {machine['cpus']} × {machine['cpu']}, {machine['memory_gb']} GB, "
        f"{machine['kernel']}; {results['rounds']} interleaved rounds, {results['seconds']:g} s each after "
        f"{results['warm_up_seconds']:g} s of warming up; router and generator "
        + ("on a core each." if results["pinned"] else "not pinned."),
        "",
    ]
    for name, router in results["routers"].items():
        versions = ", ".join(f"{part} {version}" for part, version in router["versions"].items())
        why = f" **not measured: {router['unavailable']}**" if "unavailable" in router else ""
        lines.append(f"- {name}: {versions or 'unknown'}{why}")
    return lines


def _targets(verdicts: Sequence[Verdict]) -> list[str]:
    if not any(verdict.met is not None for verdict in verdicts):
        return []
    rows = []
    for verdict in verdicts:
        target = verdict.target
        if target.relative:
            limit = f"{ratio_text(target.limit)} of {YARDSTICK}"
            found = [_or_nothing(value, ratio_text) for value in (verdict.measured, verdict.floor)]
        else:
            limit = f"{target.limit:,.0f} {target.unit}"
            # The floor is no router: what it needs of memory and time to start sets no bound to one.
            found = [NOTHING if verdict.measured is None else f"{number_text(verdict.measured)} {target.unit}", NOTHING]
        rows.append((target.text, limit, *found, {True: "yes", False: "**no**", None: NOTHING}[verdict.met]))
    return ["### Targets", "", *table((SUBJECT, "at most", "measured", "the floor", "reached"), rows)]


def _or_nothing(value: float | None, text: Any) -> str:
    return NOTHING if value is None else str(text(value))


def _main(title: str, metric: str, results: Mapping[str, Any], figures: Figures) -> list[str]:
    """One line for each cell, one column for each router: the median, and its ratio to the yardstick."""
    routers = _routers(results)
    rows = []
    for key, name in results["cells"].items():
        if key not in figures.cells(THROUGHPUT):
            continue
        rows.append((name, *(_with_ratio(figures, key, router, metric) for router in routers)))
    return ["### " + title, "", *table(("", *routers), rows)] if rows else []


def _with_ratio(figures: Figures, cell: str, router: str, metric: str) -> str:
    value = figures.median(cell, router, metric)
    if value is None:
        return NOTHING
    bound = (figures.median(cell, router, "gen_cpu_util") or 0) >= GENERATOR_BOUND and metric == THROUGHPUT
    text = number_text(value) + ("ᵍ" if bound else "")
    ratio = figures.ratio(cell, router, YARDSTICK, metric)
    return text if ratio is None or router == YARDSTICK else f"{text} ({ratio_text(ratio.value)})"


def _latency(results: Mapping[str, Any], figures: Figures) -> list[str]:
    routers = _routers(results)
    rows = []
    for key, name in results["cells"].items():
        if key not in figures.cells(THROUGHPUT):
            continue
        row = [name]
        for router in routers:
            p50, p99 = figures.median(key, router, "p50_us"), figures.median(key, router, "p99_us")
            if p50 is None or p99 is None:
                row.append(NOTHING)
                continue
            ratio = figures.ratio(key, router, YARDSTICK, "p50_us")
            shown = "" if ratio is None or router == YARDSTICK else f" ({ratio_text(ratio.value)})"
            row.append(f"{number_text(p50)} / {number_text(p99)}{shown}")
        rows.append(row)
    if not rows:
        return []
    return ["### Latency (µs, p50 / p99; with many in flight it is the queue that is measured)", "",
            *table(("", *routers), rows)]  # fmt: skip


def _sessions(results: Mapping[str, Any], figures: Figures) -> list[str]:
    rows = []
    for key, name in results["cells"].items():
        for router in _routers(results):
            if (rate := figures.median(key, router, "sessions_s")) is None:
                continue
            rows.append((
                name, router, number_text(rate),
                *_numbers(figures, key, router, [(CPU, 1), ("rss_per_session", 1000), ("close_cpu_us_per_session", 1)]),
                _or_nothing(figures.median(key, router, "idle_cpu_util"), lambda share: f"{share * 100:.1f} %"),
            ))  # fmt: skip
    head = ("", "router", "accepted per second", "CPU µs each", "RSS kB each", "CPU µs to close", "CPU while idle")
    return ["### Sessions", "", *table(head, rows)] if rows else []


def _scale(results: Mapping[str, Any], figures: Figures) -> list[str]:
    rows = []
    for key, name in results["cells"].items():
        for router in _routers(results):
            if (rate := figures.median(key, router, "load_s")) is None:
                continue
            rows.append((
                name, router, number_text(rate),
                *_numbers(figures, key, router, [("load_router_cpu_us_per_op", 1), ("rss_per_item", 1)]),
                *_numbers(figures, key, router, [(f"{when}_{CPU}", 1) for when in ("base", "other", "hit")]),
            ))  # fmt: skip
    head = ("", "router", "per second", "CPU µs each", "RSS B each", "CPU µs to route before", "after, an exact URI",
            "after, one of them")  # fmt: skip
    return ["### Many registrations and patterns", "", *table(head, rows)] if rows else []


def _numbers(figures: Figures, cell: str, router: str, metrics: Sequence[tuple[str, float]]) -> list[str]:
    found = [(figures.median(cell, router, metric), scale) for metric, scale in metrics]
    return [NOTHING if value is None else number_text(value / scale) for value, scale in found]


def _start(results: Mapping[str, Any], figures: Figures) -> list[str]:
    rows = []
    for router in _routers(results):
        milliseconds, rss = figures.median("start", router, "start_ms"), figures.median("start", router, "rss_start")
        if milliseconds is not None and rss is not None:
            rows.append((router, number_text(milliseconds), number_text(rss / 1e6)))
    return ["### Start", "", *table(("", "ms to open port", "RSS MB, all processes"), rows)] if rows else []


def _troubles(results: Mapping[str, Any], figures: Figures) -> list[str]:
    lines = [f"- {router}, {results['cells'].get(cell, cell)}: {why}" for router, cell, why in figures.problems]
    busy = [run for run in results["runs"] if run.get("other_cpu", 0) > BUSY]
    if busy:
        worst = max(run["other_cpu"] for run in busy)
        lines.append(
            f"- {len(busy)} of {len(results['runs'])} runs shared the machine with other work (up to {worst:.1f} cores)"
        )
    if any(run.get("gen_cpu_util", 0) >= GENERATOR_BOUND for run in results["runs"]):
        lines.append("- ᵍ: the load generator was at its limit; the router could have carried more")
    return ["### Remarks", "", *lines] if lines else []
