"""Settings of the log: what is in it, and what its lines look like."""

from typing import Annotated, Literal

from msgspec import Meta

from .parts import Count, LogLevel, Part

LogFormat = Literal["auto", "text", "json", "journald"]


class LogLevels(Part, frozen=True, kw_only=True):
    """Levels of single subsystems of the router; `null`: `level`, as for all others."""

    router: Annotated[
        LogLevel | None, Meta(description="Start, stop, listeners, and all that is named nowhere else.")
    ] = None
    sessions: Annotated[
        LogLevel | None,
        Meta(description="Who joined, who left and why, who was sent away, slow consumers, realms on demand."),
    ] = None
    auth: Annotated[
        LogLevel | None,
        Meta(description="Who was not let in, what was denied; authenticators, authorizers, keys, cookies."),
    ] = None
    transports: Annotated[LogLevel | None, Meta(description="Connections, their handshakes, TLS.")] = None
    http: Annotated[LogLevel | None, Meta(description="The web server, the access log among it.")] = None
    outgoing: Annotated[LogLevel | None, Meta(description="Requests of the router's to others.")] = None
    hooks: Annotated[LogLevel | None, Meta(description="Webhooks.")] = None
    hosting: Annotated[LogLevel | None, Meta(description="Components and what they print.")] = None
    store: Annotated[LogLevel | None, Meta(description="The database, and files of principals.")] = None
    limits: Annotated[LogLevel | None, Meta(description="What struck which limit.")] = None
    control: Annotated[LogLevel | None, Meta(description="What operators ask for.")] = None
    twisted: Annotated[
        LogLevel | None,
        Meta(
            description="Twisted and other libraries; where `level` is `info`, theirs is `warn` unless it is given here."
        ),
    ] = None


class Log(Part, frozen=True, kw_only=True):
    """What the router logs, on standard error or to the journal of systemd."""

    level: Annotated[LogLevel, Meta(description="The least level that is logged.")] = "info"
    levels: Annotated[LogLevels, Meta(description="Subsystems that have a level of their own.")] = LogLevels()
    format: Annotated[
        LogFormat,
        Meta(
            description="`text` for people, `json` (one object a line) for machines, `journald` for the journal of systemd;"
            " `auto`: `journald` if standard error is the journal, else `text`."
        ),
    ] = "auto"
    burst: Annotated[
        Count | None,
        Meta(
            description="Lines of one kind in one second; how many more there were is said in one line, every ten seconds."
            " `null`: every line is logged."
        ),
    ] = 250
