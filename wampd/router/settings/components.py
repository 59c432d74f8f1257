"""Settings of components: programs and Python code that the router runs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta

from .parts import MIB, Bytes, Count, Name, Part, Seconds, SecondsOrOff, Text

Policy = Literal["always", "on-failure", "never"]
Memory = Annotated[Bytes, Meta(ge=MIB)]
Niceness = Annotated[int, Meta(ge=0, le=19)]
StopSignal = Literal["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"]
Framework = Literal["auto", "twisted", "asyncio"]


class ReadyByLog(Part, frozen=True, kw_only=True):
    """A component is ready when it has printed something."""

    log: Annotated[Name, Meta(description="A text that one of its lines holds, on standard output or standard error.")]


class Restart(Part, frozen=True, kw_only=True):
    """When a component that has ended is started again: soon at first, then ever later.

    The times are drawn from the upper half of what they may be, so that several do not come back in the same moment.
    """

    policy: Annotated[
        Policy | None,
        Meta(
            description="`always`; `on-failure`: unless it ended by itself with status 0; `never`. `null`: `always`, and"
            " `on-failure` for what is `ready` when it has `exited`."
        ),
    ] = None
    first: Annotated[
        Seconds, Meta(description="Time until the first restart; each further one waits twice as long.")
    ] = 0.5
    longest: Annotated[Seconds, Meta(description="The longest time until a restart.")] = 30.0
    lasted: Annotated[
        Seconds,
        Meta(description="A run that was ready, and of this length, counts as good: the next restart is soon again."),
    ] = 10.0
    most: Annotated[
        Count | None,
        Meta(
            description="Restarts in a row, without a run that counts as good, after which it is given up: it stays down"
            " until somebody starts it, and the router is not ready. `null`: it is never given up."
        ),
    ] = None


class Stop(Part, frozen=True, kw_only=True):
    """How a component is stopped. What it has started is stopped with it."""

    signal: Annotated[StopSignal, Meta(description="The signal that asks it to end.")] = "TERM"
    grace: Annotated[
        Seconds, Meta(description="Time that it has then to end, before it is killed; less if the router has less.")
    ] = 5.0


class Watch(Part, frozen=True, kw_only=True):
    """Files that, when they change, restart the component: for development, with `wampd run --reload`."""

    paths: Annotated[
        tuple[Name, ...],
        Meta(
            min_length=1,
            description="What is looked at below `directory` (and, of a Python component, below `path`): patterns of names"
            " (`*.py`), at any depth, or of paths (`src/*.js`).",
        ),
    ] = ("*.py",)
    ignore: Annotated[
        tuple[Name, ...], Meta(description="Names of files and directories that are not looked at; patterns.")
    ] = ("__pycache__", "node_modules", ".*")
    always: Annotated[bool, Meta(description="Look also without `--reload`.")] = False
    interval: Annotated[Seconds, Meta(description="Time between two looks.")] = 0.5
    settle: Annotated[
        SecondsOrOff, Meta(description="Time without a further change until the component is restarted.")
    ] = 0.2


class ComponentLimits(Part, frozen=True, kw_only=True):
    """What each instance of a component may take of the machine; `null`: no more is said than the router's own limits."""

    memory: Annotated[
        Memory | None,
        Meta(
            description="Resident memory of it and of all that it has started, together. It is looked at once a second;"
            " beyond it the instance is restarted.",
        ),
    ] = None
    address_space: Annotated[
        Memory | None,
        Meta(
            description="Address space of each of its processes (RLIMIT_AS): beyond it the system gives no memory. What"
            " reserves much more than it uses, as Node.js and Go do, does not even start.",
        ),
    ] = None
    files: Annotated[Count | None, Meta(description="Open files of each of its processes (RLIMIT_NOFILE).")] = None
    processes: Annotated[
        Count | None,
        Meta(
            description="Processes and threads (RLIMIT_NPROC); the system counts all of the user's, and sets root no limit."
        ),
    ] = None
    cpu: Annotated[
        tuple[Annotated[int, Meta(ge=0)], ...] | None, Meta(description="Numbers of the processors that it may use.")
    ] = None
    nice: Annotated[
        Niceness | None,
        Meta(description="How much it lets others go first: added to the router's own niceness."),
    ] = None


