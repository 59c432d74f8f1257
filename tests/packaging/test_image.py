"""The container image, without an engine to build it: its steps are scripts, which are run here, and what they make is used.

docs/operation.md says how it is built and run.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.router.client import Session
from tests.support.needs import unavailable
from tests.support.process import ROOT, Child, environment, free_port

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
READ_ONLY = Path(__file__).with_name("readonly.py")
REACHABLE = ROOT / "tests" / "system" / "reachable.py"
USER = "8080"
CONFIGURATION = """\
realms:
  - name: realm1
    roles: [{name: anonymous}]
    auth: {anonymous: {}}
store: {file: STORE/wampd.sqlite}
listeners:
  - {endpoint: "tcp:PORT", websocket: {/ws: {type: wamp}}}
"""


def said(instruction: str) -> str:
    """What the last stage of the recipe says."""
    found = re.findall(rf"^{instruction} ((?:.*\\\n)*.+)$", DOCKERFILE.rpartition("\nFROM ")[2], re.MULTILINE)
    assert len(found) == 1
    return str(found[0])


def test_everything_that_the_image_copies_exists_and_is_sent_to_the_builder() -> None:
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert [source for source in sent if not (ROOT / source).exists()] == []
    copied = set(
        re.findall(r"^for each in (.+?); do", (ROOT / "docker" / "build.sh").read_text(), re.MULTILINE)[0].split()
    )
    assert copied | {"docker"} == sent


def test_every_step_is_a_script_and_the_base_is_of_one_version() -> None:
    for step in re.findall(r"^RUN (.+)$", DOCKERFILE, re.MULTILINE):
        script = re.match(r"/(?:src/docker|tmp)/(\w+\.sh)", step)
        assert script is not None, step
        assert os.access(ROOT / "docker" / script[1], os.X_OK)
    assert re.search(r"^ARG PYTHON=3\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?$", DOCKERFILE, re.MULTILINE)
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"python:${PYTHON}"}


def test_the_image_does_not_run_as_root() -> None:
    assert said("USER") == f"{USER}:{USER}"


def test_the_locks_hold_every_dependency_with_hashes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for lock, wanted in (
        ("requirements", project["project"]["dependencies"]),
        ("build", project["build-system"]["requires"]),
    ):
        entries = (ROOT / "docker" / f"{lock}.lock").read_text(encoding="utf-8").replace("\\\n", " ").splitlines()[1:]
        assert [entry for entry in entries if " --hash=sha256:" not in entry] == []
        locked = {entry.partition("==")[0] for entry in entries}
        assert {re.split(r"[^A-Za-z0-9_-]", each)[0].lower() for each in wanted} <= locked, "run tools/lock"


def test_the_example_for_compose_gives_the_router_time_to_stop_and_nothing_to_write_to() -> None:
    service = yaml.safe_load((ROOT / "contrib" / "docker" / "compose.yaml").read_text(encoding="utf-8"))["services"][
        "wampd"
    ]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["tmpfs"] == ["/run/wampd"]
    assert int(service["stop_grace_period"].removesuffix("s")) > 30  # limits.stop


def test_the_example_for_kubernetes_fits_the_image() -> None:
    spec = yaml.safe_load((ROOT / "contrib" / "docker" / "kubernetes.yaml").read_text(encoding="utf-8"))["spec"]
    assert str(spec["securityContext"]["runAsUser"]) == USER
    assert spec["terminationGracePeriodSeconds"] > 30  # limits.stop
    (container,) = spec["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    written = {each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")}
    assert written == {"/run/wampd", "/var/lib/wampd"}
    assert {each["name"] for each in container["volumeMounts"]} == {each["name"] for each in spec["volumes"]}


def test_the_user_and_its_directories_are_made_once_and_for_all(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        unavailable("only root can give a directory to somebody else; run the tests as root")
    for _ in range(2):
        make_user(tmp_path)
    assert (tmp_path / "etc" / "passwd").read_text().count("wampd:x:8080:8080:") == 1
    assert (tmp_path / "etc" / "group").read_text().count("wampd:x:8080:") == 1
    made = (tmp_path / "var" / "lib" / "wampd").stat()
    assert (made.st_uid, made.st_mode & 0o777) == (int(USER), 0o700)


def make_user(root: Path) -> None:
    """Let the image's recipe make its user and directories in a system below `root`."""
    (root / "etc").mkdir(exist_ok=True)
    for name in ("group", "passwd"):
        if not (root / "etc" / name).exists():
            (root / "etc" / name).write_text("root:x:0:\n")
    subprocess.run([ROOT / "docker" / "user.sh", root], check=True)


