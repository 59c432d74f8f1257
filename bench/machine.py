"""On what was measured: the class of the machine and the versions of what takes part, never its name."""

import os
import platform
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Machine:
    """What two measurements must share before their absolute figures may be compared."""

    cpu: str
    cpus: int
    memory_gb: int
    kernel: str
    python: str
    compiler: str

    @property
    def kind(self) -> str:
        """The machine class as a part of a file name: ``2x-intel-xeon-processor``."""
        name = re.sub(r"\((r|tm)\)|@.*|\bcpu\b|\d+-core|processor", " ", self.cpu.lower())
        slug = re.sub(r"[^a-z0-9]+", "-", name).strip("-")
        return f"{self.cpus}x-{slug or platform.machine()}"

    def as_dict(self) -> dict[str, str | int]:
        """All of it and the class, for the results file."""
        return {**asdict(self), "class": self.kind}


def describe() -> Machine:
    """This machine."""
    return Machine(
        cpu=_cpu_model(),
        cpus=len(os.sched_getaffinity(0)),
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        # Only the upstream version: what follows the dash names a vendor's build.
        kernel=f"{platform.system()} {platform.release().split('-')[0]}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        compiler=_first_line(["cc", "--version"]),
    )


def python_versions(interpreter: str, distributions: list[str]) -> dict[str, str]:
    """The installed version of each of `distributions` as `interpreter` sees it; those that it lacks are left out."""
    script = (
        "import sys\n"
        "from importlib.metadata import PackageNotFoundError, version\n"
        "for name in sys.argv[1:]:\n"
        "    try: print(name, version(name))\n"
        "    except PackageNotFoundError: pass\n"
    )
    found = subprocess.run(
        [interpreter, "-c", script, *distributions], capture_output=True, text=True, check=False, timeout=60
    )
    return dict(map(str.split, found.stdout.splitlines()))


def git(tree: Path, *arguments: str) -> str:
    """What ``git ARGUMENTS`` prints in `tree`; ``RuntimeError`` with its own words when it fails."""
    done = subprocess.run(["git", "-C", str(tree), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"git {arguments[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout.strip()


def revision(tree: Path) -> str:
    """The short revision that `tree` is at, with ``+`` behind it when files that git knows are changed."""
    try:
        changed = git(tree, "status", "--porcelain", "--untracked-files=no", "--", "wampd")
        return git(tree, "rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
    except (RuntimeError, FileNotFoundError):
        return "unknown"


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _first_line(command: list[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("\n")[0]
    except (OSError, subprocess.CalledProcessError):
        return f"unknown (found by {sys.platform})"
