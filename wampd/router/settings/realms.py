"""Settings of a realm: who may join, and what they may do."""

from typing import Annotated, Literal

from msgspec import Meta

from wampd.realms.calls import Forward as Forwarding
from wampd.realms.grants import Action, Disclosure
from wampd.realms.options import Match
from wampd.realms.uris import UriCheck

from .auth import Auth
from .events import History, Retention
from .hooks import Hooks
from .limits import RealmLimits, RoleLimits, RuleLimits
from .monitor import Monitor
from .parts import Count, Name, Part, Seconds, SecondsOrOff, SlowConsumer, TrustLevel
from .requests import Forward, HttpCallee


class Permission(Part, frozen=True, kw_only=True):
    """A rule of a role: what its sessions may do with the URIs that it matches.

    The most specific rule that matches decides alone: an exact one before a prefix, a longer prefix before a shorter
    one, a prefix before a wildcard. What it does not name is refused, and so is what no rule matches. `wamp.*` and
    `wampd.*` are granted only by rules that name them, as `uri: wamp.` with `match: prefix` does; an empty prefix or
    component does not reach them, and `wamp.` not what is for `privileged` roles.
    A pattern is granted if one rule grants all that it matches, and no better rule refuses a part of it.
    """

    uri: Annotated[
        str,
        Meta(
            description="The URI, the beginning of URIs (`prefix`), or a URI with empty components (`wildcard`). The"
            ' components `{authid}` and `{session}` stand for those of the session: `"com.user.{authid}."`. An authid that'
            " is not one component of a URI cannot join in a role with such a rule."
        ),
    ]
    match: Annotated[
        Match,
        Meta(
            description="How `uri` matches. A `prefix` is a string prefix: `com.example` also matches `com.examples`;"
            " so end it with a dot. An `exact` rule allows no pattern registration or subscription on its URI."
        ),
    ] = "exact"
    allow: Annotated[
        frozenset[Action] | None,
        Meta(
            description="What is allowed; an empty list allows nothing. `force_reregister` allows who may `register`"
            " to do so in the place of others, who lose their registration. A rule has `allow`, `deny` or both."
        ),
    ] = None
    deny: Annotated[
        frozenset[Action],
        Meta(
            description="What is refused for good: whoever else may know of permissions is not asked. What a rule neither"
            " allows nor denies is refused, too, if nobody is asked."
        ),
    ] = frozenset()
    disclose: Annotated[
        Disclosure,
        Meta(
            description="Whether callees and subscribers learn who calls and publishes: `never` (a request to be"
            " disclosed is refused), `on_request` of the caller or publisher, or `always`."
        ),
    ] = "on_request"
    trustlevel: Annotated[
        TrustLevel | None,
        Meta(
            description="The trust level that callees and subscribers are told of calls and publications under this"
            " rule. `null`: that of the role."
        ),
    ] = None
    limits: Annotated[RuleLimits, Meta(description="How much each session may call and publish by this rule.")] = (
        RuleLimits()
    )


class Authorizer(Part, frozen=True, kw_only=True):
    """A procedure that decides about what the rules of a role say nothing of.

    It is called with the session's details, the URI, the action and options, and answers `true`, `false`, or a dictionary
    with `allow`. What a rule allows or denies it is not asked about, nor about `wamp.*` and `wampd.*`. If it is missing,
    slow or broken, nothing is allowed: `wamp.error.authorization_failed`.
    """

    procedure: Annotated[Name, Meta(description="Its URI.")]
    realm: Annotated[
        Name | None, Meta(description="The realm in which it is registered; `null`: that of the session.")
    ] = None
    timeout: Annotated[Seconds, Meta(description="How long it may take; what the session says meanwhile waits.")] = 5.0
    ttl: Annotated[
        SecondsOrOff,
        Meta(
            description="How long an answer is remembered for the principal, unless the answer says not to; 0: never."
        ),
    ] = 60.0


class Role(Part, frozen=True, kw_only=True):
    """A role: what a session may do once it is authenticated."""

    name: Annotated[Name, Meta(description="Its name, the `authrole` of its sessions; unique in the realm.")]
    permissions: Annotated[tuple[Permission, ...], Meta(description="Its rules; their order does not matter.")] = ()
    trustlevel: Annotated[
        TrustLevel | None,
        Meta(
            description="The trust level that callees and subscribers are told of calls and publications of its"
            " sessions; 0 is the least. What clients say of it does not count. `null`: nothing is told."
        ),
    ] = None
    authorizer: Annotated[
        Authorizer | None, Meta(description="What decides where no rule does; `null`: what no rule allows is refused.")
    ] = None
    privileged: Annotated[
        bool,
        Meta(
            description="Whether its rules for `wamp.` and `wampd.` also are for the procedures that change what is others':"
            " sending sessions away (`wamp.session.kill`, …, `wampd.monitor.kill`), `wamp.registration.remove_callee` and"
            " `wamp.subscription.remove_subscriber`. Otherwise only rules reach them whose `uri` begins with their name."
            " And whether its sessions may manage the webhooks of all."
        ),
    ] = False
    limits: Annotated[
        RoleLimits, Meta(description="What its sessions may hold and do, where that is not what the realm says.")
    ] = RoleLimits()


