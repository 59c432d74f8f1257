"""What types cannot say of authentication: rules between methods, principals and roles."""

from collections.abc import Collection, Iterator, Mapping, Sequence

from wampd.auth.methods import LONGEST_AUTHID

from .auth import Auth, PasswordFile, Principal
from .authenticators import authenticator_of
from .checker import Here, Rule, repeated
from .jwt_rules import JWT_RULES, jwt_roles
from .key_rules import KEY_RULES, not_the_routers, one_owner
from .problems import KeyPath, did_you_mean, quote, quote_file
from .proof_rules import LEAST_MOCK_SECRET, PROOF_RULES, scram_takes
from .realms import Realm
from .values import others_can_read

MOST_FAULTS = 20
"""Of one file of passwords that are reported."""

OTHERS = ("principals", "files", "password_files", "store", "mock_secret", "unknown_principals")
"""The keys that name no authentication method."""

METHODS = tuple(name for name in Auth.__struct_fields__ if name not in OTHERS)
"""The keys that name an authentication method."""

PROOFS: Mapping[str, tuple[str, ...]] = {
    "ticket": ("ticket",),
    "password": ("ticket", "wampcra", "scram"),
    "wampcra": ("wampcra",),
    "scram": ("scram",),
    "keys": ("cryptosign",),
    "certificates": ("tls",),
}
"""For each key of a principal that proves it, the methods that use it."""


KEEPABLE = ("ticket", "wampcra", "scram", "cryptosign", "tls")
"""The methods by which principals of the store come in."""


def _auth(auth: Auth, here: Here) -> None:
    offered = [name for name in METHODS if getattr(auth, name) is not None]
    if not offered and here.is_sound():
        here.problem(f"nobody can join: there is no authentication method; known are {', '.join(METHODS)}")
    elif offered == ["cookie"] and here.is_sound():
        here.problem("nobody can join: a cookie only brings back who came in by another method", "cookie")
    check_principals(auth.principals, auth, methods_of(auth, here), here, "principals")
    for index, _ in repeated(here.each(auth.files, "files")):
        here.problem("this file is here twice", "files", index)
    if auth.store and here.is_sound() and not any(method in KEEPABLE for method in methods_of(auth, here)):
        here.problem(f"no method uses this: {_why_unused(KEEPABLE, auth)}", "store")
    if auth.mock_secret is not None and len(auth.mock_secret.reveal()) < LEAST_MOCK_SECRET:
        here.problem(f"too short: at least {LEAST_MOCK_SECRET} characters", "mock_secret")
    if auth.password_files and "ticket" not in offered and here.is_sound("ticket"):
        here.problem("no method uses this: the realm's auth does not name ticket", "password_files")


def methods_of(auth: Auth, here: Here, *keys: str | int) -> Collection[str]:
    """The methods for principals, those included about which something is wrong; ``keys`` lead to ``auth``."""
    for_principals = methods_for_principals(auth)
    return [name for name in METHODS if name in for_principals or not here.is_sound(*keys, name)]


def methods_for_principals(auth: Auth) -> Collection[str]:
    """The methods that are offered and are not left to an authenticator."""
    return [name for name in METHODS if getattr(auth, name) is not None and authenticator_of(auth, name) is None]


def check_principals(
    principals: tuple[Principal, ...], auth: Auth, methods: Collection[str], here: Here, *keys: str | int
) -> None:
    """See that the principals which ``keys`` lead to can come in by one of these methods."""
    items = list(here.each(principals, *keys))
    for index, authid in repeated((i, principal.authid) for i, principal in items):
        here.problem(f"there is another principal {quote(authid)}", *keys, index, "authid")
    one_owner(items, here, *keys)
    not_the_routers(auth, items, here, *keys)
    for index, principal in items:
        if len(principal.authid) > LONGEST_AUTHID:
            here.problem(f"an authid has at most {LONGEST_AUTHID} characters", *keys, index, "authid")
        proofs = [key for key in PROOFS if getattr(principal, key)]
        if not proofs and here.is_sound(*keys, index):
            here.problem(f"nothing proves who this is: give it one of {', '.join(PROOFS)}", *keys, index)
        for key in proofs:
            if not any(method in methods for method in PROOFS[key]):
                here.problem(f"no method uses this: {_why_unused(PROOFS[key], auth)}", *keys, index, key)
        _factors(principal, auth, methods, here, *keys, index)
        if "scram" in methods:
            scram_takes(principal, here, *keys, index)


