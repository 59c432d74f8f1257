"""What types cannot say of the bridges from HTTP into WAMP."""

import re
from typing import Final

from wampd.realms.uris import is_uri

from .checker import Here, repeated
from .http.bridges import SignedBridge
from .problems import quote

LEAST_SECRET: Final = 16
_KEY: Final = re.compile(r"[!-+\--~]{1,255}")


def signed(path: SignedBridge, here: Here) -> None:
    """See that keys can be told, and that each says as whom its owner acts."""
    keys = list(here.each(path.keys, "keys"))
    for index, key in keys:
        if not _KEY.fullmatch(key.key):
            here.problem(
                f"{quote(key.key)} cannot be told in a header: ASCII without space and comma", "keys", index, "key"
            )
        if len(key.secret.reveal()) < LEAST_SECRET:
            here.problem(f"too short: at least {LEAST_SECRET} characters", "keys", index, "secret")
        if key.role is None and path.role is None and here.is_sound("role"):
            here.problem("this key is missing, and the path has no role", "keys", index, "role")
    for index, name in repeated((index, key.key) for index, key in keys):
        here.problem(f"there is another key {quote(name)}", "keys", index, "key")
    for index, scheme in repeated(here.each(path.schemes, "schemes")):
        here.problem(f"{scheme} is here twice", "schemes", index)
    if path.always_200 and path.errors and here.is_sound("errors"):
        here.problem("with statuses for errors it has no meaning", "always_200")
    for uri in path.errors:
        if not is_uri(uri):
            here.problem(f"{quote(uri)} is not a URI", "errors", uri)
