"""What headers, methods and cookies can be called: RFC 9110, section 5.6.2."""

import string

import pytest

from wampd.router.headers import is_token

CHARACTERS = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~")
"""``tchar``, as the section lists them."""


def test_a_token_is_of_the_characters_that_are_listed_and_no_others():
    assert {each for each in map(chr, range(0x300)) if is_token(each)} == CHARACTERS


@pytest.mark.parametrize("text", ["", "x y", "x\n", "\nx", "x:", "x\x00", "ſ", "x\u212a"])
def test_what_is_no_token(text):
    assert not is_token(text)


def test_a_token_may_be_long():
    assert is_token("x-" + "y" * 10_000)
