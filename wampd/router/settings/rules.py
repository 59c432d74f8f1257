"""What types cannot say: rules between keys, and between the configuration and the machine.

Each rule is a function of one struct; :data:`RULES` names them all. A key that did not fit its type has its default
here, so a rule that depends on several keys first asks whether they are sound.
"""

import os
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

from wampd.auth.placeholders import PLACEHOLDERS, fill, misplaced, unknown
from wampd.realms.grants import Action
from wampd.realms.uris import is_uri

from . import endpoints
from .access_rules import access_of_settings
from .auth_rules import AUTH_RULES, roles_exist
from .authenticators import authenticators_are_there
from .checker import Here, Rule, repeated
from .component_rules import COMPONENT_RULES, components_of_settings
from .control import CONTROL_REALM
from .cookie_rules import COOKIE_RULES, cookies_of_listener, cookies_of_settings
from .dashboard_rules import dashboards_of_listener, dashboards_of_settings
from .events import History
from .hook_rules import HOOK_RULES, hooks_can_be
from .key_rules import bindings_can_be, certificates_are_asked_for
from .listeners import (
    KeyPair,
    Listener,
    Tls,
    TransportLimits,
    sites,
)
from .model import FailedJoins, ProcessLimits, Settings, Store
from .object_rules import uploads_of_settings
from .openapi_rules import documents_of_listener
from .outgoing_rules import OUTGOING_RULES
from .path_rules import PATH_RULES
from .principals import files_are_sound, fitting_principals
from .problems import did_you_mean, quote, quote_file
from .process import Process, process_rules
from .proxy_rules import PROXY_RULES, proxies_of_listener
from .realms import OnDemand, Permission, Realm, Role
from .request_rules import REQUEST_RULES, requests_of_realm
from .right_rules import rights_of_settings
from .site_rules import SITE_RULES, sites_of_listener
from .values import no_directory, others_can_read

_LIMITED: Mapping[str, frozenset[Action]] = {
    "payload_size": frozenset({"call", "publish"}),
    "call_rate": frozenset({"call"}),
    "publication_rate": frozenset({"publish"}),
}
"""The actions that each limit of a rule is about."""


# --- realms ---


def _permission(permission: Permission, here: Here) -> None:
    _actions(permission, here)
    _limits_of_rule(permission, here)
    _told_by_rule(permission, here)
    if not here.is_sound("match"):
        return
    uri = permission.uri
    if word := unknown(uri):
        hint = did_you_mean(word, PLACEHOLDERS)
        here.problem(f"unknown placeholder {quote(word)}{hint}", "uri")
    elif fault := misplaced(uri, permission.match):
        here.problem(fault, "uri")
    elif permission.match == "exact" and uri.endswith("."):
        here.problem(f'{quote(uri)} ends with a dot; with "match: prefix" it stands for all that begins with it', "uri")
    elif uri == "*" or uri.endswith(".*"):
        here.problem(f'"*" has no meaning here; write {quote(uri[:-1])} with "match: prefix"', "uri")
    elif permission.match == "prefix" and (uri.startswith(".") or ".." in uri):
        here.problem(f"no URI can begin with {quote(uri)}: its components are not empty", "uri")


def _actions(permission: Permission, here: Here) -> None:
    if not here.is_sound("allow") or not here.is_sound("deny"):
        return
    if permission.allow is None and not permission.deny:
        here.problem("the rule says nothing: give it allow or deny", "allow")
    both = sorted(permission.deny & (permission.allow or frozenset()))
    if both:
        here.problem(f"the rule allows this as well: {', '.join(both)}", "deny")


def _limits_of_rule(permission: Permission, here: Here) -> None:
    """See that a limit is of something that the rule allows."""
    allowed = permission.allow or frozenset()
    for key, actions in _LIMITED.items():
        if getattr(permission.limits, key) is not None and not allowed & actions and here.is_sound("allow"):
            doing = " or ".join(sorted(actions))
            here.problem(f"the rule does not allow {doing}, so nothing is limited", "limits", key)


def _told_by_rule(permission: Permission, here: Here) -> None:
    """See that what others are told is of calls and publications: who offers or listens is not told by a rule of its own."""
    if not here.is_sound("allow") or (permission.allow or frozenset()) & {"call", "publish"}:
        return
    message = "the rule allows neither call nor publish: this is for the rule of those who call and publish"
    for key, is_given in (
        ("disclose", permission.disclose != "on_request"),
        ("trustlevel", permission.trustlevel is not None),
    ):
        if is_given and here.is_sound(key):
            here.problem(message, key)


_ANYBODY = dict.fromkeys(PLACEHOLDERS.values(), "a")


def _role(role: Role, here: Here) -> None:
    rules = here.each(role.permissions, "permissions")
    keys = ((i, (rule.uri, rule.match)) for i, rule in rules if here.is_sound("permissions", i, "match"))
    for index, (uri, match) in repeated(keys):
        here.problem(f"there is another rule for {quote(uri)} with match: {match}", "permissions", index)


