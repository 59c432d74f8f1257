"""``python -m bench.web``: static files of wampd beside nginx and Twisted's own, asked for by wrk, in one run.

Rules
-----
* What counts is the CPU time of the server's processes for each request; throughput on a loopback depends on what else runs.
* The server has one core, wrk another. Rounds are interleaved, their order shifts; figures are medians over the rounds, a ratio
  is the median of the rounds' ratios.
* Before it is measured each server must give the very bytes of the files; a round with any error does not count.
* Each is configured as its own documentation would have it for files: nginx with one worker, ``sendfile``, ``tcp_nopush``,
  ``open_file_cache`` and no log; wampd as it comes; Twisted's `File` in a `Site` without a log.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final

from msgspec import Struct

from bench import machine, processes
from bench.environments import BENCH, ROOT
from bench.report import number_text, ratio_text, table
from bench.runner import default_cpus

SIZES: Final = {"1k.bin": ("1 kB", 1000), "1m.bin": ("1 MB", 1_000_000)}
NEEDED: Final = {"wrk": "wrk", "nginx": "nginx"}
"""Programs, and the packages that have them."""
BEGIN: Final = "<!-- web: begin (written by `python -m bench.web`, do not edit) -->"
END: Final = "<!-- web: end -->"
README: Final = BENCH / "README.md"
_REQUESTS: Final = re.compile(r"^\s*([0-9]+) requests in ([0-9.]+)(ms|s|m),", re.MULTILINE)
_TROUBLE: Final = re.compile(r"Socket errors|Non-2xx")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}

WAMPD: Final = """\
realms: [{name: bench, roles: [{name: anonymous}], auth: {anonymous: {}}}]
listeners:
  - endpoint: tcp:PORT:interface=127.0.0.1
    http: {/: {type: static, directory: SITE}}
