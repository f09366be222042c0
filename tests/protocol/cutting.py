"""Ways to cut bytes into the pieces that a network might deliver."""

from collections.abc import Iterator, Sequence

from hypothesis import strategies as st


def every_way(data: bytes) -> Iterator[list[bytes]]:
    """Yield *data* whole, byte by byte, with empty pieces between, and in two at every place."""
    yield [data]
    yield bytewise(data)
    yield [piece for byte in bytewise(data) for piece in (byte, b"")]
    for at in range(1, len(data)):
        yield [data[:at], data[at:]]


def bytewise(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Return *data* cut at *places*, each taken modulo its length."""
    inside = sorted(place % (len(data) + 1) for place in places)
    return [data[a:b] for a, b in zip([0, *inside], [*inside, len(data)], strict=True)]


def cut_text(text: str, places: Sequence[int]) -> list[str]:
    """Return *text* cut at *places* between UTF-16 code units, as a program in JavaScript might cut it."""
    units = text.encode("utf-16-le", "surrogatepass")
    inside = sorted(2 * (place % (len(units) // 2 + 1)) for place in places)
    pieces = [units[a:b] for a, b in zip([0, *inside], [*inside, len(units)], strict=True)]
    return [piece.decode("utf-16-le", "surrogatepass") for piece in pieces]


PLACES = st.lists(st.integers(0, 100_000), max_size=12)