def _realm(realm: Realm, here: Here) -> None:
    if here.is_sound("uri_check") and here.is_sound("match"):
        _name(realm, here)
        _uris(realm, here)
        _history(realm, here)
    _on_demand(realm, here)
    if realm.monitor is not None and realm.match != "exact" and here.is_sound("match"):
        here.problem('only realms that are always there ("match: exact") can have this', "monitor")
    for index, name in repeated((i, role.name) for i, role in here.each(realm.roles, "roles")):
        here.problem(f"there is another role {quote(name)}", "roles", index, "name")
    roles_exist(realm, here)
    requests_of_realm(realm, here)
    fitting_principals(realm.auth.principals, realm, here, "auth", "principals")
    files_are_sound(realm, here)


def _name(realm: Realm, here: Here) -> None:
    name = realm.name
    if name == "*" or name.endswith(".*"):
        here.problem(f'"*" has no meaning here; write {quote(name[:-1])} with "match: prefix"', "name")
    elif realm.match == "exact" and name.endswith("."):
        here.problem(f'{quote(name)} ends with a dot; with "match: prefix" it is a template of realms', "name")
    elif realm.match == "exact" and name == CONTROL_REALM:
        here.problem(f"{quote(name)} is the realm in which the router is operated; give this one another name", "name")
    elif not is_uri(name, realm.uri_check, realm.match):
        here.problem(f"{quote(name)} is not a URI (match: {realm.match}, uri_check: {realm.uri_check})", "name")
    elif realm.match == "prefix" and (name.startswith(".") or ".." in name):
        here.problem(f"no URI can begin with {quote(name)}: its components are not empty", "name")
    elif realm.match == "wildcard" and all(name.split(".")):
        here.problem(f'no component of {quote(name)} is empty, so it is one realm: "match: exact"', "name")


def _on_demand(realm: Realm, here: Here) -> None:
    if realm.match == "exact" and realm.on_demand != OnDemand() and here.is_sound("match"):
        here.problem('only realms of a template ("match: prefix" or "match: wildcard") come and go', "on_demand")
    if here.is_sound("roles"):
        known = [role.name for role in realm.roles]
        for index, role in here.each(realm.on_demand.opened_by or (), "on_demand", "opened_by"):
            if role not in known:
                where = ("on_demand", "opened_by", index)
                here.problem(f"the realm has no role {quote(role)}{did_you_mean(role, known)}", *where)


def _uris(realm: Realm, here: Here) -> None:
    for r, role in here.each(realm.roles, "roles"):
        for p, rule in here.each(role.permissions, "roles", r, "permissions"):
            where = ("roles", r, "permissions", p)
            length = role.limits.uri_length or realm.limits.uri_length
            if here.is_sound(*where) and not is_uri(fill(rule.uri, _ANYBODY), realm.uri_check, rule.match, length):
                here.problem(f"{quote(rule.uri)} is not a URI{_rule_of(realm, rule, length)}", *where, "uri")


def _history(realm: Realm, here: Here) -> None:
    sound = [(i, rule) for i, rule in here.each(realm.history, "history") if here.is_sound("history", i)]
    for index, rule in sound:
        if not is_uri(rule.uri, realm.uri_check, rule.match, realm.limits.uri_length):
            here.problem(
                f"{quote(rule.uri)} is not a URI{_rule_of(realm, rule, realm.limits.uri_length)}",
                "history",
                index,
                "uri",
            )
    for index, (uri, match) in repeated((i, (rule.uri, rule.match)) for i, rule in sound):
        here.problem(f"there is another history of {quote(uri)} with match: {match}", "history", index)


def _rule_of(realm: Realm, rule: Permission | History, length: int) -> str:
    if len(rule.uri.encode()) > length:
        return f": it is longer than {length} bytes"
    return f" (match: {rule.match}, uri_check: {realm.uri_check})"


# --- listeners ---


def _listener(listener: Listener, here: Here) -> None:
    fault = endpoints.fault(listener.endpoint)
    if fault:
        here.problem(fault, "endpoint")
    if listener.rawsocket is None and not any(it.websocket or it.http for _, it in sites(listener)) and here.is_sound():
        here.problem("the listener speaks nothing: give it websocket, rawsocket or http")
    cookies_of_listener(listener, here)
    dashboards_of_listener(listener, here)
    documents_of_listener(listener, here)
    proxies_of_listener(listener, here)
    sites_of_listener(listener, here)


def _key_pair(tls: KeyPair, here: Here) -> None:
    if not os.access(tls.certificate, os.R_OK) or not os.path.isfile(tls.certificate):
        here.problem(f"cannot read the file {quote_file(tls.certificate)}", "certificate")
    if not os.access(tls.key, os.R_OK) or not os.path.isfile(tls.key):
        here.problem(f"cannot read the file {quote_file(tls.key)}", "key")
    elif trouble := others_can_read(tls.key):
        here.problem(trouble, "key")
    if here.is_sound():
        _certificate_and_key(tls, here)