class OnDemand(Part, frozen=True, kw_only=True):
    """When realms of a template come and go.

    A realm is opened when the first session joins it that has authenticated and may open it, and closed when the last
    session has left and nothing is kept in it. A client that is not let in neither makes a realm nor learns of one.
    """

    realms: Annotated[Count, Meta(description="Realms of the template at once.")] = 1_000
    opened_by: Annotated[
        tuple[Name, ...] | None,
        Meta(description="The roles that may open a realm; others only join one that is open. `null`: all roles."),
    ] = None
    keep: Annotated[
        Seconds,
        Meta(
            description="How long a realm without sessions stays at most for the sake of retained events and event"
            " history, which go with it."
        ),
    ] = 3600.0


class CallTimeout(Part, frozen=True, kw_only=True):
    """How long calls may take: until their answer, or, where they are answered in parts, until the next part.

    A call whose time is up ends with `wamp.error.timeout`, and its callee is interrupted if it can be.
    """

    default: Annotated[
        SecondsOrOff, Meta(description="For calls that ask for no timeout; 0: they may take as long as they like.")
    ] = 0.0
    maximum: Annotated[
        SecondsOrOff,
        Meta(description="The most for any call, whatever it asks for, and if it asks for nothing; 0: no limit."),
    ] = 0.0
    forward: Annotated[
        Forwarding,
        Meta(
            description="Who watches the time of a callee that announced `call_timeout`: the callee itself if it"
            " registered with `forward_timeout` (`requested`), always the router (`never`), or always the callee"
            " (`always`)."
        ),
    ] = "requested"


class Realm(Part, frozen=True, kw_only=True):
    """A realm: a routing namespace of its own; sessions of different realms never meet.

    With `match: prefix` or `match: wildcard` it is a template: it stands for all realms whose names match, which are
    opened on demand. For a name that several match, the exact one counts, else the longest prefix, else the wildcard
    with the longest runs of names from the left. Who may join one realm of a template may join every one.
    """

    name: Annotated[
        Name, Meta(description="Its URI, which clients join, or a pattern of such URIs; unique with its `match`.")
    ]
    match: Annotated[
        Match,
        Meta(
            description="`exact`: the realm of this name, open as long as the router runs. `prefix`, `wildcard`: a"
            " template for realms whose names begin with `name`, or have its components, the empty ones being any."
        ),
    ] = "exact"
    on_demand: Annotated[OnDemand, Meta(description="When realms of a template come and go.")] = OnDemand()
    uri_check: Annotated[
        UriCheck,
        Meta(
            description="`loose`: components are not empty and hold no whitespace and no `#`. `strict`: components are"
            " made of `0-9`, `a-z` and `_` only."
        ),
    ] = "loose"
    strict_request_ids: Annotated[
        bool, Meta(description="End sessions whose request ids do not count 1, 2, 3, …; many clients do not.")
    ] = False
    check_roles: Annotated[
        bool,
        Meta(
            description="End sessions that send what belongs to a role that they did not announce in HELLO, such as"
            " `PUBLISH` without `publisher`. With `false` they are served as clients that announced the role and no feature."
        ),
    ] = True
    lenient_progress: Annotated[
        bool,
        Meta(
            description="Let callees answer in parts that announced progressive results, but not that their work can be"
            " interrupted. WAMP asks for both; client libraries in JavaScript announce only the one."
        ),
    ] = False
    denial: Annotated[
        Literal["not_authorized", "authorization_denied"],
        Meta(
            description="The last part of the URI of the ERROR for what no rule allows: WAMP's Basic Profile says"
            " `wamp.error.not_authorized`, its Advanced Profile `wamp.error.authorization_denied`."
        ),
    ] = "not_authorized"
    roles: Annotated[tuple[Role, ...], Meta(min_length=1, description="The roles that its sessions can have.")]
    auth: Annotated[Auth, Meta(description="How sessions authenticate.")]
    slow_consumer: Annotated[
        SlowConsumer,
        Meta(
            description="What happens to a subscriber that does not read as fast as events come: `disconnect` it when"
            " its send queue is full, or `drop` its events while it is."
        ),
    ] = "disconnect"
    retention: Annotated[
        Retention, Meta(description="How retained events are kept; how many is a matter of `limits`.")
    ] = Retention()
    history: Annotated[
        tuple[History, ...], Meta(description="The topics and patterns whose events can be asked for afterwards.")
    ] = ()
    limits: Annotated[
        RealmLimits, Meta(description="What each session may hold and do, and the realm of all together.")
    ] = RealmLimits()
    call_timeout: Annotated[CallTimeout, Meta(description="How long calls may take.")] = CallTimeout()
    hooks: Annotated[
        Hooks | None, Meta(description="Serve a registry of webhooks; `{}` does so with the defaults.")
    ] = None
    monitor: Annotated[
        Monitor | None,
        Meta(
            description="Serve the procedures `wampd.monitor.*`, `{}` for this realm; only realms that are always there"
            " (`match: exact`) can have them."
        ),
    ] = None
    http_callees: Annotated[
        tuple[HttpCallee, ...], Meta(description="Procedures that are HTTP requests. For `match: exact` alone.")
    ] = ()
    forwards: Annotated[
        tuple[Forward, ...], Meta(description="Topics whose events are sent to URLs. For `match: exact` alone.")
    ] = ()
