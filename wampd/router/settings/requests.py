"""Settings of a realm's procedures that are HTTP requests, and of topics that are forwarded to URLs."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta

from wampd.realms.options import Match

from .parts import KIB, MIB, Bytes, Count, Name, Part, Seconds, Text
from .secret import Secret

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class HttpCallee(Part, frozen=True, kw_only=True):
    """A procedure that is an HTTP request: it is registered as long as the router runs.

    `url` may go anywhere, this machine included: nothing that a caller says changes scheme, host and port of it. Arguments that
    have no place in `url`, `query` and `headers` are the body, or else refused.
    """

    procedure: Annotated[Name, Meta(description="Its URI, or a pattern.")]
    match: Annotated[Match, Meta(description="How `procedure` matches.")] = "exact"
    invoke: Annotated[
        Literal["single", "first", "last", "roundrobin", "random", "load"],
        Meta(description="Which of several callees gets a call, if others register the procedure, too."),
    ] = "single"
    role: Annotated[
        Name | None,
        Meta(description="The role in which it is registered. `null`: that of the router, which may do everything."),
    ] = None
    method: Annotated[Method, Meta(description="The method of the request.")] = "GET"
    url: Annotated[
        Name | None,
        Meta(
            description="The URL. `{name}` in its path is a keyword argument, `{0}` a positional one; at its end"
            " `{?name,list*}` are parameters, `{&name}` after others."
        ),
    ] = None
    base: Annotated[
        Name | None,
        Meta(
            description="In place of `url`: callers say with the keyword arguments `method`, `url`, `params`, `headers` and"
            " `body` what to request below this URL, and get `code`, `headers` and `content`, as of Crossbar.io's REST callee."
        ),
    ] = None
    methods: Annotated[
        tuple[Method, ...], Meta(min_length=1, description="With `base`: the methods that callers may use.")
    ] = ("GET", "HEAD")
    caller_headers: Annotated[
        tuple[Name, ...], Meta(description="With `base`: the request headers that callers may set.")
    ] = ()
    query: Annotated[
        Mapping[str, Text],
        Meta(description="More parameters; `{name}` stands for an argument, and is left out where that is missing."),
    ] = {}
    headers: Annotated[
        Mapping[str, Text], Meta(description="Headers of the request; `{name}` stands for an argument.")
    ] = {}
    secret_headers: Annotated[
        Mapping[str, Secret],
        Meta(description="Headers of the request that nobody may see, as `Authorization: {file: token}`."),
    ] = {}
    body: Annotated[
        Literal["none", "json", "form", "argument"] | None,
        Meta(
            description="What is sent of the arguments without a place: nothing, a JSON object or a form of the keyword"
            " arguments, or the one positional `argument` as JSON. `null`: `json` for POST, PUT and PATCH, else `none`."
        ),
    ] = None
    result: Annotated[
        Name,
        Meta(
            description="`body`: what the answer holds is the result, JSON as it is. `response`: the keyword arguments"
            " `status`, `headers` and `body`. Or a JSON pointer to a part of the body: `/data/0/name`."
        ),
    ] = "body"
    errors: Annotated[
        Mapping[str, Name],
        Meta(
            description='URIs of ERRORs for statuses, in place of `wampd.error.http.404`: `"404": com.example.no_user`.'
        ),
    ] = {}
    timeout: Annotated[Seconds, Meta(description="How long the request may take.")] = 10.0
    answer_size: Annotated[Bytes, Meta(ge=KIB, le=8 * MIB, description="Largest body of an answer.")] = MIB
    redirects: Annotated[
        int,
        Meta(
            ge=0, le=10, description="Redirections that are followed, to where `outgoing` allows; the next is an ERROR."
        ),
    ] = 0
    concurrency: Annotated[Count, Meta(description="Requests at once; more calls wait.")] = 16


class Forward(Part, frozen=True, kw_only=True):
    """A topic whose events are sent to a URL as they come, in order. `url` may go anywhere, this machine included.

    What cannot be sent waits in memory and is tried again; it is gone when the router stops. Webhooks (`hooks`) are kept.
    """

    topic: Annotated[Name, Meta(description="The topic, or a pattern.")]
    match: Annotated[Match, Meta(description="How `topic` matches.")] = "exact"
    role: Annotated[
        Name | None,
        Meta(description="The role in which it is subscribed to. `null`: that of the router, which may do everything."),
    ] = None
    url: Annotated[Name, Meta(description="The URL.")]
    method: Annotated[Literal["POST", "PUT", "PATCH"], Meta(description="The method of the requests.")] = "POST"
    headers: Annotated[Mapping[str, Text], Meta(description="Headers of the requests.")] = {}
    secret_headers: Annotated[
        Mapping[str, Secret],
        Meta(description="Headers of the requests that nobody may see, as `Authorization: {file: token}`."),
    ] = {}
    body: Annotated[
        Literal["event", "args", "kwargs", "argument"],
        Meta(
            description="What is sent as JSON: the `event` with `topic`, `publication`, `time`, `args`, `kwargs` and `details`;"
            " its `args` alone, its `kwargs`, or the first `argument`."
        ),
    ] = "event"
    template: Annotated[
        Name | None,
        Meta(
            description="In place of `body`: a Jinja2 template of it, with `topic`, `publication`, `time`, `args`, `kwargs` and"
            " `details`."
        ),
    ] = None
    content_type: Annotated[Name, Meta(description="What the body is said to be.")] = "application/json"
    secret: Annotated[
        Secret | None,
        Meta(
            description="Sign the requests as Standard Webhooks has it (`webhook-id`, `webhook-timestamp`,"
            " `webhook-signature`): `whsec_` and the base64 of 24 to 64 bytes."
        ),
    ] = None
    timeout: Annotated[Seconds, Meta(description="How long a request may take.")] = 10.0
    tries: Annotated[Count, Meta(description="How often an event is tried until it is given up.")] = 6
    pause: Annotated[Seconds, Meta(description="Time until the second try; then twice as long each time.")] = 1.0
    longest_pause: Annotated[Seconds, Meta(description="Longest time between two tries.")] = 60.0
    queue: Annotated[Count, Meta(description="Events that wait; of more the oldest are dropped.")] = 1_000
    queue_size: Annotated[Bytes, Meta(ge=64 * KIB, description="Bytes that they may take.")] = 16 * MIB
    concurrency: Annotated[
        Count, Meta(description="Requests at once. More than one do not keep the order of the events.")
    ] = 1
