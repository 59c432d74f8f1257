"""``permissions`` of a role → its rules.

The rules of Crossbar.io's ``RouterPermissions.from_dict``: with ``match`` the text of ``uri`` is what it is; without,
a star at the end makes a prefix of it, a star between dots a wildcard, and what has no star is exact. Files of
version 1 have no ``allow``: ``call: true`` stands beside ``uri``. Of two rules for the same the later one counts.
What a role may, and ``disclose`` says, is said for calls and publications apart; here it is one word of a rule.
"""

from typing import Literal

from wampd.realms.uris import is_uri

from .document import Rows, Table, words
from .drafts import Draft, Realm
from .reading import Item
from .section import Section, choice

ACTIONS = ("call", "register", "publish", "subscribe")
Match = Literal["exact", "prefix", "wildcard"]


def rules_of(role: Section, made: Realm, draft: Draft) -> tuple[Rows, Item | None]:
    """Return the rules of a role, and the last of those for everything that lets call or subscribe."""
    found: dict[tuple[str, str], tuple[Table, Item]] = {}
    for section in role.tables("permissions"):
        rule = _rule(section, made, draft)
        if rule is None:
            continue
        key = (str(rule.get("uri")), str(rule.get("match") or "exact"))
        if key in found:
            draft.report.note(found.pop(key)[1], "another rule for the same comes later, and counts")
        found[key] = rule, section.item
    rows = Rows()
    for_all = None
    for (uri, match), (rule, item) in found.items():
        rows.add(rule, item)
        allowed = rule.get("allow")
        names = {entry.value for entry in allowed.members} if isinstance(allowed, Rows) else set()
        if uri == "" and match == "prefix" and names & {"call", "subscribe"}:
            for_all = item
    if any(uri == "wamp." and match == "prefix" for uri, match in found):
        for_all = None
    return rows, for_all


def _rule(section: Section, made: Realm, draft: Draft) -> Table | None:
    uri = section.need_text("uri")
    written = choice(section.text("match"), ("exact", "prefix", "wildcard"), draft.report)
    section.pass_over("cache", "id")  # nothing has to be told to be remembered
    allowed = _allowed(section)
    disclose = _disclose(section, allowed, draft)
    section.end()
    if uri is None:
        return None
    text, match = (str(uri.value), written) if written else starred(str(uri.value))
    if fault := _fault(text, match, made, written=written is not None):
        draft.report.lost(uri, fault)
        return None
    rule = Table()
    rule.put("uri", text, uri)
    if match != "exact":
        rule.put("match", match)
    rule.put("allow", words(allowed))
    if disclose:
        rule.put("disclose", disclose)
    return rule


def starred(uri: str) -> tuple[str, str]:
    """Return the URI and the match policy that a text with stars in it stands for."""
    if "*" not in uri:
        return uri, "exact"
    return (uri[:-1], "prefix") if uri.index("*") == len(uri) - 1 else (uri.replace("*", ""), "wildcard")


def _allowed(section: Section) -> list[str]:
    allow = section.table("allow")
    source = section if allow is None else allow
    allowed = [action for action in ACTIONS if source.flag(action)]
    if allow is not None:
        allow.end()
    return allowed


def _disclose(section: Section, allowed: list[str], draft: Draft) -> str | None:
    disclose = section.table("disclose")
    if disclose is None:
        return None
    by_action = {"call": disclose.flag("caller"), "publish": disclose.flag("publisher")}
    disclose.end()
    said = {by_action[action] for action in by_action if action in allowed}
    if said == {True}:
        return "always"
    if len(said) == 2:
        message = (
            "callers and publishers are disclosed alike; here those who ask for it are (or write disclose: always)"
        )
        draft.report.lost(disclose.item, message)
    return None


def _fault(uri: str, match: str, made: Realm, *, written: bool) -> str | None:
    """Why there can be no rule for this; None if there can."""
    if written and (uri == "*" or uri.endswith(".*")):
        return 'with "match" a star is a star: no client uses such a URI, so the rule has never matched'
    if match == "exact" and (not uri or uri.endswith(".")):
        return "no client uses such a URI, so the rule has never matched"
    if match == "prefix" and (uri.startswith(".") or ".." in uri):
        return "no URI begins so, so the rule has never matched"
    if "{" in uri or "}" in uri:
        return "braces in a rule stand for who asks here: {authid}, {session}; rename what has them in its URI"
    if not is_uri(uri, made.uri_check, match):  # type: ignore[arg-type]
        return f"this is no URI (match: {match}, uri_check: {made.uri_check}); the rule is left out"
    return None
