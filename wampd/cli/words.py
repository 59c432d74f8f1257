"""How the words of the command line are written: click, with commands that are imported when they are used.

The rules:

* a group knows its commands by a table: the object that carries each out, and one line of help. What a command needs is
  imported when it is called, never for `--help` of another, nor to complete its name;
* what goes wrong is one line on standard error that says what to do;
* the exit status is 0 if it is done, 1 if it cannot be done, 2 if the command line or the configuration is wrong. Commands that
  know more say so in their help;
* the help of a command is sentences; that of an option, an argument or a command in a list is a fragment: it begins small and
  has no full stop. A value is called what it is (SECONDS, NAME, FILE, N). Every command that does something has an example.
"""

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, NamedTuple

import click
from click.shell_completion import CompletionItem

from .output import nobody_reads, settle, take_everything, what_is_full

EXIT_FAILED, EXIT_USAGE, EXIT_NOT_RUNNING, EXIT_INTERRUPTED = 1, 2, 3, 130
FILE_HELP = "the configuration, or the directory of config.yaml; without it ./config.yaml, or else wampd's default"


MOST_SECONDS = 1_000_000_000
"""Thirty years. In milliseconds, as WAMP has them, it is a number that every program can read exactly."""


class Seconds(click.FloatRange):
    """A time that one can wait for: neither `nan` nor `inf`, nor longer than any process will run."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it. Raise `BadParameter`."""
        number = super().convert(value, param, ctx)
        if not number <= MOST_SECONDS:  # nor is `nan`
            self.fail(f"{value!r} is not a number of seconds up to {MOST_SECONDS:,}", param, ctx)
        return number


type_of_file = click.Path(readable=False)  # it completes names of files; whether there is one is told by who reads it


class Entry(NamedTuple):
    """One command of a table."""

    target: str
    """Where the command is: ``module:object``."""
    summary: str
    """What it does, in one line."""
    section: str = "Commands"
    """Under which heading of the help it stands."""


class Failure(click.ClickException):
    """It cannot be done: one line that says why and what to do, and the exit status."""

    def __init__(self, message: str, status: int = EXIT_FAILED) -> None:
        super().__init__(message)
        context = click.get_current_context(silent=True)
        self.where = "wampd" if context is None else context.command_path
        self.exit_code = status  # type: ignore[misc]  # of the class for click, of the one error for us


class _Shown(click.Command):
    """What has examples at the end of its help."""

    def __init__(self, *words: Any, examples: str = "", **more: Any) -> None:
        super().__init__(*words, **more)
        self.examples = inspect.cleandoc(examples).splitlines()
        """Command lines as they are typed, each with a comment of the shell, or none."""

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """``--help``, in the words of the others."""
        found = super().get_help_option(ctx)
        if found is not None:
            found.help = "show this, and end"
        return found

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they stand, then what else there is to say."""
        if self.examples:
            with formatter.section("Examples"):
                formatter.write("".join(f"  {line}\n" for line in self.examples))
        super().format_epilog(ctx, formatter)


class Command(_Shown):
    """A command whose options stand under headings in its help: those of `option` that name one."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options: first those without a heading, which are what the command is about."""
        sections: dict[str, list[tuple[str, str]]] = {"Options": []}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)) is not None:
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class _Option(click.Option):
    def __init__(self, *words: Any, section: str = "Options", **more: Any) -> None:
        super().__init__(*words, **more)
        self.section = section