"""
NGINX: Final = """\
daemon off; master_process off; worker_processes 1; pid HOME/nginx.pid; error_log HOME/nginx.err;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; open_file_cache max=1000; keepalive_requests 1000000000;
  client_body_temp_path HOME/t1; proxy_temp_path HOME/t2; fastcgi_temp_path HOME/t3; uwsgi_temp_path HOME/t4;
  scgi_temp_path HOME/t5; default_type application/octet-stream;
  server { listen 127.0.0.1:PORT; root SITE; }
}
"""
TWISTED: Final = """\
import sys
from twisted.internet import reactor
from twisted.web.server import Site
from twisted.web.static import File
site = Site(File(sys.argv[2]))
site.log = lambda request: None
reactor.listenTCP(int(sys.argv[1]), site, interface="127.0.0.1")
reactor.run()
"""


class Sample(Struct, frozen=True):
    """What one server took for one file in one round."""

    cpu: float
    """Seconds for each request."""
    rate: float
    """Requests a second."""


Samples = dict[tuple[str, str], list[Sample]]
"""By server and file; one each round."""


def missing() -> list[str]:
    """The packages of the programs that are not there."""
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    return [package for program, package in NEEDED.items() if shutil.which(program, path=path) is None]


def measure(rounds: int, seconds: float, connections: int) -> Samples:
    """Measure all servers in turn."""
    server_cpu, client_cpu = default_cpus()
    samples: Samples = {}
    with tempfile.TemporaryDirectory() as home, ExitStack() as running:
        site = _site(Path(home))
        up = {
            name: running.enter_context(_running(name, Path(home), site, server_cpu))
            for name in ("wampd", "nginx", "twisted")
        }
        for number in range(rounds):
            for file in SIZES:
                names = list(up)
                for name in names[number % 3 :] + names[: number % 3]:
                    sample = _ask(up[name], file, seconds, connections, client_cpu)
                    samples.setdefault((name, file), []).append(sample)
                    print(
                        f"round {number + 1}: {name}, {file}: {sample.cpu * 1e6:.1f} µs, {sample.rate:,.0f}/s",
                        flush=True,
                    )
    return samples


def _site(home: Path) -> Path:
    site = home / "site"
    site.mkdir()
    for name, (_, size) in SIZES.items():
        (site / name).write_bytes(os.urandom(size))
    home.chmod(0o755)  # for nginx, which may be another user
    return site


@contextmanager
def _running(name: str, home: Path, site: Path, cpu: int | None) -> Iterator[processes.Running]:
    """One server, serving what it should."""
    (port,) = processes.free_ports(1)
    texts = {"wampd": WAMPD, "nginx": NGINX, "twisted": TWISTED}
    config = home / f"{name}.conf"
    config.write_text(texts[name].replace("PORT", str(port)).replace("SITE", str(site)).replace("HOME", str(home)))
    commands = {
        "wampd": [sys.executable, "-m", "wampd", "run", str(config)],
        "nginx": ["nginx", "-c", str(config), "-p", str(home)],
        "twisted": [sys.executable, str(config), str(port), str(site)],
    }
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
    server = processes.start(
        commands[name],
        cwd=ROOT,
        environment={**os.environ, "PATH": path},
        urls={"http": f"http://127.0.0.1:{port}"},
        ports=[port],
        log=home / f"{name}.log",
        cpu=cpu,
    )
    try:
        for file in SIZES:
            with urllib.request.urlopen(f"{server.urls['http']}/{file}", timeout=10) as answer:
                if answer.read() != (site / file).read_bytes():
                    raise RuntimeError(f"{name} does not serve {file} as it is")
        yield server
    finally:
        processes.stop(server)


def _ask(server: processes.Running, file: str, seconds: float, connections: int, cpu: int | None) -> Sample:
    """Let wrk ask for a file again and again."""
    url = f"{server.urls['http']}/{file}"
    command = ["wrk", "-t1", f"-c{connections}"]
    with processes.pinned(cpu):
        subprocess.run([*command, "-d1s", url], check=True, capture_output=True, timeout=60)
        before = cpu_seconds(server.pid)
        run = subprocess.run(
            [*command, f"-d{max(1, round(seconds))}s", url],
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds + 60,
        )
        used = cpu_seconds(server.pid) - before
    count, rate = requests_of(run.stdout)
    return Sample(used / count, rate)


def requests_of(said: str) -> tuple[int, float]:
    """How many requests wrk says it has made, and how many a second; `RuntimeError` if any went wrong."""
    found = _REQUESTS.search(said)
    if found is None or _TROUBLE.search(said) or not int(found[1]):
        raise RuntimeError(f"wrk has trouble: {said.strip()}")
    return int(found[1]), int(found[1]) / (float(found[2]) * _UNITS[found[3]])


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far: user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def render(samples: Mapping[tuple[str, str], Sequence[Sample]], about: str) -> str:
    """The tables, as Markdown."""
    lines = [about, ""]
    rows = []
    for file, (size, _) in SIZES.items():
        own = samples["wampd", file]
        row = [size]
        for name in ("wampd", "nginx", "twisted"):
            theirs = samples[name, file]
            cost = number_text(median(each.cpu for each in theirs) * 1e6)
            ratio = median(ours.cpu / other.cpu for ours, other in zip(own, theirs, strict=True))
            row.append(cost if name == "wampd" else f"{cost} ({ratio_text(ratio)})")
        rows.append(row)
    lines += ["CPU of the server for each request, in µs; in brackets what wampd takes of that:", ""]
    lines += [*table(["file", "wampd", "nginx", "Twisted's `File`"], rows), "", "Requests a second, of one core:", ""]
    rates = [
        [size, *(f"{median(each.rate for each in samples[name, file]):,.0f}" for name in ("wampd", "nginx", "twisted"))]
        for file, (size, _) in SIZES.items()
    ]
    lines += table(["file", "wampd", "nginx", "Twisted's `File`"], rates)
    return "\n".join(lines)


def write(tables: str) -> None:
    """Put the tables into the README."""
    text = README.read_text()
    before, _, rest = text.partition(BEGIN)
    if END not in rest:
        raise RuntimeError(f"{README.name} has no place for the tables")
    README.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{rest.partition(END)[2]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; the exit status: 0, also where a program is missing, or 2 when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="default %(default)s")
    parser.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="of each measurement; default %(default)s"
    )
    parser.add_argument("--connections", type=int, default=16, metavar="N", help="default %(default)s")
    parser.add_argument("--readme", action="store_true", help="write the tables into README.md")
    options = parser.parse_args(arguments)
    if packages := missing():
        print(f"bench: skipped: this needs {' and '.join(packages)} (apt-get install {' '.join(packages)})")
        return 0
    try:
        samples = measure(options.rounds, options.seconds, options.connections)
        where = machine.describe()
        about = (
            f"{where.cpus} × {where.cpu}, {where.kernel}, {where.python}; wampd {machine.revision(ROOT)}; {options.rounds}"
            f" interleaved rounds of {options.seconds:g} s, {options.connections} connections, server and wrk on a core each."
        )
        tables = render(samples, about)
        print(f"\n{tables}\n")
        if options.readme:
            write(tables)
    except (RuntimeError, OSError, subprocess.SubprocessError, processes.StartError) as failure:
        print(f"bench: {failure}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
