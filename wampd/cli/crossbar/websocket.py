"""WebSocket: serializers, options, compression, cookies → a path of a listener, and the listener's limits.

Source: ``check_websocket_options`` of Crossbar.io's ``checkconfig.py``: times are in ms. What is said of each path
there is said of a listener here; where its paths differ, the more generous value is taken.
"""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

from .document import Table, words
from .drafts import Draft
from .reading import Item
from .section import Section

SERIALIZERS = ("json", "msgpack", "cbor", "ubjson", "flatbuffers")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([a-z0-9_.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")
_COOKIE = re.compile(r"[A-Za-z0-9_.-]+")
MEBIBYTE = 1 << 20
LEAST_MESSAGE, MOST_MESSAGE = 512, 16 * MEBIBYTE

_BY_ITSELF = (
    *("enable_hybi10", "enable_rfc6455", "enable_webstatus", "validate_utf8", "mask_server_frames", "tcp_nodelay"),
    *("require_masked_client_frames", "apply_mask", "auto_fragment_size", "auto_ping_size", "fail_by_drop"),
    *(
        "echo_close_codereason",
        "require_websocket_subprotocol",
        "show_server_version",
        "max_frame_size",
        "external_port",
    ),
    *("auto_ping_restart_on_any_traffic",),
)
"""Options of how frames are sent: here they are as RFC 6455 has them, and nobody has to say it."""


def serializers(section: Section, made: Table, draft: Draft) -> None:
    """Take over which serializers are offered."""
    named = section.texts("serializers")
    known = list(dict.fromkeys(str(item.value) for item in named if item.value in SERIALIZERS))
    for item in named:
        if item.value not in SERIALIZERS:
            hint = "; the batched form is offered by itself" if str(item.value).endswith(".batched") else ""
            draft.report.note(item, f"the serializers here are {', '.join(SERIALIZERS)}{hint}")
    if known and set(known) != {"json", "msgpack", "cbor"}:
        made.put("serializers", words(known), named[0])


def websocket(section: Section, limits: Table, draft: Draft) -> tuple[Table, Table | None]:
    """Return the path that a WebSocket service becomes, and the cookie that it has if its realms take cookies."""
    made = Table()
    made.put("type", "wamp")
    serializers(section, made, draft)
    options = section.table("options")
    if options is not None:
        _origins(options, made, draft)
        _compression(options, made)
        times_and_sizes(options, limits, draft)
        options.pass_over(*_BY_ITSELF)
        options.note("there is no Flash any more", "enable_flash_policy", "flash_policy")
        options.end()
    cookie = section.table("cookie")
    if "origins" not in made and cookie is None:
        made.put("origins", words(["*"]))  # Crossbar.io's default lets pages of every origin in
    return made, None if cookie is None else _cookie(cookie, made, draft)


def _origins(options: Section, made: Table, draft: Draft) -> None:
    named = options.texts("allowed_origins")
    null = options.flag("allow_null_origin")
    kept = []
    for item in named:
        text = str(item.value)
        if text == "*" or _ORIGIN.fullmatch(text):
            kept.append(text)
        else:
            message = "write each origin out, as in https://www.example.com: scheme, host and port, without stars"
            draft.report.lost(item, message)
    if "*" in kept:
        kept = ["*"]
    if named:
        made.put("origins", words(kept or ["same-host"]), named[0])
        if null and kept != ["*"]:
            draft.report.note(
                named[0], 'pages without an origin, as those of files, connect where any may: origins: ["*"]'
            )


def _compression(options: Section, made: Table) -> None:
    compression = options.table("compression")
    if compression is None:
        return
    deflate = compression.table("deflate")
    if deflate is not None:
        settings = Table()
        bits = deflate.number("max_window_bits")
        if bits is not None and isinstance(bits.value, int):
            settings.put("window_bits", min(max(bits.value, 9), 15), bits)
        if "no_context_takeover" in deflate:
            settings.put("no_context_takeover", deflate.flag("no_context_takeover"))
        deflate.pass_over("request_no_context_takeover", "request_max_window_bits", "memory_level", "mem_level")
        deflate.end()
        made.put("compression", settings, deflate.item)
    compression.lost("the compression that browsers know is permessage-deflate", "bzip2", "snappy", "brotli")
    compression.end()


def times_and_sizes(options: Section, limits: Table, draft: Draft) -> None:
    """Take over what listeners say of all their paths."""
    _time(options, limits, draft, "open_handshake_timeout", "handshake_timeout", max)
    _time(options, limits, draft, "close_handshake_timeout", "close_timeout", max)
    _time(options, limits, draft, "auto_ping_interval", "ping_interval", min)
    _time(options, limits, draft, "auto_ping_timeout", "ping_timeout", max)
    message_size(options.number("max_message_size"), limits, draft)


def message_size(item: Item | None, limits: Table, draft: Draft) -> None:
    """Take over the size of the longest message."""
    if item is None or not isinstance(item.value, int):
        return
    size = _size(item)
    if not LEAST_MESSAGE <= size <= MOST_MESSAGE:
        draft.report.lost(item, f"a message has {LEAST_MESSAGE} bytes to 16 MiB at most; send larger ones in parts")
    size = min(max(size, LEAST_MESSAGE), MOST_MESSAGE)
    known = limits.entries.get("message_size")
    if known is None or known.origin is None or _size(known.origin) < size:
        limits.put("message_size", f"{size >> 20} MiB" if size % MEBIBYTE == 0 else size, item)


def _size(item: Item) -> int:
    return (item.value or MOST_MESSAGE) if isinstance(item.value, int) else 0  # 0 sets no limit there


def _time(
    options: Section, limits: Table, draft: Draft, there: str, here: str, generous: Callable[[float, float], float]
) -> None:
    item = options.number(there)
    if item is None or not isinstance(item.value, int):
        return
    if item.value < 0 or (item.value == 0 and here != "ping_interval"):
        if item.value < 0:
            draft.report.wrong(item, "expected milliseconds")
        else:
            draft.report.note(item, f"0 waits for ever there; here {here} has its default")
        return
    seconds = item.value / 1000
    known = limits.get(here)
    if isinstance(known, int | float):
        seconds = generous(seconds, known)
    limits.put(here, int(seconds) if seconds == int(seconds) else seconds, item)


def _cookie(cookie: Section, made: Table, draft: Draft) -> Table | None:
    settings = Table()
    name = cookie.text("name")
    if name is not None and _COOKIE.fullmatch(str(name.value)):
        settings.put_item("name", name)
    age = cookie.number("max_age")
    if age is not None and isinstance(age.value, int) and age.value > 0:
        settings.put_item("max_age", age)
    cookie.pass_over("length")  # cookies here are as long as it takes that nobody guesses them
    store = cookie.table("store")
    if store is not None and store.string("type") != "memory":
        draft.needs_store = True
        draft.report.note(store.item, "cookies are kept in wampd.sqlite; those of the old file are not taken over")
    cookie.end()
    if "origins" not in made:
        message = "the path has a cookie, so pages of this host alone connect; name others under origins"
        draft.report.note(cookie.item, message)
        return settings
    origins = made.entries["origins"].value
    if "*" in [entry.value for entry in getattr(origins, "members", ())]:
        message = "left out: any page could connect as who visits it; name the origins, and give the path cookie: {}"
        draft.report.lost(cookie.item, message)
        return None
    return settings


def path_of_url(item: Item | None) -> str:
    """The path that a WebSocket URL names; the root, if there is none."""
    return "/" if item is None else urlsplit(str(item.value)).path.rstrip("/") or "/"
