"""``realms`` of a router worker: names, roles, options, stores → realms of wampd.

Sources: ``check_router_realm`` and ``check_router_realm_role`` of Crossbar.io's ``checkconfig.py``, its documentation
of realms and event history. A rule for everything (``uri: ""``, prefix) reaches the meta API there; here that takes a
rule that names ``wamp.``, which is written where the original shows that it is wanted, and else proposed in a
comment.
"""

from wampd.realms.uris import is_uri

from .document import Table, came_from, table, words
from .drafts import Draft, Realm
from .reading import Item
from .rules import rules_of
from .section import Section, choice

_STORE_LIMIT = 100
"""Events of a topic that a store of Crossbar.io keeps if nothing else is said."""
_MOST_EVENTS = 100_000
_META_RULE = "- {uri: wamp., match: prefix, allow: [call, subscribe]}"


def realm(section: Section, draft: Draft) -> str | None:
    """Add a realm to the draft; return its name, or None if it cannot be."""
    item = section.need_text("name")
    name = None if item is None else str(item.value)
    options = section.table("options")
    store = section.table("store")
    roles = section.tables("roles")
    section.pass_over("id")
    section.lost("one router has no links to others: let clients join both", "rlinks")
    section.end()
    if item is None or name is None:
        return None
    if not is_uri(name):
        draft.report.lost(item, "no realm can have this name: it is no URI; give it another, here and in its clients")
        return None
    made = draft.realms.get(name)
    if made is None:
        made = draft.realms[name] = Realm(name, section.item)
    else:
        message = (
            f"the realm is there already, from {came_from(made.item)}; one process has one realm of a name, so the sessions of"
            " both meet. Rename one, here and in its clients, if they must not"
        )
        draft.report.lost(item, message)
    if options is not None:
        _options(options, made, draft)
    for role in roles:
        _role(role, made, draft)
    while _without_authorizer(made, draft):
        pass
    if store is not None:
        _store(store, made, draft)
    return name


def _without_authorizer(made: Realm, draft: Draft) -> bool:
    """Leave out an authorizer that nobody can be; whether there was one. It may have let others be registered."""
    for role in made.roles.values():
        entry = role.entries.get("authorizer")
        if entry is None or not isinstance(entry.value, Table) or entry.origin is None:
            continue
        if not draft.can_be_registered(made.name, str(entry.value.get("procedure"))):
            message = f"no role of the realm {made.name} may register it, so it allows nothing; it is left out"
            draft.report.lost(entry.origin, message)
            del role.entries["authorizer"]
            return True
    return False


def _options(options: Section, made: Realm, draft: Draft) -> None:
    check = options.text("uri_check")
    known = choice(check, ("loose", "strict"), draft.report)
    if check is not None and known == "strict":
        if is_uri(made.name, "strict"):
            made.uri_check = "strict"
            made.options.put_item("uri_check", check)
        else:
            draft.report.lost(
                check, f'strict URIs have no capitals and dashes, but "{made.name}" has; the check is loose'
            )
    if (meta := options.take("enable_meta_api")) is not None:
        made.with_meta_api = options.flag("enable_meta_api")
        if meta.value is False:
            draft.report.note(meta, "who may use the meta API is a matter of rules for wamp.; none are written")
    options.note("nothing is bridged: each realm has its meta API", "bridge_meta_api")
    options.note("events are sent in slices of time by themselves", "event_dispatching_chunk_size")
    options.end()


def _role(section: Section, made: Realm, draft: Draft) -> None:
    name = section.need_text("name")
    authorizer = section.text("authorizer")
    rules, rules_for_all = rules_of(section, made, draft)
    section.pass_over("id")
    section.end()
    if name is None:
        return
    if name.value == "":
        draft.report.wrong(name, "the name of a role must not be empty")
        return
    role = Table()
    role.put_item("name", name)
    if authorizer is not None:
        asked = table({"procedure": str(authorizer.value), "ttl": 0})
        role.put("authorizer", asked, authorizer, "ttl: 0 asks each time, as there; 60 (the default) asks less")
    if rules:
        role.put("permissions", rules)
        if rules_for_all is not None:
            _meta_api(role, rules_for_all, made, draft)
    _add_role(role, name, made, draft, section.item)


def _meta_api(role: Table, rule: Item, made: Realm, draft: Draft) -> None:
    """Say of a rule for everything that it does not reach ``wamp.`` here; grant that if the original names it."""
    permissions = role.rows("permissions")
    if made.with_meta_api:
        granted = Table()
        granted.put("uri", "wamp.")
        granted.put("match", "prefix")
        granted.put("allow", words(["call", "subscribe"]))
        permissions.add(granted, rule, "enable_meta_api")
    else:
        permissions.tail = ["The meta API is not part of a rule for everything. If clients use it:", _META_RULE]
        draft.report.note(
            rule, "does not reach the meta API (wamp.*) here: if clients use it, use the rule that is proposed"
        )


def _add_role(role: Table, name: Item, made: Realm, draft: Draft, item: Item) -> None:
    text = str(name.value)
    known = made.roles.get(text)
    if known is None:
        made.roles[text] = role
        role.entries["name"].comment = ()
        role.entries["name"].origin = item
    elif known != role:
        draft.report.lost(item, f'the role "{text}" is there already with other permissions; those are kept')


def _store(store: Section, made: Realm, draft: Draft) -> None:
    kind = store.string("type", "memory")
    if kind != "memory":
        draft.report.lost(store.item, "event history is kept in memory, and gone when the router stops", "type")
    store.note("what events are kept is in memory", "path", "max-buffer", "buffer-flush", "maxsize", "readonly", "sync")
    store.note("calls wait for a callee that is busy by themselves: see waiting_calls of the limits", "call-queue")
    general = store.number("limit")
    for topic in store.tables("event-history"):
        _history(topic, made, draft, general)
    store.end()


def _history(topic: Section, made: Realm, draft: Draft, general: Item | None) -> None:
    uri = topic.need_text("uri")
    match = choice(topic.text("match"), ("exact", "prefix", "wildcard"), draft.report) or "exact"
    limit = topic.number("limit") or general
    topic.end()
    if uri is None:
        return
    if not is_uri(str(uri.value), made.uri_check, match):  # type: ignore[arg-type]  # it is one of the three
        draft.report.lost(uri, f"no topic can have this name (match: {match}); it has no history")
        return
    events = _STORE_LIMIT if limit is None else int(str(limit.value))
    if not 1 <= events <= _MOST_EVENTS:
        draft.report.lost(limit or uri, f"1 to {_MOST_EVENTS} events of a topic can be kept")
        events = min(max(events, 1), _MOST_EVENTS)
    rule = Table()
    rule.put("uri", str(uri.value))
    if match != "exact":
        rule.put("match", match)
    rule.put("events", events)
    rows = made.more.rows("history")
    if any(isinstance(each.value, Table) and _same(each.value, rule) for each in rows.members):
        draft.report.lost(topic.item, "the history of this is there already")
        return
    rows.add(rule, topic.item)


def _same(one: Table, other: Table) -> bool:
    return (one.get("uri"), one.get("match")) == (other.get("uri"), other.get("match"))
