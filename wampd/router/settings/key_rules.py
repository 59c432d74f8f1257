"""Rules of what proves principals by keys of their own: cryptosign's keys, and the router's."""

from collections.abc import Iterable

from wampd.auth.keys import SigningKey, read_public_key

from .auth import Auth, CryptosignAuth, Principal
from .checker import Here, repeated


def principal_keys(principal: Principal, here: Here) -> None:
    """See that the keys of a principal are public keys."""
    for index, key in here.each(principal.keys, "keys"):
        if read_public_key(key) is None:
            here.problem("not an Ed25519 public key, which is 64 hex digits", "keys", index)


def cryptosign(method: CryptosignAuth, here: Here) -> None:
    """See that the router's key is one."""
    if method.router_key is None or not here.is_sound("router_key"):
        return
    try:
        SigningKey.from_text(method.router_key.reveal())
    except ValueError:
        here.problem("not the seed of an Ed25519 key, which is 64 hex digits", "router_key")


def one_owner(auth: Auth, principals: Iterable[tuple[int, Principal]], here: Here) -> None:
    """See that no key belongs to two principals, or to one and the router, which signs what anybody brings."""
    keys = [
        ((index, number), read_public_key(key))
        for index, principal in principals
        for number, key in here.each(principal.keys, "principals", index, "keys")
    ]
    known = [((index, number), key) for (index, number), key in keys if key is not None]
    for index, number in _repeated(known):
        here.problem("this key is here twice", "principals", index, "keys", number)
    if auth.cryptosign is None or auth.cryptosign.router_key is None or not here.is_sound("cryptosign"):
        return
    routers = SigningKey.from_text(auth.cryptosign.router_key.reveal()).public
    for (index, number), key in known:
        if key == routers:
            here.problem(
                "this is the router's own key, which signs whatever clients bring", "principals", index, "keys", number
            )


def _repeated(keys: list[tuple[tuple[int, int], bytes]]) -> Iterable[tuple[int, int]]:
    """The places of what was there before."""
    return (keys[position][0] for position, _ in repeated(enumerate(key for _, key in keys)))
