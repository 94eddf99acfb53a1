"""Frames, held against those of a library that nobody here wrote."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.framer import FramerRTU, FramerSocket
from pymodbus.pdu import DecodePDU, ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsResponse
from pymodbus.pdu.register_message import ReadHoldingRegistersResponse

from collectors.modbus.frame import FUNCTIONS, Framing, Garbled, Reply, Request, RtuFraming, TcpFraming, crc16

FRAMINGS: list[tuple[Framing, type[FramerRTU] | type[FramerSocket]]] = [
    (TcpFraming(), FramerSocket),
    (RtuFraming(), FramerRTU),
]
BOTH = pytest.mark.parametrize(("framing", "library"), FRAMINGS, ids=["tcp", "rtu"])
REQUESTS = st.builds(
    Request, st.integers(1, 247), st.sampled_from(sorted(FUNCTIONS)), st.integers(0, 0xFFFF), st.integers(1, 125)
)


def answered(library: type[FramerRTU] | type[FramerSocket], pdu: ModbusPDU, unit: int, number: int) -> bytes:
    pdu.dev_id, pdu.transaction_id = unit, number
    return library(DecodePDU(True)).buildFrame(pdu)


@BOTH
@given(request=REQUESTS, number=st.integers(1, 0xFFFF))
def test_request_is_what_a_foreign_server_reads(
    framing: Framing, library: type[FramerRTU] | type[FramerSocket], request: Request, number: int
) -> None:
    sent = framing.wrap(request, number)
    used, pdu = library(DecodePDU(True)).handleFrame(sent, 0, 0)
    assert used == len(sent)
    assert pdu is not None
    assert (pdu.dev_id, pdu.function_code, pdu.address, pdu.count) == (
        request.unit, request.function, request.start, request.count,
    )  # fmt: skip


@BOTH
@given(
    registers=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=125),
    unit=st.integers(1, 247),
    number=st.integers(1, 0xFFFF),
    cuts=st.lists(st.integers(0, 300), max_size=4),
)
def test_reply_of_a_foreign_server_is_read_however_it_is_cut(
    framing: Framing,
    library: type[FramerRTU] | type[FramerSocket],
    registers: list[int],
    unit: int,
    number: int,
    cuts: list[int],
) -> None:
    sent = answered(library, ReadHoldingRegistersResponse(registers=registers), unit, number)
    expected = b"".join(register.to_bytes(2, "big") for register in registers)
    held, found = b"", []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(sent)], strict=True):
        held += sent[start:end]
        used, reply = framing.take(held)
        held = held[used:]
        if reply is not None:
            found.append(reply)
    assert found == [Reply(unit, 3, expected, 0, number if framing.numbered else 0)]
    assert held == b""


@BOTH
def test_refusal_and_bits_are_read(framing: Framing, library: type[FramerRTU] | type[FramerSocket]) -> None:
    bits = answered(library, ReadCoilsResponse(bits=[True] + [False] * 7), 3, 9)
    assert framing.take(bits)[1] == Reply(3, 1, b"\x01", 0, 9 if framing.numbered else 0)
    refused = bytes.fromhex("0009 0000 0003 03 83 02") if framing.numbered else b"\x03\x83\x02"
    refused += b"" if framing.numbered else crc16(refused).to_bytes(2, "little")
    assert framing.take(refused)[1] == Reply(3, 3, b"", 2, 9 if framing.numbered else 0)


@given(noise=st.binary(max_size=60), registers=st.lists(st.integers(0, 0xFFFF), min_size=1, max_size=20))
def test_frame_behind_noise_on_a_serial_line_is_found(noise: bytes, registers: list[int]) -> None:
    sent = answered(FramerRTU, ReadHoldingRegistersResponse(registers=registers), 5, 0)
    held, found = noise + sent, []
    for _ in range(len(held)):
        used, reply = RtuFraming().take(held)
        held = held[used:]
        if reply is not None:
            found.append(reply)
        if used == 0:
            break
    expected = b"".join(register.to_bytes(2, "big") for register in registers)
    # Noise may look like the head of a longer frame, which is waited for; what is found is never anything else.
    assert found in ([Reply(5, 3, expected)], [])


@given(noise=st.binary(max_size=1000))
def test_noise_is_neither_kept_for_ever_nor_taken_for_a_reply_without_its_checksum(noise: bytes) -> None:
    used, reply = RtuFraming().take(noise)
    assert 0 <= used <= len(noise)
    assert len(noise) - used <= 260 or reply is not None
    if reply is not None:
        assert crc16(noise[:used]) == 0 or any(crc16(noise[start:used]) == 0 for start in range(used))


@given(st.binary(max_size=400))
def test_what_is_no_modbus_tcp_is_garbled_or_waited_for(received: bytes) -> None:
    with contextlib.suppress(Garbled):
        used, _ = TcpFraming().take(received)
        assert 0 <= used <= len(received)
    with pytest.raises(Garbled, match="no Modbus TCP: 48 54 54 50"):
        TcpFraming().take(b"HTTP/1.1 400 Bad Request\r\n\r\n")
