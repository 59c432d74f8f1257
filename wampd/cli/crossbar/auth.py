"""Ways in → the ``auth`` of realms.

In wampd a realm has one ``auth`` for all listeners, and every listener leads into every realm. So what one way
offered is from then on offered by all. The rules that keep that from opening a door:

* who proves something (a ticket, a key, …) comes in as before, by whatever listener;
* **everybody** (``anonymous``) comes in only if none of the other ways in, of all workers, can be reached by more
  people than the widest that let them in: Unix sockets < this machine, or clients with certificates < the network.
  Otherwise it is left out, and said;
* a realm that no way leads into has the method ``ticket`` and no principals: only components come in.
"""

from collections.abc import Sequence

from .document import Table, came_from
from .drafts import Draft, Realm, Way
from .offers import Asked, Offers, Proof, offers_of
from .reading import Item

_ORDER = ("anonymous", "cookie", "ticket", "wampcra", "scram", "cryptosign", "tls")


class _Making:
    """The ``auth`` of one realm."""

    def __init__(self, realm: Realm, draft: Draft) -> None:
        self.realm, self.draft = realm, draft
        self.methods: dict[str, Table] = {}
        self.asked: dict[str, Asked] = {}
        self.principals: dict[str, Table] = {}
        self.keys: dict[object, str] = {}

    def add_method(self, name: str, item: Item) -> None:
        """Offer a method for the principals of the file."""
        if name not in self.asked:
            self.methods.setdefault(name, Table())
        else:
            message = f"in the realm {self.realm.name} an authenticator judges who comes in by {name} already"
            self.draft.report.lost(item, f"{message} ({came_from(self.asked[name].procedure)})")

    def ask(self, asked: Asked) -> None:
        """Have somebody asked who comes in by a method."""
        report, name = self.draft.report, self.realm.name
        known = self.asked.get(asked.method)
        where = None if asked.realm is None else str(asked.realm.value)
        if known is not None:
            if (known.procedure.value, known.realm and known.realm.value) != (asked.procedure.value, where):
                report.lost(asked.procedure, f"in the realm {name} another authenticator judges {asked.method}")
            return
        if asked.method in self.methods:
            report.lost(asked.procedure, f"in the realm {name} principals of the file come in by {asked.method}")
            return
        if where is not None and where not in self.draft.realms:
            assert asked.realm is not None
            report.lost(asked.realm, "there is no such realm, so nobody comes in by this method")
            return
        if not self.draft.can_be_registered(where or name, str(asked.procedure.value)):
            report.lost(asked.procedure, f"no role of the realm {where or name} may register it, so it judges nobody")
            return
        settings = Table()
        authenticator = settings.table("authenticator")
        authenticator.put_item("procedure", asked.procedure)
        if where not in (None, name):
            authenticator.put_item("realm", asked.realm)
        self.asked[asked.method] = asked
        self.methods[asked.method] = settings

    def prove(self, proof: Proof) -> None:
        """Let a principal prove itself by one more thing."""
        if proof.method in self.asked:
            return  # which was said where the method was added
        report = self.draft.report
        principal = self.principals.get(proof.authid)
        if principal is None:
            principal = Table()
            principal.put("authid", proof.authid, proof.item)
            principal.put("role", proof.role)
        elif principal.get("role") != proof.role:
            role = principal.get("role")
            report.lost(proof.item, f'in the realm {self.realm.name} "{proof.authid}" has the role {role} already')
            return
        if proof.key in principal and principal.get(proof.key) != proof.value:
            report.lost(proof.item, f'"{proof.authid}" has another {proof.key} already; one of a kind can be')
            return
        if proof.key == "keys" and self._of_others(proof):
            return
        principal.put(proof.key, proof.value, proof.item)
        self.principals[proof.authid] = principal

    def _of_others(self, proof: Proof) -> bool:
        """Whether a public key is another principal's; that is said."""
        keys = [entry.value for entry in getattr(proof.value, "members", ())]
        if len(set(keys)) < len(keys) or any(self.keys.get(key, proof.authid) != proof.authid for key in keys):
            self.draft.report.lost(proof.item, "a public key is of one principal, and named once; this one is left out")
            return True
        self.keys.update(dict.fromkeys(keys, proof.authid))
        return False

    def _asks_here(self, method: str) -> bool:
        asked = self.asked.get(method)
        return asked is not None and (asked.realm is None or asked.realm.value == self.realm.name)

    def finish(self) -> None:
        """Write what was found."""
        auth = self.realm.auth
        if self.methods and all(self._asks_here(name) for name in self.methods if name != "cookie"):
            free = next(name for name in ("ticket", "wampcra", "scram", "cryptosign") if name not in self.methods)
            self.methods[free] = Table()  # whoever registers the authenticator need not ask it first
        if not set(self.methods) - {"cookie"}:
            self.methods = {"ticket": Table()}
            message = "nobody comes into this realm from outside: give it principals, or a method"
            auth.put("ticket", Table(), None, message)
            return
        for name in sorted(self.methods, key=_ORDER.index):
            auth.put(name, self.methods[name])
        for principal in self.principals.values():
            auth.rows("principals").add(principal)


