"""What ``wampd init`` writes: a configuration, a component that the router runs, a page that calls it.

The rules:

* nothing that is there is overwritten: with ``force`` it is kept beside what is written, as ``NAME.bak``;
* what is written is safe as it stands: connections from this machine alone, no permission that the page and the component do
  not need, secrets drawn for this project, in files that only their owner can read;
* whether anything is there is found out before anything is written, and what cannot be written whole (a full disk) is
  taken back: the next try finds what this one has found.

The texts are the templates in ``wampd/cli/templates``.
"""

import json
import os
import re
import secrets
import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from .words import Failure

Auth = Literal["anonymous", "ticket", "wampcra"]
Language = Literal["python-asyncio", "python-twisted", "node"]

PUBLIC, PRIVATE = 0o644, 0o600
VISITOR, BACKEND = "visitor", "backend"
SECRET_OCTETS = 18
PLAIN = re.compile(r"[a-z][a-z0-9_.]*")


class Principal(NamedTuple):
    """Somebody with a secret."""

    name: str
    key: str
    """What the secret is for, in the configuration."""


class File(NamedTuple):
    """A file to write."""

    text: str
    mode: int = PUBLIC


@dataclass(frozen=True)
class Project:
    """What is to be written."""

    port: int
    realm: str
    auth: Auth
    language: Language | None
    """Of the component; `None`: there is none."""

    def principals(self) -> Iterator[Principal]:
        """Those who need a secret: visitors that log in, and a backend that the router does not run itself."""
        if self.auth != "anonymous":
            yield Principal(VISITOR, "ticket" if self.auth == "ticket" else "password")
        if self.language is None:
            yield Principal(BACKEND, "ticket")

    def hello(self) -> str:
        """The name of the component's file."""
        return "hello.js" if self.language == "node" else "hello.py"

    def _visitor_words(self) -> str:
        """How a visitor comes in by the command line."""
        if self.auth == "anonymous":
            return ""
        return f" --auth {self.auth} --authid {VISITOR} --secret-file secrets/{VISITOR}"

    def files(self) -> Mapping[str, File]:
        """All files by their paths, the configuration first."""
        principals = list(self.principals())
        methods = {self.auth, *(each.key for each in principals)}
        render = _Templates(
            port=self.port,
            realm=self.realm,
            auth=self.auth,
            methods=methods,
            principals=principals,
            component=self.language is not None,
            language=self.language,
            hello=self.hello(),
            visitor=VISITOR,
            router=f"--url ws://127.0.0.1:{self.port}/ws --realm {shlex.quote(self.realm)}",
            visitor_words=self._visitor_words(),
        )
        files = {"config.yaml": File(render("config.yaml"))}
        if self.language is not None:
            source = {
                "python-asyncio": "hello_asyncio.py",
                "python-twisted": "hello_twisted.py",
                "node": "hello_node.js",
            }
            files[self.hello()] = File(render(source[self.language]))
        if self.language == "node":
            files["package.json"] = File(render("package.json"))
        for name in ("web/index.html", "web/app.js", "web/wamp.js", "README.md"):
            files[name] = File(render(name))
        files[".gitignore"] = File(render("gitignore"))
        for each in principals:
            files[f"secrets/{each.name}"] = File(f"{secrets.token_urlsafe(SECRET_OCTETS)}\n", PRIVATE)
        return files


class _Templates:
    def __init__(self, **values: object) -> None:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        # Nothing is HTML that comes from outside; what is of YAML or JavaScript is quoted by its filter.
        self._environment = Environment(
            loader=FileSystemLoader(Path(__file__).with_name("templates")),
            autoescape=False,  # noqa: S701
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        self._environment.filters["yaml"] = _yaml
        self._values = values

    def __call__(self, name: str) -> str:
        return self._environment.get_template(f"{name}.j2").render(self._values)


def _yaml(text: str) -> str:
    """A text in YAML: as it is where that can be no other kind of value, else as in JSON, which means the same."""
    return text if PLAIN.fullmatch(text) and text not in ("true", "false", "null") else json.dumps(text)


def write(directory: Path, files: Mapping[str, File], *, force: bool) -> list[str]:
    """Write all files or none; return the names of those that were there and are kept as another. Raise `Failure`."""
    there = [name for name in files if os.path.lexists(directory / name)]
    if there and not force:
        names = ", ".join(there)
        raise Failure(f"{names}: there already, nothing was written; --force keeps what is there as NAME.bak")
    kept, path = [], directory
    with ExitStack() as undo:
        try:
            for path in (directory / name for name in there):
                aside = _set_aside(path)
                undo.callback(aside.rename, path)
                kept.append(aside.relative_to(directory).as_posix())
            for name, file in files.items():
                path = directory / name
                _create(path, file, undo)
        except OSError as error:
            raise Failure(f"cannot write {error.filename or path}: {error.strerror}; nothing was written") from None
        undo.pop_all()
    return kept


def _set_aside(path: Path) -> Path:
    """Rename a file so that nothing is lost, not even what was set aside before."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.name}.bak{'' if number == 1 else number}")
        if not os.path.lexists(aside):
            path.rename(aside)
            return aside
    raise Failure(f"there are too many of {path}.bak already; remove some")


def _create(path: Path, file: File, undo: ExitStack) -> None:
    path.parent.mkdir(mode=0o700 if file.mode == PRIVATE else 0o755, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, file.mode)
    undo.callback(path.unlink)
    with open(descriptor, "w", encoding="utf-8") as stream:
        stream.write(file.text)
