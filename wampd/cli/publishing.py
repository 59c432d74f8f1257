"""``wampd publish``: publish one event, or many from standard input."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from typing import Any, Final

import click
from msgspec import Struct

from wampd.cli.speaking.ending import WRONG_WORDS, run
from wampd.cli.speaking.options import Target, speaks_wamp
from wampd.cli.speaking.values import LONGEST_INPUT, Output, Payload, payload_of, read_json, read_pairs, read_payload
from wampd.cli.words import command, complain, option
from wampd.client.session import Session

ALSO: Final = frozenset({"topic", "publication", "time", "details"})
"""What `wampd subscribe` writes beside the payload: its output can be published again."""
READ_AT_ONCE: Final = 2**16


class Wanted(Struct, frozen=True):
    """How everything is to be published."""

    acknowledge: bool
    """Wait until the router has taken it, or refused it."""
    told: bool
    """Print the publication's ID."""
    options: dict[str, Any]


EXAMPLES = """\
wampd publish com.example.news '{"title": "It works"}'
wampd publish com.example.status on --retain           # also for those who subscribe later
wampd publish com.example.chat Hello --exclude-role guest
wampd subscribe --count 10 com.example.news | wampd publish --lines --url ws://127.0.0.1:9000/ws
"""


@command(examples=EXAMPLES)
@click.argument("topic", required=False, help="the topic; with --lines each may name its own")
@click.argument("args", nargs=-1, help="the arguments: JSON, or else text")
@option("-k", "--kwarg", "pairs", multiple=True, metavar="NAME=VALUE", help="a keyword argument")
@option(
    "--raw-json", metavar="FILE", help='all arguments: a list, or {"args": […], "kwargs": {…}}; -: from standard input'
)
@option("--lines", is_flag=True, help="publish one event for each line of standard input (JSON)")
@option(
    "--ack", is_flag=True, help="print the publication's ID; with --lines, wait for the router's word on each event"
)
@option("--retain", is_flag=True, help="keep the event for those who subscribe later")
@option("--include-me", is_flag=True, help="also to this very session")
@option("--disclose-me", is_flag=True, help="let receivers know who publishes")
@option(
    "--eligible",
    multiple=True,
    type=int,
    metavar="SESSION",
    help="only to this session; may be given several times, as those that follow",
)
@option("--eligible-authid", multiple=True, metavar="AUTHID", help="only to this principal")
@option("--eligible-role", multiple=True, metavar="ROLE", help="only to this role")
@option("--exclude", multiple=True, type=int, metavar="SESSION", help="not to this session")
@option("--exclude-authid", multiple=True, metavar="AUTHID", help="not to this principal")
@option("--exclude-role", multiple=True, metavar="ROLE", help="not to this role")
@option("--option", "options", multiple=True, metavar="NAME=VALUE", help="another option of PUBLISH")
@option("--json", "as_json", is_flag=True, help="tell a WAMP error as JSON, on standard error")
@speaks_wamp
def publish(
    topic: str | None,
    args: tuple[str, ...],
    pairs: tuple[str, ...],
    raw_json: str | None,
    lines: bool,
    ack: bool,
    options: tuple[str, ...],
    as_json: bool,
    target: Target,
    **lists: Any,
) -> int:
    """Publish an event.

    ARGS are JSON where they can be read as JSON, else text. With --lines each line of standard input is an event: one
    value, a list of arguments, or an object with "args", "kwargs" and "topic" (without it TOPIC), as wampd subscribe
    writes it.

    One event is acknowledged by the router: if it refuses it, that is said. Of --lines nothing is acknowledged without
    --ack, so an event that is refused goes unnoticed.
    """
    given = {**_options(lists), **read_pairs(options, "--option")}
    wanted = Wanted(acknowledge=ack or (not lines and given.get("acknowledge", True) is True), told=ack, options=given)
    if lines:
        if args or pairs or raw_json is not None:
            raise click.UsageError("with --lines the arguments are on standard input")
        return run(_publish_lines(target, topic, wanted), as_json=as_json)
    if topic is None:
        raise click.UsageError("Missing argument 'TOPIC'.")
    return run(_publish(target, topic, read_payload(args, pairs, raw_json), wanted), as_json=as_json)


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """The options of PUBLISH that the flags and lists stand for."""
    options: dict[str, Any] = {
        "retain": given["retain"] or None,
        "exclude_me": False if given["include_me"] else None,
        "disclose_me": given["disclose_me"] or None,
    }
    for word in ("eligible", "exclude"):
        options[word] = list(given[word]) or None
        options[f"{word}_authid"] = list(given[f"{word}_authid"]) or None
        options[f"{word}_authrole"] = list(given[f"{word}_role"]) or None
    return {name: value for name, value in options.items() if value is not None}


async def _publish(target: Target, topic: str, payload: Payload, wanted: Wanted) -> None:
    output = Output()
    async with target.connect() as session:
        await _say(session, topic, payload, wanted, output)


async def _say(session: Session, topic: str, payload: Payload, wanted: Wanted, output: Output) -> None:
    publication = await session.publish(
        topic, payload.args, payload.kwargs, acknowledge=wanted.acknowledge, options=wanted.options
    )
    if publication is not None and wanted.told:
        output.value(publication)


async def _publish_lines(target: Target, topic: str | None, wanted: Wanted) -> int | None:
    output = Output()
    async with target.connect() as session:
        number = 0
        async for line in _lines():
            number += 1
            if not line.strip():
                continue
            try:
                its_topic, payload = _event(line, topic)
            except ValueError as why:
                complain(f"line {number} of standard input: {why}")
                return WRONG_WORDS
            await _say(session, its_topic, payload, wanted, output)
    return None


def _event(line: bytes, topic: str | None) -> tuple[str, Payload]:
    """What a line says. Raise `ValueError`."""
    value = read_json(line)
    if isinstance(value, dict):
        named = value.get("topic", topic)
        value = {key: item for key, item in value.items() if key not in ALSO}
        topic = named if isinstance(named, str) else None
    if topic is None:
        raise ValueError('it names no "topic", and neither does the command line')
    return topic, payload_of(value if isinstance(value, list | dict) else [value])


async def _lines() -> AsyncIterator[bytes]:
    """Standard input, line by line. It is the loop that waits for what it is fed from, so that Ctrl-C ends it."""
    stream = sys.stdin.buffer
    rest = b""
    while chunk := await _chunk(stream.fileno()):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
        if len(rest) > LONGEST_INPUT:
            raise click.UsageError(f"a line of standard input has more than {LONGEST_INPUT} bytes")
    if rest:
        yield rest


async def _chunk(descriptor: int) -> bytes:
    """What comes next; nothing: the end."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except PermissionError:  # a file, which never makes anybody wait (epoll_ctl(2): EPERM)
        return os.read(descriptor, READ_AT_ONCE)
    try:
        await ready.wait()
        return os.read(descriptor, READ_AT_ONCE)
    finally:
        loop.remove_reader(descriptor)
