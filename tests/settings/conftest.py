"""A configuration in a temporary directory, and what is wrong with it."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from wampd.router.settings import Settings, SettingsError, load

REALM = """\
realms:
  - name: realm1
    roles: [{name: anonymous}]
    auth: {anonymous: {}}
"""
LISTENER = """\
listeners:
  - endpoint: tcp:8080
    rawsocket: {}
"""
PATH = {"PATH": "/usr/bin:/bin"}


class Configurations:
    """Writes files, loads them, and shows problems without the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, text: str | bytes, name: str = "config.yaml", mode: int = 0o600) -> Path:
        file = self.directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else dedent(text).encode())
        file.chmod(mode)
        return file

    def load(self, text: str | bytes, **environ: str) -> Settings:
        return load(self.write(text), {**PATH, **environ})

    def problems(self, text: str | bytes, **environ: str) -> list[str]:
        with pytest.raises(SettingsError) as caught:
            self.load(text, **environ)
        shown = str(caught.value).splitlines()
        assert len(shown) == len(caught.value.problems)
        return [line.replace(f"{self.directory}/", "") for line in shown]

    def problem(self, text: str | bytes, **environ: str) -> str:
        """The one problem, without its place."""
        (problem,) = self.problems(text, **environ)
        return problem.split(" ", 1)[1]


@pytest.fixture
def config(tmp_path: Path) -> Configurations:
    return Configurations(tmp_path)


@pytest.fixture
def listener(config: Configurations) -> Callable[..., str]:
    """The one problem of a configuration whose listener has these further lines."""

    def problem(lines: str, **environ: str) -> str:
        return config.problem(REALM + LISTENER + "    " + lines + "\n", **environ).removeprefix("listeners[0].")

    return problem