def _certificate_and_key(tls: KeyPair, here: Here) -> None:
    import ssl  # only where TLS is used

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key, password=_no_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            here.problem("the key does not belong to the certificate", "key")
        else:
            here.problem(f"certificate and key cannot be used: {error.reason or 'no PEM certificate, or no PEM key'}")
    except ValueError as error:
        here.problem(str(error), "key")


def _no_password() -> str:
    raise ValueError("the key has a password; give a key without one, in a file that others cannot read")


def _transport_limits(limits: TransportLimits, here: Here) -> None:
    if here.is_sound("message_size") and limits.send_queue < limits.message_size:
        here.problem("must be at least message_size, else the largest message could not be sent", "send_queue")


# --- the process ---


def _process_limits(limits: ProcessLimits, here: Here) -> None:
    if here.is_sound("drain") and limits.stop < limits.drain:
        here.problem("must be at least as long as drain", "stop")


def _failed_joins(failed: FailedJoins, here: Here) -> None:
    if here.is_sound("delay") and failed.longest_delay < failed.delay:
        here.problem("must be at least as long as delay", "longest_delay")
    for index, address in here.each(failed.shared_addresses, "shared_addresses"):
        try:
            ip_network(address)
        except ValueError:
            here.problem(
                f"{quote(address)} is not an address, and not a network like 10.0.0.0/8", "shared_addresses", index
            )


_SQLITE = b"SQLite format 3\0"
"""What the file begins with: https://www.sqlite.org/fileformat2.html, section 1.3."""


def _store(store: Store, here: Here) -> None:
    if not here.is_sound("file"):
        return
    trouble = no_directory(store.file.parent)
    if trouble is None and os.path.exists(store.file):
        trouble = others_can_read(store.file) or _no_database(store.file)
    if trouble is not None:
        here.problem(trouble, "file")


def _no_database(file: Path) -> str | None:
    """Return what is wrong with a file that should be an SQLite database, or be empty: how it begins."""
    try:
        with file.open("rb") as stream:
            begin = stream.read(len(_SQLITE))
    except OSError as trouble:
        return f"cannot read {quote_file(file)}: {trouble.strerror}"
    return f"{quote_file(file)} is not an SQLite database" if begin not in (b"", _SQLITE) else None


def _realms_in_the_store(settings: Settings, here: Here) -> None:
    stored = [(i, realm.name) for i, realm in here.each(settings.realms, "realms") if realm.auth.store]
    if settings.store is None and here.is_sound("store"):
        for index, _ in stored:
            message = 'there is no store; the configuration wants "store: {file: wampd.sqlite}" beside "realms"'
            here.problem(message, "realms", index, "auth", "store")
    for index, name in repeated(stored):
        here.problem(
            f"the principals of another realm {quote(name)} are in the store", "realms", index, "auth", "store"
        )


def _settings(settings: Settings, here: Here) -> None:
    cookies_of_settings(settings, here)
    access_of_settings(settings, here)
    dashboards_of_settings(settings, here)
    uploads_of_settings(settings, here)
    _realms_in_the_store(settings, here)
    hooks_can_be(settings, here)
    rights_of_settings(settings, here)
    names = ((i, (realm.name, realm.match)) for i, realm in here.each(settings.realms, "realms"))
    for index, (name, match) in repeated(names):
        other = "realm" if match == "exact" else f"template ({match})"
        here.problem(f"there is another {other} {quote(name)}", "realms", index, "name")
    authenticators_are_there(settings, here)
    certificates_are_asked_for(settings, here)
    bindings_can_be(settings, here)
    components_of_settings(settings, here)
    usable = [
        (i, it.endpoint)
        for i, it in here.each(settings.listeners, "listeners")
        if here.is_sound("listeners", i, "endpoint")
    ]
    for first, second in endpoints.clashes([endpoint for _, endpoint in usable]):
        here.problem(
            f"cannot listen here, because listeners[{usable[first][0]}] does",
            "listeners",
            usable[second][0],
            "endpoint",
        )


RULES: Mapping[type, Rule] = {
    **AUTH_RULES,
    **COMPONENT_RULES,
    **COOKIE_RULES,
    **HOOK_RULES,
    **OUTGOING_RULES,
    **PATH_RULES,
    **PROXY_RULES,
    **REQUEST_RULES,
    **SITE_RULES,
    FailedJoins: _failed_joins,
    KeyPair: _key_pair,
    Listener: _listener,
    Permission: _permission,
    Process: process_rules,
    ProcessLimits: _process_limits,
    Realm: _realm,
    Role: _role,
    Settings: _settings,
    Store: _store,
    Tls: _key_pair,
    TransportLimits: _transport_limits,
}