def _why_unused(unused: Sequence[str], auth: Auth) -> str:
    """Why principals do not come in by any of these methods."""
    asked = [method for method in unused if authenticator_of(auth, method) is not None]
    if asked:
        return f"who comes in by {' or '.join(asked)} is decided by the authenticator"
    return f"the realm's auth does not name {' or '.join(unused)}"


def _factors(principal: Principal, auth: Auth, methods: Collection[str], here: Here, *keys: str | int) -> None:
    """See that a principal, which ``keys`` lead to, can prove itself by all its factors, and by none of them alone."""
    given = [key for key in PROOFS if getattr(principal, key)]
    proved = {method for key in given for method in PROOFS[key]}
    for index, problem in factor_faults(list(here.each(principal.factors, *keys, "factors")), auth, methods, proved):
        here.problem(problem, *keys, "factors", *index)


def factor_faults(
    factors: Sequence[tuple[int, str]], auth: Auth, methods: Collection[str], proved: Collection[str]
) -> Iterator[tuple[Sequence[int], str]]:
    """Why a principal cannot pass all these factors, numbered, and where; ``proved`` are the methods it has a proof for."""
    if len(factors) == 1:
        yield (), "one factor is no more than a proof: name two at least, or none"
    for index, name in repeated(factors):
        yield (index,), f"{quote(name)} is here twice"
    proving = sorted({method for users in PROOFS.values() for method in users})
    for index, name in factors:
        if name not in proving:
            known = did_you_mean(name, proving)
            yield (index,), f"{quote(name)} is no method that proves a principal of this list{known}"
        elif name not in methods:
            yield (index,), _why_unused([name], auth)
        elif name not in proved:
            own = [key for key, users in PROOFS.items() if name in users]
            yield (index,), f"nothing proves the principal by {name}: give it {' or '.join(own)}"


def _password_file(listed: PasswordFile, here: Here) -> None:
    if trouble := others_can_read(listed.file):
        here.problem(trouble, "file")
        return
    from wampd.router.stores import htpasswd  # only where there is such a file

    try:
        htpasswd.read(listed.file)
    except htpasswd.PasswordFileError as error:
        for line, why in error.faults[:MOST_FAULTS]:
            if line:
                here.problem_in(listed.file, line, why, "file")
            else:
                here.problem(f"cannot use {quote_file(listed.file)}: {why}", "file")


def _roles_of(auth: Auth, here: Here) -> Iterator[tuple[str, KeyPath]]:
    """The roles that authentication gives, and where it says so."""
    if auth.anonymous is not None and auth.anonymous.authenticator is None:
        yield auth.anonymous.role, ("anonymous", "role")
    for index, principal in here.each(auth.principals, "auth", "principals"):
        yield principal.role, ("principals", index, "role")
    for index, listed in here.each(auth.password_files, "auth", "password_files"):
        yield listed.role, ("password_files", index, "role")
    if auth.jwt is not None:
        for role, key in jwt_roles(auth.jwt):
            yield role, ("jwt", *key)


def roles_exist(realm: Realm, here: Here) -> None:
    """See that the realm has the roles that its principals are to have."""
    if not here.is_sound("roles"):
        return  # the role that is missed may be the one with the mistake in it
    known = [role.name for role in realm.roles]
    for role, where in _roles_of(realm.auth, here):
        check_role(role, known, here, "auth", *where)


def check_role(role: str, known: Collection[str], here: Here, *keys: str | int) -> None:
    """See that a role which ``keys`` lead to is one of those that the realm has."""
    if role not in known:
        here.problem(f"the realm has no role {quote(role)}{did_you_mean(role, known)}", *keys)


AUTH_RULES: Mapping[type, Rule] = {
    Auth: _auth,
    PasswordFile: _password_file,
    **JWT_RULES,
    **PROOF_RULES,
    **KEY_RULES,
}
