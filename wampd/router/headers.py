"""How names in HTTP are written: a token is what headers, methods, cookies, codings and the halves of a type are called.

Source: RFC 9110, section 5.6.2 (tokens).
"""

from __future__ import annotations

import re
from typing import Final

WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
"""A token, as a part of other patterns; characters that are special in a class stand where they are not."""
_WORD: Final = re.compile(WORD)


def is_token(text: str) -> bool:
    """Whether a header, a method or a cookie can have this name."""
    return _WORD.fullmatch(text) is not None