def option(*words: str, section: str = "Options", **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """As ``click.option``, under a heading of the help."""
    return click.option(*words, cls=_Option, section=section, **more)


def command(**more: Any) -> Callable[[Callable[..., Any]], Command]:
    """As ``click.command``, with ``examples``; the function returns the exit status."""
    return click.command(cls=Command, **more)


def with_all(parameters: Sequence[Callable[[Any], Any]], function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function options and arguments, in this order."""
    for each in reversed(parameters):
        function = each(function)
    return function


def configuration_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument FILE, the configuration."""
    return click.argument("file", required=False, metavar="[FILE]", type=type_of_file, help=FILE_HELP)(function)


def router_argument(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument FILE and the option ``--socket``, for commands about a router that runs."""
    help_ = "the configuration that the router runs with; without it ./config.yaml, or else the only router that runs"
    argument = click.argument("file", required=False, metavar="[FILE]", type=type_of_file, help=help_)
    return argument(_socket_option(function))


def router_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same for commands with other arguments: ``--config`` and ``--socket``."""
    help_ = "the configuration that the router runs with; without it ./config.yaml, or else the only router that runs"
    named = option("--config", "file", metavar="FILE", type=type_of_file, section=WHICH, help=help_)
    return named(_socket_option(function))


WHICH = "Which router"
_socket_option = option(
    "--socket", metavar="PATH", type=type_of_file, section=WHICH, help="the private socket of the router, instead"
)


class Group(_Shown, click.Group):
    """Commands that are imported when they are used."""

    command_class = Command

    def __init__(self, name: str | None = None, *, table: Mapping[str, Entry] | None = None, **more: Any) -> None:
        settings = {"max_content_width": 110, "help_option_names": ["-h", "--help"]}
        super().__init__(name, **{"no_args_is_help": True, "context_settings": settings, **more})
        self._table = dict(table or {})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's
        """The names, in the order of the table."""
        return [*self._table, *(name for name in self.commands if name not in self._table)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, if there is one of the name."""
        entry = self._table.get(cmd_name)
        if entry is None:
            return super().get_command(ctx, cmd_name)
        module, _, name = entry.target.partition(":")
        found = getattr(import_module(module), name)
        assert isinstance(found, click.Command)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant. Raise `NoSuchCommand` with what may have been meant."""
        if not ctx.resilient_parsing and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            raise click.exceptions.NoSuchCommand(args[0], possibilities=self.list_commands(ctx), ctx=ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the summaries under their headings."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self._entries():
            sections.setdefault(entry.section, []).append((name, entry.summary))
        widest = max((len(name) for rows in sections.values() for name, _ in rows), default=0)
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(widest), summary) for name, summary in rows])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The names that begin so, without an import; the options as ever."""
        found = [
            CompletionItem(name, help=entry.summary)
            for name, entry in self._entries()
            if name.startswith(incomplete) and not incomplete.startswith("-")
        ]
        return found or click.Command.shell_complete(self, ctx, incomplete)

    def _entries(self) -> Iterator[tuple[str, Entry]]:
        yield from self._table.items()
        for name, known in self.commands.items():
            if name not in self._table and not known.hidden:
                yield name, Entry("", known.get_short_help_str(200))


def harmless(text: str) -> str:
    """What went wrong, as it can be shown at a terminal: routers and clients may have written a part of it."""
    lines = text.split("\n")
    return "\n".join(
        line if line.isprintable() else "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
        for line in lines
    )


def complain(text: str) -> None:
    """One line on standard error, in the name of the command."""
    context = click.get_current_context(silent=True)
    name = "wampd" if context is None else context.command_path
    click.echo(harmless(f"{name}: {text}"), err=True)


def carry_out(root: click.Command, arguments: list[str] | None) -> int:
    """Carry out a command line, until all that it says is written; return the exit status."""
    take_everything()
    stdout = sys.stdout
    try:
        status = _carry_out(root, arguments)
        settle()
    except SystemExit:
        if sys.stdout is stdout:  # click puts another in its place when a pipe is closed, and ends so
            raise
        return nobody_reads()
    except BrokenPipeError:
        return nobody_reads()
    except OSError as error:
        if (reason := what_is_full(error)) is None:
            raise
        click.echo(f"wampd: cannot write what there is to say: {reason}", err=True)
        return EXIT_FAILED
    return status


def _carry_out(root: click.Command, arguments: list[str] | None) -> int:
    try:
        status = root.main(arguments, prog_name="wampd", complete_var="_WAMPD_COMPLETE", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as alone:
        click.echo(alone.format_message(), err=True)
        return EXIT_USAGE
    except click.UsageError as wrong:
        click.echo(harmless(_line(wrong)), err=True)
        return EXIT_USAGE
    except Failure as failure:
        click.echo(harmless(f"{failure.where}: {failure.format_message()}"), err=True)
        return failure.exit_code
    except click.ClickException as failure:
        click.echo(harmless(f"wampd: {failure.format_message()}"), err=True)
        return failure.exit_code
    except click.Abort:
        click.echo("wampd: interrupted", err=True)
        return EXIT_INTERRUPTED
    return status if isinstance(status, int) else 0


_NO_NUMBER = re.compile(r"is not a valid (?:float|integer)(?: range)?")


def _line(wrong: click.UsageError) -> str:
    """One line: where, what is wrong, and what to do about it."""
    path = "wampd" if wrong.ctx is None else wrong.ctx.command_path
    if isinstance(wrong, click.NoSuchOption | click.exceptions.NoSuchCommand):
        message, near = wrong.message, wrong.possibilities or []
    else:
        message = " ".join(wrong.format_message().split())
        near = _near_choice(message)
    message = _NO_NUMBER.sub("is not a number", message[:1].lower() + message[1:])
    if isinstance(wrong, click.NoSuchOption) and re.match(r"-[.\d]", wrong.option_name):
        return f"{path}: {message.rstrip('.')}; numbers below zero come after --, as the last words"
    if near:  # the nearest alone: click names three, in the order of the alphabet
        return f"{path}: {message.rstrip('.')}; did you mean {near[0]!r}?"
    return f"{path}: {message.rstrip('.')}; see {path} --help"


def _near_choice(message: str) -> list[str]:
    """What may have been meant by a word that is none of those that there are, as click says it."""
    wrong = re.search(r"'([^']*)' is not one of ('.+')", message)
    if wrong is None:
        return []
    from wampd.router.settings.problems import closest

    found = closest(wrong[1], re.findall("'([^']*)'", wrong[2]))
    return [] if found is None else [found]
