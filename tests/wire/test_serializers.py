"""Which codecs there are, and what they cost those who do not use them."""

import subprocess
import sys

import pytest

from tests.support.process import ROOT, environment
from wampd.router.wire.serializers import RAW_SERIALIZERS, USUAL, codecs


@pytest.mark.spec("SER-01", "RAW-03", "SER-06", "SER-07")
def test_every_serializer_has_its_number_and_its_codec():
    assert RAW_SERIALIZERS == {1: "json", 2: "msgpack", 3: "cbor", 4: "ubjson", 5: "flatbuffers"}
    for name, codec in codecs(names=RAW_SERIALIZERS.values()).items():
        assert codec.format.value == name


def test_only_the_usual_ones_are_offered_unless_others_are_named():
    assert tuple(codecs()) == USUAL == ("json", "msgpack", "cbor")
    assert list(codecs(names=["cbor", "ubjson", "cbor"])) == ["cbor", "ubjson"]


def test_those_that_are_not_used_are_not_even_imported():
    code = (
        "import sys, wampd.router.daemon; print([name for name in sys.modules if 'ubjson' in name or 'flatb' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "[]"