@pytest.fixture(scope="module")
def installed() -> Iterator[Path]:
    """What the image is made of, made here."""
    prefix = Path(tempfile.mkdtemp(prefix="wampd-image-"))
    prefix.chmod(0o755)
    done = subprocess.run(
        [ROOT / "docker" / "build.sh", ROOT, prefix / "wampd"],
        env=environment(PYTHON=sys.executable, PYTHONPATH=""),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    yield prefix / "wampd"
    shutil.rmtree(prefix)


def test_what_is_installed_is_wampd_and_what_it_needs_without_pip(installed: Path) -> None:
    shown = subprocess.run(
        [installed / "bin" / "wampd", "version"], env=environment(PYTHONPATH=""), capture_output=True, check=True
    )
    assert shown.stdout.startswith(b"wampd ")
    assert not (installed / "bin" / "pip").exists()
    assert not list(installed.glob("lib/python*/site-packages/pip*"))


@pytest.mark.needs("nsenter", "setpriv", "unshare")
def test_it_runs_as_its_user_on_a_read_only_system_and_is_healthy(installed: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        unavailable("only root can make a system read-only; run the tests as root")
    place, port = Path(tempfile.mkdtemp(prefix="wampd-image-")), free_port()
    place.chmod(0o755)
    make_user(place)
    writable = [place / "run" / "wampd", place / "var" / "lib" / "wampd"]
    configuration = place / "config.yaml"
    configuration.write_text(CONFIGURATION.replace("STORE", str(writable[1])).replace("PORT", str(port)))
    env = environment(PYTHONPATH="", RUNTIME_DIRECTORY=str(writable[0] / "control"), PYTHONDONTWRITEBYTECODE="1")
    directories = dict.fromkeys([sys.base_prefix, sys.prefix, str(installed), str(ROOT)])
    confined = [
        "unshare",
        "-m",
        sys.executable,
        REACHABLE,
        *directories,
        "--",
        sys.executable,
        READ_ONLY,
        USER,
        *writable,
        "--",
    ]
    entry = [installed / "bin" / "wampd", "run", configuration]
    with Child([*confined, *entry], tmp_path / "log", env=env, cwd=place) as router:
        router.wait_for_log("is ready")
        with Session(port):
            pass
        assert health(router, installed, configuration, env) == 0
        assert "read-only file system" not in router.log().lower()
        assert "Permission denied" not in router.log()
        assert "no commands can reach" not in router.log()
    shutil.rmtree(place)


def health(router: Child, installed: Path, configuration: Path, env: dict[str, str]) -> int:
    """The exit status of the image's health check, where the router runs."""
    check = said("HEALTHCHECK")
    command = json.loads(check[check.index("CMD ") + 4 :])
    assert command[-1] == "/etc/wampd/config.yaml"
    inside = [
        "nsenter",
        "--mount",
        "--target",
        str(router.pid),
        "setpriv",
        "--reuid",
        USER,
        "--regid",
        USER,
        "--clear-groups",
    ]
    done = subprocess.run(
        [*inside, installed / "bin" / command[0], *command[1:-1], configuration],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    print(done.stdout, done.stderr)
    return done.returncode