def authenticate(draft: Draft) -> None:
    """Give every realm its ``auth``, and paths their cookies."""
    offers = [offers_of(way, draft) for way in draft.ways]
    makings = {name: _Making(realm, draft) for name, realm in draft.realms.items()}
    for offer in offers:
        _distribute(offer, makings, draft)
    for making in makings.values():
        _everybody(making, offers, draft)
    _cookies(offers, makings, draft)
    for making in makings.values():
        making.finish()
    _channel_binding(makings, draft)


def _distribute(offer: Offers, makings: dict[str, _Making], draft: Draft) -> None:
    """Give what a way offers to the realms that it leads into."""
    into = [makings[name] for name in offer.way.realms if name in makings]
    for making in into:
        for asked in offer.asked:
            making.ask(asked)
        for name, item in offer.methods.items():
            making.add_method(name, item)
    for proof in offer.proofs:
        fitting = [it for it in into if proof.role in it.realm.roles and proof.realm in (None, it.realm.name)]
        if not fitting:
            place = f"the realm {proof.realm}" if proof.realm else "no realm that this leads into"
            has = "has not" if proof.realm else "has"
            draft.report.lost(proof.item, f'{place} {has} the role "{proof.role}"; "{proof.authid}" is left out')
        for making in fitting:
            making.prove(proof)


def _everybody(making: _Making, offers: Sequence[Offers], draft: Draft) -> None:
    """Decide whether everybody comes into a realm, and in what role."""
    realm, report = making.realm, draft.report
    here = [
        (offer.way, *offer.anonymous)
        for offer in offers
        if offer.anonymous and realm.name in offer.way.realms and offer.anonymous[0] in realm.roles
    ]
    _roles_that_are_not_there(making, offers, draft)
    if not here or "anonymous" in making.asked:
        return
    widest = max(offer.way.reach for offer in offers)
    roles = list(dict.fromkeys(role for way, role, _ in here if way.reach == widest))
    for way, role, item in here:
        if not roles:
            message = (
                f"clients that prove nothing came into {realm.name} as {role} by {way.endpoint} alone; every listener"
                " leads into every realm, so they are left out: give them a ticket"
            )
            report.lost(item, message)
        elif len(roles) > 1:
            message = f"clients that prove nothing have one role in a realm, here it is one of {', '.join(roles)}"
            report.lost(item, f"{message}: none comes in until you choose, by anonymous in the auth of the realm")
        elif role != roles[0]:
            report.lost(item, f"clients that prove nothing come into {realm.name} as {roles[0]}: give these a ticket")
    if len(roles) == 1:
        settings = making.methods.setdefault("anonymous", Table())
        settings.put("role", roles[0])
        _now_also(realm, here, offers, draft)


def _roles_that_are_not_there(making: _Making, offers: Sequence[Offers], draft: Draft) -> None:
    """Tell of ways whose everybody has a role that none of their realms has."""
    for offer in offers:
        if offer.anonymous is None or offer.way.auth is None or making.realm.name not in offer.way.realms:
            continue
        role, item = offer.anonymous
        if not any(draft.has_role(name, role) for name in offer.way.realms):
            draft.report.lost(item, f'no realm that this leads into has the role "{role}", so nobody comes in by it')


def _now_also(realm: Realm, here: list[tuple[Way, str, Item]], offers: Sequence[Offers], draft: Draft) -> None:
    """Tell where everybody can come into a realm from now on, and could not before."""
    before = {way.endpoint for way, _, _ in here}
    for offer in offers:
        way = offer.way
        if way.endpoint not in before:
            before.add(way.endpoint)
            message = f"clients that prove nothing come into {realm.name} by {way.endpoint}, too, from now on"
            draft.report.note(way.item, message)


def _cookies(offers: Sequence[Offers], makings: dict[str, _Making], draft: Draft) -> None:
    """Let browsers come back where a path has a cookie, and its authentication takes it."""
    for offer in offers:
        way, item = offer.way, offer.cookie
        into = [makings[name] for name in way.realms if name in makings and set(makings[name].methods) - {"cookie"}]
        if item is None:
            if way.cookie is not None:
                message = (
                    "there is none: it only told browsers apart; here a cookie lets them come back, with auth: cookie"
                )
                draft.report.note(way.item, message, "cookie")
        elif way.cookie is None or way.path is None:
            draft.report.lost(item, "the path gives no cookie that one could come back by: give it cookie and origins")
        elif into:
            way.path.put("cookie", way.cookie)
            for making in into:
                making.methods.setdefault("cookie", Table())


def _channel_binding(makings: dict[str, _Making], draft: Draft) -> None:
    """Take ``tls-unique`` on TLS 1.3 as clients of Crossbar.io make it."""
    if any(listener.tls is not None for listener in draft.listeners):
        for making in makings.values():
            if "cryptosign" in making.methods:
                making.methods["cryptosign"].put("tls_unique_on_tls_1_3", value=True)
