"""The catalogue of the benchmark: complete, without doubles, and only what the generator can do."""

import itertools

import pytest

from bench import cells
from bench.cells import CATALOGUE, COMPARE, QUICK, SERIALIZERS, SHAPES, TRANSPORTS, bytes_text, select
from bench.targets import TARGETS

KEYS = [cell.key for cell in CATALOGUE]


def test_no_cell_stands_in_the_catalogue_twice():
    assert len(set(KEYS)) == len(KEYS)


def test_every_shape_is_measured():
    assert {cell.shape.key for cell in CATALOGUE} == set(SHAPES)


def test_every_serializer_is_measured_over_every_transport():
    ways = {(cell.transport, cell.serializer) for cell in CATALOGUE}
    assert ways == set(itertools.product(TRANSPORTS, SERIALIZERS))


def test_every_payload_is_measured_with_every_serializer():
    seen = {(cell.serializer, cell.payload) for cell in CATALOGUE if cell.shape.key == "rpc-8x32"}
    assert seen == set(itertools.product(SERIALIZERS, (16, 1024, 65536)))


def test_the_quick_run_has_every_cell_that_a_target_speaks_of():
    assert {target.cell for target in TARGETS} - {"start"} <= set(QUICK)


def test_what_revisions_are_compared_by_is_in_the_catalogue():
    assert set(COMPARE) <= set(KEYS)


def test_a_cell_is_selected_by_its_key():
    assert [cell.key for cell in select(["fan-100/ws-cbor-16"])] == ["fan-100/ws-cbor-16"]


def test_a_shape_selects_its_cells_and_not_those_of_a_shape_that_begins_so():
    assert {cell.shape.key for cell in select(["fan-10"])} == {"fan-10"}
    assert {cell.shape.key for cell in select(["rpc-8x32"])} == {"rpc-8x32"}


def test_selecting_keeps_the_order_of_the_catalogue():
    assert [cell.key for cell in select(["sessions", "rpc-1"])] == [
        key for key in KEYS if key.startswith(("sessions/", "rpc-1/"))
    ]


def test_an_unknown_cell_is_named():
    with pytest.raises(ValueError, match="fan-7"):
        select(["fan-10", "fan-7"])


@pytest.mark.parametrize(("size", "text"), [(16, "16 B"), (1023, "1023 B"), (1024, "1 KiB"), (65536, "64 KiB")])
def test_sizes_are_written_as_one_reads_them(size, text):
    assert bytes_text(size) == text


def test_the_title_of_a_cell_says_all_of_it():
    cell = cells.Cell(SHAPES["fan-100"], "rs", "msgpack", 1024)
    assert cell.key == "fan-100/rs-msgpack-1024"
    assert cell.title == "fan-out 1→100, RawSocket MessagePack, 1 KiB"


def test_a_payload_is_not_named_where_none_is_measured():
    assert select(["sessions/ws-json-16"])[0].title == "5,000 idle sessions, WebSocket JSON"
