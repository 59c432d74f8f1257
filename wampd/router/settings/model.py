"""The root of the settings, and what concerns the whole process."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from .components import Components
from .control import Control
from .listeners import Listener
from .log import Log
from .outgoing import Outgoing
from .parts import MIB, Count, Name, Part, Seconds, SecondsOrOff, SizeOrOff
from .process import Process
from .realms import Realm


class FailedJoins(Part, frozen=True, kw_only=True):
    """How many joins may fail before those who try must wait.

    Beyond the number every failure makes further attempts be refused without being looked at: for `delay`, then twice as long
    after each failure, up to `longest_delay`. `window` after that without a failure, all are forgotten. A principal that has
    come in from an address is there not concerned by the failures of others. IPv6 addresses count by their /64.
    """

    pair: Annotated[
        Count | None, Meta(description="Failures of one principal from one address; `null`: any number.")
    ] = 5
    address: Annotated[
        Count | None, Meta(description="Failures from one address, whoever is named; `null`: any number.")
    ] = 50
    principal: Annotated[
        Count | None, Meta(description="Failures of one principal, wherever they come from; `null`: any number.")
    ] = 100
    window: Annotated[Seconds, Meta(description="How long failures count.")] = 60.0
    delay: Annotated[Seconds, Meta(description="How long those who fail too often must wait first.")] = 1.0
    longest_delay: Annotated[Seconds, Meta(description="How long they must wait at most.")] = 30.0
    remembered: Annotated[
        Count, Meta(description="Principals and addresses whose failures are remembered, each; the last ones are.")
    ] = 10_000
    shared_addresses: Annotated[
        tuple[Name, ...],
        Meta(
            description="Addresses or networks (`10.0.0.0/8`) that stand for many clients, such as that of a reverse"
            " proxy: `address` does not concern them."
        ),
    ] = ()


class ProcessLimits(Part, frozen=True, kw_only=True):
    """Limits of the whole process."""

    connections: Annotated[Count, Meta(description="Most connections at once; more are refused.")] = 50_000
    spare_descriptors: Annotated[
        int, Meta(ge=0, description="File descriptors that connections leave free; more connections are refused.")
    ] = 32
    memory: Annotated[
        SizeOrOff | None,
        Meta(
            description="Memory of the process above which no new sessions are let in, and publishers are slowed down,"
            " until there is a tenth less. `null`: four fifths of what the process may have (its control groups, as systemd's"
            " `MemoryMax` or a container sets them, or all of the machine); 0: no ceiling.",
        ),
    ] = None
    cookies: Annotated[
        Count,
        Meta(
            description="Most cookies that stand for somebody, of all realms; the one not shown for longest is forgotten."
        ),
    ] = 50_000
    failed_joins: Annotated[FailedJoins, Meta(description="What those meet who fail to authenticate.")] = FailedJoins()
    password_checks: Annotated[
        Count, Meta(description="Passwords that are compared with slow hashes at once, each in a thread of its own.")
    ] = 2
    waiting_password_checks: Annotated[
        Count, Meta(description="Passwords that wait to be compared; more are refused with `authentication_failed`.")
    ] = 100
    drain: Annotated[
        Seconds, Meta(description="Time over which sessions are told to leave when the router is stopped.")
    ] = 10.0
    stop: Annotated[
        Seconds, Meta(description="Time from the signal to stop until the process ends, whatever still waits.")
    ] = 30.0
    probation: Annotated[
        SecondsOrOff,
        Meta(
            description="After `wampd restart`: time for which the new process has to serve until the one before it ends."
            " If it dies before, another is started. `stop` is the longest; 0: it is not watched."
        ),
    ] = 10.0


class Store(Part, frozen=True, kw_only=True):
    """What is kept beyond the life of the process: an SQLite database, open to no other user."""

    file: Annotated[
        Path,
        Meta(
            description="The database, which is made if it is not there. SQLite keeps files beside it whose names begin"
            " with its own. It must be on a disk of this machine, not on a network file system."
        ),
    ]
    spare: Annotated[
        SizeOrOff,
        Meta(
            description="Room on the disk that is left free: with less, webhooks are not registered any more, and"
            " events for them not kept, which is an error for who asked; 0: none."
        ),
    ] = 256 * MIB
    spare_share: Annotated[
        float, Meta(ge=0, lt=1, description="The same as a share of the disk: below either it counts as full; 0: none.")
    ] = 0.05


class Settings(Part, frozen=True, kw_only=True):
    """The whole configuration."""

    realms: Annotated[tuple[Realm, ...], Meta(min_length=1, description="The realms.")]
    listeners: Annotated[tuple[Listener, ...], Meta(min_length=1, description="Where clients connect.")]
    limits: Annotated[ProcessLimits, Meta(description="Limits of the whole process.")] = ProcessLimits()
    store: Annotated[
        Store | None,
        Meta(
            description="Keep principals in a database, where realms say so with `auth.store`, the cookies that browsers"
            " come back by, and the webhooks of realms with all that is not delivered yet."
        ),
    ] = None
    outgoing: Annotated[Outgoing, Meta(description="Where the router sends requests of HTTP.")] = Outgoing()
    components: Annotated[Components, Meta(description="Programs and Python code that the router runs.")] = ()
    control: Annotated[Control, Meta(description="Where the router is reached by commands, and by its components.")] = (
        Control()
    )
    log: Annotated[Log, Meta(description="Logging.")] = Log()
    process: Annotated[Process, Meta(description="The process itself: its user, and its PID file.")] = Process()
