"""Services of a web transport that lead into WAMP: publisher, caller, webhook, upload.

Source: ``check_web_path_service_publisher`` and others of Crossbar.io's ``checkconfig.py``. Where an option kept
somebody away, and nothing here does, the path is left out: it would be open.
"""

from wampd.realms.uris import is_reserved, is_uri

from .document import Table, words
from .drafts import Draft, Listener, Worker
from .offers import secret_of, too_short
from .reading import Item
from .section import Section

LEAST_SECRET = 16
LEAST_HOOK_SECRET = 8


def publisher(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:
    """`type: publisher`."""
    return _signed("publish", section, listener, worker, draft)


def caller(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:
    """`type: caller`."""
    made = _signed("call", section, listener, worker, draft)
    if made is not None:
        made.put("always_200", True, None, "as clients of Crossbar.io's caller expect")
    return made


def _signed(kind: str, section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:
    made = _acting(kind, section, worker, draft)
    options = section.table("options")
    auth = section.table("auth")
    if auth is not None:
        message = "who comes in by name and password is said by access (basic: true); see docs/web.md"
        draft.report.lost(auth.item, message)
        made = None
    if options is None:
        if made is not None:
            made.put("insecure", value=True)
        return made
    keyed = _key(options, made, draft)
    if not _kept_away(options, listener, draft, signed=keyed):
        made = None
    window = options.number("timestamp_delta_limit")
    if made is not None and keyed and window is not None and isinstance(window.value, int) and window.value > 0:
        made.put_item("window", window)
    options.note("the longest body is a matter of the listener's limits: message_size", "post_body_limit")
    options.pass_over("debug")
    options.end()
    return made


def _acting(kind: str, section: Section, worker: Worker, draft: Draft) -> Table | None:
    """The realm and the role in which is acted; None, if they are not there."""
    realm, role = section.need_text("realm"), section.text("role")
    made = Table()
    made.put("type", kind)
    made.put_item("realm", realm)
    if realm is None:
        return None
    if role is None:
        if "auth" not in section:
            draft.report.lost(section.item, "nothing says in what role is acted; the path is left out")
        return None
    made.put_item("role", role)
    if str(realm.value) not in worker.realms or not draft.has_role(str(realm.value), str(role.value)):
        draft.report.lost(role, f'there is no role "{role.value}" in a realm "{realm.value}"; the path is left out')
        return None
    return made


def _key(options: Section, made: Table | None, draft: Draft) -> bool:
    """Take over the key that requests are signed with; whether there is one."""
    key, secret = options.text("key"), options.text("secret")
    if key is None or secret is None:
        if made is not None:
            made.put("insecure", value=True)
        return False
    value = secret_of(secret, draft)
    if made is not None:
        signing = Table()
        signing.put_item("key", key)
        signing.put("secret", value, secret)
        made.rows("keys").add(signing, key)
        made.put("schemes", words(["crossbar"]), None, "its clients sign the body alone; wampd's scheme covers all")
    return True


def _kept_away(options: Section, listener: Listener, draft: Draft, *, signed: bool) -> bool:
    """Whether the path may be there: nobody whom an option kept away can use it."""
    secret = options.take("secret")
    if signed and secret is not None and too_short(secret, LEAST_SECRET):
        message = f"a secret has {LEAST_SECRET} characters at least; the path is left out: give it and its clients a longer one"
        draft.report.lost(secret, message)
        return False
    tls = options.take("require_tls")
    if options.flag("require_tls") and listener.tls is None:
        assert tls is not None
        draft.report.lost(tls, "this listener has no TLS, so nobody could use the path; it is left out")
        return False
    addresses = options.take("require_ip")
    if addresses is None:
        return True
    message = "requests are not told apart by address: have a firewall or a proxy do it"
    draft.report.lost(addresses, message if signed else f"{message}; the path is left out, as it would be open")
    return signed


def webhook(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    """`type: webhook`: those of GitHub are verified, of others it has to be said how they sign."""
    made = _acting("webhook", section, worker, draft)
    options = section.table("options")
    if options is None:
        return None
    topic, secret = options.text("topic"), options.text("github_secret")
    options.lost("the answers are fixed: 200, and 403 for a bad signature", "success_response", "error_response")
    options.note("the longest body is a matter of the listener's limits: message_size", "post_body_limit")
    options.lost("GitHub signs with the secret; a token in the URL proves nothing", "github_token")
    options.pass_over("debug")
    options.end()
    if made is None or topic is None:
        return None
    if not is_uri(str(topic.value)) or is_reserved(str(topic.value)) or "{" in str(topic.value):
        draft.report.lost(topic, "no event can be published to this; the path is left out")
        return None
    if secret is None or too_short(secret, LEAST_HOOK_SECRET):
        message = "left out, as it would be open: say who signs, by provider and secrets (8 characters at least)"
        draft.report.lost(secret or section.item, message)
        return None
    made.put("provider", "github")
    made.rows("secrets").add(secret_of(secret, draft), secret)
    made.put_item("topic", topic)
    draft.report.note(section.item, "the event is another: its argument is the body, JSON as it came")
    return made


def upload(section: Section, listener: Listener, worker: Worker, draft: Draft) -> Table | None:  # noqa: ARG001
    """`type: upload`: whole files here, by PUT or by a form."""
    directory, fields, options = section.need_text("directory"), section.table("form_fields"), section.table("options")
    realm, role = section.text("realm"), section.text("role")
    section.pass_over("temp_directory")
    if directory is None:
        return None
    made = Table()
    made.put("type", "upload")
    made.put("directory", draft.path(str(directory.value)), directory)
    if fields is not None:
        _progress(fields, made, realm, role, draft)
    if options is not None:
        _upload_options(options, made, draft)
    made.put("insecure", True, None, "anybody may upload, as there; give it access instead")
    message = "clients that send files in chunks, by a form of their own, have to send them whole: docs/web.md"
    draft.report.lost(section.item, message)
    return made


def _progress(fields: Section, made: Table, realm: Item | None, role: Item | None, draft: Draft) -> None:
    topic = fields.text("on_progress")
    fields.pass_over("file_name", "mime_type", "total_size", "chunk_number", "chunk_size", "total_chunks", "content")
    fields.note("names of events' details are fixed: docs/web.md", "session", "chunk_extra", "finish_extra")
    fields.end()
    if topic is None or realm is None or role is None:
        return
    if not draft.has_role(str(realm.value), str(role.value)) or not is_uri(str(topic.value)):
        draft.report.lost(topic, "nobody is told of uploads: there is no such topic, realm or role")
        return
    events = made.table("events")
    events.put_item("realm", realm)
    events.put_item("topic", topic)
    events.put_item("role", role)


def _upload_options(options: Section, made: Table, draft: Draft) -> None:
    size = options.number("max_file_size")
    if size is not None and isinstance(size.value, int) and size.value > 0:
        made.put_item("size", size)
    types = options.texts("file_types")
    if types and all("/" in str(item.value) for item in types):
        made.put("types", words([str(item.value).lower() for item in types]), types[0])
    elif types:
        draft.report.lost(types[0], "files are told apart by their types, such as image/*: give types")
    options.note("files are for the router's user alone; its umask decides", "file_permissions", "chunk_extra")
    options.end()
