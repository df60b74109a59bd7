"""Bytes into message bodies and back: the protocol's base part, and nothing of JSON.

Holds no stream and waits for nothing, so that pipes, sockets and tests share it.
"""

from __future__ import annotations

MAX_BODY_BYTES = 64 << 20
MAX_HEADER_BYTES = 4_096
PROTOCOL_FIELDS = frozenset({b"content-length", b"content-type"})


class FramingLost(Exception):
    """The stream cannot be followed any more."""


class Framer:
    """Takes the bytes of one stream as they come, hands out whole bodies.

    Header names count in any case, with or without a space after the colon; stray empty lines
    between messages are passed over, and so are other headers, unless `fields` says which there
    may be. On a socket it must: a page in a browser can send a request of HTTP to any port of this
    machine, and its body would be a message.
    """

    def __init__(self, fields: frozenset[bytes] | None = None) -> None:
        self._fields = fields
        self._buffer = bytearray()
        self._length: int | None = None  # of the body, once its header has named it
        self._in_body = False
        self._header_bytes = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The bodies that are whole now. Raises `FramingLost`; what came before it is lost too."""
        self._buffer += data
        bodies: list[bytes] = []
        while True:
            if self._in_body:
                assert self._length is not None
                if len(self._buffer) < self._length:
                    return bodies
                bodies.append(bytes(self._buffer[: self._length]))
                del self._buffer[: self._length]
                self._in_body, self._length, self._header_bytes = False, None, 0
            elif not self._read_line():
                return bodies

    def _read_line(self) -> bool:
        """Take one line of a header; False when it is not whole yet."""
        end = self._buffer.find(b"\n", 0, MAX_HEADER_BYTES + 1)
        if self._header_bytes + (len(self._buffer) if end < 0 else end) > MAX_HEADER_BYTES:
            raise FramingLost("a header is too long")
        if end < 0:
            return False
        line = bytes(self._buffer[:end]).strip()
        del self._buffer[: end + 1]
        self._header_bytes += end + 1
        if line:
            self._read_field(line)
        elif self._length is not None:
            self._in_body = True
        else:
            self._header_bytes = 0  # a stray empty line between messages
        return True

    def _read_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        name = name.strip().lower()
        if self._fields is not None and name not in self._fields:
            raise FramingLost("this is not a client of the protocol")
        if name != b"content-length":
            return
        value = value.strip()
        if not value.isdigit():
            raise FramingLost("Content-Length is not a number")
        self._length = int(value[:12])
        if self._length > MAX_BODY_BYTES:
            raise FramingLost(f"a message has {self._length} bytes; {MAX_BODY_BYTES} is the limit")


def framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n" % len(body) + body