class Hang(Part, frozen=True, kw_only=True):
    """How a component that has joined is seen to hang: it does not answer pings. Then it is killed, and started again."""

    ping_interval: Annotated[SecondsOrOff, Meta(description="Time between pings; 0: it is never looked at.")] = 10.0
    ping_timeout: Annotated[Seconds, Meta(description="Time that it has to answer one.")] = 30.0


class _Component(Part, frozen=True, kw_only=True):
    """What all kinds of components have in common."""

    name: Annotated[
        Name,
        Meta(description="Its name, in the log and for commands; unique. It has no dots, no spaces and no `#`."),
    ]
    realm: Annotated[
        Name | None,
        Meta(description="The realm that it joins, by the private socket and with a ticket of its own; needs `role`."),
    ] = None
    role: Annotated[Name | None, Meta(description="Its role in the realm.")] = None
    instances: Annotated[
        int, Meta(ge=1, le=256, description="How many of it run: `adder.1`, `adder.2`, … if it is more than one.")
    ] = 1
    directory: Annotated[Path, Meta(description="The directory that it runs in.")] = Path()
    environment: Annotated[
        Mapping[str, Text],
        Meta(
            description="Environment variables that it gets, beside `PATH`, `HOME`, `LANG`, `LC_ALL`, `TZ`, `TMPDIR` and"
            " `VIRTUAL_ENV` of the router, and those that say which component it is."
        ),
    ] = {}
    after: Annotated[tuple[Name, ...], Meta(description="Components that must be ready before it is started.")] = ()
    ready: Annotated[
        Literal["joined", "started", "exited"] | ReadyByLog | None,
        Meta(
            description="When it counts as ready: when it has `joined` its realm, as soon as it has `started`, when it has"
            " `exited` with status 0 (for what prepares something and is done), or when it has printed something:"
            ' `{log: "text"}`. `null`: `joined` if it has a realm, else `started`.'
        ),
    ] = None
    ready_timeout: Annotated[
        Seconds,
        Meta(description="Time from its start until it must be ready; then it is stopped, and started again."),
    ] = 30.0
    restart: Annotated[Restart, Meta(description="When it is started again.")] = Restart()
    stop: Annotated[Stop, Meta(description="How it is stopped.")] = Stop()
    watch: Annotated[
        Watch | None, Meta(description="Restart it when files change; `{}` does so with the defaults.")
    ] = None
    limits: Annotated[ComponentLimits, Meta(description="What it may take of the machine.")] = ComponentLimits()
    hang: Annotated[Hang, Meta(description="How it is seen that it hangs; only where it has a realm.")] = Hang()


class GuestComponent(_Component, frozen=True, kw_only=True, tag_field="type", tag="guest"):
    """A program of any kind in processes of its own. `type` may be left out.

    With a realm it finds in its environment how to join: `WAMPD_URL`, `WAMPD_SOCKET`, `WAMPD_REALM`, `WAMPD_AUTHID` and
    `WAMPD_TICKET`; always its number, `WAMPD_INSTANCE`.
    """

    command: Annotated[
        tuple[Text, ...],
        Meta(
            min_length=1,
            description="The program and its arguments. `${WAMPD_PYTHON}` is the Python that runs the router.",
        ),
    ]


class PythonComponent(_Component, frozen=True, kw_only=True, tag_field="type", tag="python"):
    """A component in Python, in processes of its own: code that runs as it is without the router, too."""

    run: Annotated[
        Name,
        Meta(
            description="What runs, as `module:object`: a `Component` or a subclass of `ApplicationSession` of autobahn, or a"
            " function."
        ),
    ]
    framework: Annotated[
        Framework, Meta(description="What it is written for; `auto`: what the object itself shows.")
    ] = "auto"
    python: Annotated[
        Path | None,
        Meta(
            description="The interpreter that runs it, or the directory of a virtual environment: one with autobahn in it."
            " `null`: the Python that runs the router."
        ),
    ] = None
    path: Annotated[
        tuple[Path, ...], Meta(description="Directories that modules are looked for in, after `directory`.")
    ] = ()
    extra: Annotated[Any, Meta(description="What the component is given as its configuration: any YAML.")] = None
    in_process: Annotated[
        bool,
        Meta(
            description="Run it inside the router's own process, for code that is trusted: if it is slow everybody waits, if"
            " it takes the process down the router is gone."
        ),
    ] = False


Component: TypeAlias = GuestComponent | PythonComponent
"""A component; `type` tells which kind."""

Components = tuple[Annotated[Component, Meta(extra={"untagged": "guest"})], ...]
