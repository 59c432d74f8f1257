"""``wampd init``: from an empty directory to a router with a component and a page, by some questions or by flags."""

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .words import EXIT_USAGE, Failure, command, option

if TYPE_CHECKING:
    from .project import Project

AUTHS = ("anonymous", "ticket", "wampcra")
LANGUAGES = ("python-asyncio", "python-twisted", "node")
DEFAULT_PORT, DEFAULT_REALM = 8080, "realm1"

AUTH_HELP = (
    "how visitors of the page come in: without a password (anonymous), or with one (ticket sends it, wampcra does not)"
)


@command(
    examples="""
    wampd init hello                                   # asks what it has to know
    wampd init hello --yes --port 9000
    wampd init hello --yes --auth wampcra --language node
    """
)
@click.argument("directory", default=".", type=click.Path(file_okay=False), help="where to write; by default here")
@option("--yes", is_flag=True, help="ask nothing: what is not said has its default")
@option(
    "--port", type=click.IntRange(1, 65535), metavar="PORT", help=f"the port of the router  [default: {DEFAULT_PORT}]"
)
@option("--realm", metavar="NAME", help=f"the name of the realm  [default: {DEFAULT_REALM}]")
@option("--auth", type=click.Choice(AUTHS), help=f"{AUTH_HELP}  [default: anonymous]")
@option("--language", type=click.Choice(LANGUAGES), help="what the component is written in  [default: python-asyncio]")
@option("--no-component", is_flag=True, help="write none: what serves the page runs elsewhere")
@option("--force", is_flag=True, help="also where there are such files; they are kept as NAME.bak")
def init(directory: str, *, yes: bool, no_component: bool, force: bool, **said: Any) -> int:
    """Write a configuration, a component that the router runs, and a page that calls it.

    Asks what is not said by options. What is written is safe as it stands: connections from this machine alone, no permission
    that is not needed, secrets in files that only you can read. Nothing that is there is overwritten.
    """
    if no_component and said["language"] is not None:
        raise click.UsageError("give --language or --no-component, not both", click.get_current_context())
    if not yes and not sys.stdin.isatty():
        raise Failure("there is no terminal to ask; give --yes, and options for what is to differ", EXIT_USAGE)
    _check_realm(said["realm"])
    from .project import write

    project = _asked(said, no_component=no_component, ask=not yes)
    files = project.files()
    kept = write(Path(directory), files, force=force)
    _check(Path(directory))
    _report(directory, list(files), kept)
    _advise(directory, project)
    return 0


def _asked(said: dict[str, Any], *, no_component: bool, ask: bool) -> "Project":
    from .project import Project

    def choose(name: str, question: str, default: Any, **more: Any) -> Any:
        if said[name] is not None:
            return said[name]
        return click.prompt(question, default=default, err=True, **more) if ask else default

    return Project(
        port=choose("port", "Port of the router", DEFAULT_PORT, type=click.IntRange(1, 65535)),
        realm=choose("realm", "Name of the realm", DEFAULT_REALM, value_proc=_realm),
        auth=choose("auth", "How visitors of the page come in", "anonymous", type=click.Choice(AUTHS)),
        language=None
        if no_component
        else choose("language", "What the component is written in", "python-asyncio", type=click.Choice(LANGUAGES)),
    )


def _realm(text: str) -> str:
    """A name that a realm can have. Raise `BadParameter`."""
    from wampd.realms.uris import is_uri

    if not is_uri(text) or text.split(".")[0] in ("wamp", "wampd"):
        raise click.BadParameter(
            f"{text!r} cannot be the name of a realm: parts without spaces and #, joined by dots, not of wamp or wampd"
        )
    return text


def _check_realm(realm: str | None) -> None:
    if realm is not None:
        try:
            _realm(realm)
        except click.BadParameter as wrong:
            raise Failure(wrong.message, EXIT_USAGE) from None


def _check(directory: Path) -> None:
    """See that what was written is a configuration: whoever asks for a project gets one that runs."""
    from .configuration import load_or_complain

    if load_or_complain(directory / "config.yaml") is None:
        raise Failure("what was written is no configuration that this wampd takes, which is a bug: please report it")


def _report(directory: str, written: Sequence[str], kept: Sequence[str]) -> None:
    for name in written:
        click.echo(f"wrote {Path(directory, name)}")
    for name in kept:
        click.echo(f"kept  {Path(directory, name)}")


def _advise(directory: str, project: "Project") -> None:
    """Say what is missing, and the next commands."""
    steps = [] if directory == "." else [f"cd {directory}"]
    if project.language == "node":
        if shutil.which("node") is None:
            click.echo("note: there is no node on the PATH, which is to run the component: install Node.js", err=True)
        steps.append("npm install")
    elif project.language is not None and not _has_autobahn():
        steps.append(f"{_shown(sys.executable)} -m pip install 'autobahn>=24.4'")
    if not _is_free(project.port):
        click.echo(f"note: something listens on port {project.port} already; another one: --port", err=True)
    click.echo("\nNext:\n")
    for step in [*steps, "wampd run"]:
        click.echo(f"  {step}")
    click.echo(f"\nand open http://127.0.0.1:{project.port}/")
    if project.auth != "anonymous":
        click.echo(f"(the password of visitors is in {Path(directory, 'secrets', 'visitor')})")


def _has_autobahn() -> bool:
    """Whether the Python that runs the router, which is to run the component too, has autobahn."""
    from importlib.util import find_spec

    return find_spec("autobahn") is not None


def _shown(path: str) -> str:
    import shlex

    return shlex.quote(path)


def _is_free(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
