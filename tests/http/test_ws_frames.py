"""The reader of WebSocket frames, case by case, and beside the one of the library `websockets`."""

import os
import random

import pytest
from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from exchange.api.http.ws_frames import BINARY, CLOSE, PING, PONG, TEXT, FrameReader, close_frame, unmasked

MAX = 1 << 16


def frame(opcode: int, payload: bytes = b"", *, final: bool = True, masked: bool = True, bits: int = 0) -> bytes:
    """A frame of a client."""
    size = len(payload)
    first = (0x80 if final else 0) | bits | opcode
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head = bytes((first, mask_bit | size))
    elif size < 1 << 16:
        head = bytes((first, mask_bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, mask_bit | 127)) + size.to_bytes(8, "big")
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + unmasked(mask, payload)


def read(*pieces: bytes) -> tuple[list[tuple[int, bytes]], int | None]:
    """The events, and the code that the reader fails with."""
    reader = FrameReader(MAX)
    events = [event for piece in pieces for event in reader.feed(piece)]
    return events, reader.failure[0] if reader.failure else None


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
@pytest.mark.parametrize("kind", [TEXT, BINARY])
def test_a_message_of_any_size(kind: int, size: int) -> None:
    payload = b"x" * size
    assert read(frame(kind, payload)) == ([(kind, payload)], None)
    whole = frame(kind, payload)
    assert read(whole[:1], whole[1:2], whole[2:5], whole[5:]) == ([(kind, payload)], None)


def test_byte_by_byte() -> None:
    whole = frame(TEXT, b"one") + frame(PING, b"p") + frame(TEXT, "zwölf".encode())
    assert read(*(bytes((byte,)) for byte in whole)) == (
        [(TEXT, b"one"), (PING, b"p"), (TEXT, "zwölf".encode())],
        None,
    )


def test_fragments_with_control_frames_between() -> None:
    pieces = [
        frame(TEXT, b"a", final=False),
        frame(PING, b"1"),
        frame(0, b"b", final=False),
        frame(PONG),
        frame(0, b"c"),
        frame(BINARY, b"d"),
    ]
    expected = [(PING, b"1"), (PONG, b""), (TEXT, b"abc"), (BINARY, b"d")]
    assert read(*pieces) == (expected, None)
    assert read(b"".join(pieces)) == (expected, None)


BAD = {
    "a frame without a mask": (frame(TEXT, b"a", masked=False), 1002),
    "a reserved bit": (frame(TEXT, b"a", bits=0x40), 1002),
    "a reserved opcode": (frame(3, b"a"), 1002),
    "a reserved control opcode": (frame(0xB, b"a"), 1002),
    "a fragmented ping": (frame(PING, b"a", final=False), 1002),
    "a long ping": (frame(PING, b"a" * 126), 1002),
    "a fragment without a beginning": (frame(0, b"a"), 1002),
    "a message within a message": (frame(TEXT, b"a", final=False) + frame(TEXT, b"b"), 1002),
    "a close code of one byte": (frame(CLOSE, b"a"), 1002),
    "a close code that is never sent": (frame(CLOSE, (1005).to_bytes(2, "big")), 1002),
    "a close code of nobody": (frame(CLOSE, (2999).to_bytes(2, "big")), 1002),
    "a close reason that is no text": (frame(CLOSE, (1000).to_bytes(2, "big") + b"\xff"), 1007),
    "a text that is not UTF-8": (frame(TEXT, b"\xce\xba\xed\xa0\x80"), 1007),
    "a text that ends within a letter": (frame(TEXT, "ö".encode()[:1]), 1007),
    "a fragmented text that is not UTF-8": (frame(TEXT, b"a", final=False) + frame(0, b"\xff"), 1007),
    "too long a message": (frame(TEXT, b"a" * (MAX + 1))[:20], 1009),
    "too long a message in fragments": (frame(TEXT, b"a" * MAX, final=False) + frame(0, b"b")[:3], 1009),
    "a length of eight bytes": (b"\x81\xff" + b"\xff" * 8, 1009),
}


@pytest.mark.parametrize("name", BAD)
def test_what_breaks_the_protocol_is_named_by_its_code(name: str) -> None:
    sent, code = BAD[name]
    events, found = read(frame(TEXT, b"before"), sent, frame(TEXT, b"behind"))
    assert found == code
    assert (TEXT, b"before") in events
    assert (TEXT, b"behind") not in events


def test_a_letter_may_be_cut_between_fragments() -> None:
    letter = "ö".encode()
    assert read(frame(TEXT, letter[:1], final=False), frame(0, letter[1:])) == ([(TEXT, letter)], None)


def test_a_reason_too_long_for_its_frame_is_cut_between_letters() -> None:
    made = close_frame(1000, "ö" * 100)
    assert len(made) <= 127
    made[4:].decode()


KINDS = (0, 0, TEXT, TEXT, BINARY, PING, PONG, 3, CLOSE)


class Oracle:
    """What the library makes of the same bytes."""

    def __init__(self) -> None:
        self.protocol = Protocol(Side.SERVER, state=OPEN, max_size=MAX)

    def read(self, pieces: list[bytes]) -> tuple[list[tuple[int, bytes]], int | None]:
        events: list[tuple[int, bytes]] = []
        kind, parts = 0, b""
        for piece in pieces:
            self.protocol.receive_data(piece)
            for found in self.protocol.events_received():
                assert isinstance(found, Frame)
                data = bytes(found.data)
                if found.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                    kind, parts = (found.opcode or kind), parts + data
                    if found.fin:
                        events.append((int(kind), parts))
                        kind, parts = 0, b""
                else:
                    events.append((int(found.opcode), data))
        error = self.protocol.parser_exc
        if isinstance(error, PayloadTooBig):
            return events, 1009
        if isinstance(error, ProtocolError):
            return events, 1002
        return events, None


@pytest.mark.parametrize("seed", range(300))
def test_it_reads_what_the_library_reads(seed: int) -> None:
    chance = random.Random(seed)
    sent = b""
    for _ in range(chance.randint(1, 8)):
        opcode = chance.choice(KINDS if chance.random() < 0.4 else (TEXT, PING))
        payload = (1000).to_bytes(2, "big") if opcode == CLOSE else b"z" * chance.choice((0, 1, 125, 126, 300, 70_000))
        if opcode >= CLOSE:
            payload = payload[:125]
        wrong = chance.random() < 0.05
        sent += frame(
            opcode, payload, final=chance.random() < 0.7 or opcode >= CLOSE, masked=not wrong, bits=0x20 if wrong else 0
        )
        if opcode == CLOSE:
            break
    cuts = sorted(chance.sample(range(len(sent)), min(len(sent) - 1, chance.randint(0, 5)))) if len(sent) > 1 else []
    pieces = [sent[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
    (events, code), (expected, expected_code) = read(*pieces), Oracle().read(pieces)
    if expected_code and not code and events[-1][0] == CLOSE:
        events, code = events[:-1], 1002  # the library lets no message be left unfinished; the RFC does
    assert events == expected
    # A frame that is wrong in two ways may be told of either.
    assert code == expected_code or {code, expected_code} == {1002, 1009}
