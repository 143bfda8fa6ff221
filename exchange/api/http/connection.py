"""One HTTP connection: requests in, replies out in the same order.

A request takes one path, whatever it is: its head is framed and parsed, its body is awaited, it is admitted and handed
to its route, and the reply is written once all replies before it are. A client may send ahead (pipelining), within
bounds; a request is handed to its route only when nothing before it can be overtaken.

A page and the upgrade to a WebSocket take the connection over, once everything before them is answered.
"""

import asyncio
from collections import deque
from math import inf
from sys import intern
from typing import cast

from exchange.api.http.body import ChunkedBody, decoded
from exchange.api.http.head import HEAD_MAX_BYTES, Head, asked_path
from exchange.api.http.head_reader import HeadReader
from exchange.api.http.request import Request
from exchange.api.http.routes import Route
from exchange.api.http.site import DRAIN_S, Site
from exchange.api.http.slot import Slot
from exchange.api.http.take_over import open_page, open_socket
from exchange.api.http.wire import CONTINUE
from exchange.api.native.errors import ApiError

SLOTS_MAX = 32  # requests of one connection that are not answered yet
AHEAD_MAX_BYTES = 128 << 10  # what a client may send ahead of what can be taken; then it is not read
BLANK_MAX_BYTES = 8  # line ends before a request line
DRAIN_MAX_BYTES = 8 << 20


class HttpConnection(asyncio.Protocol):
    """The protocol of an accepted connection, until it ends or is taken over."""

    __slots__ = (
        "_address",
        "_ahead",
        "_body",
        "_chunked",
        "_continue_due",
        "_deadline",
        "_draining",
        "_ended",
        "_eof",
        "_found",
        "_heads",
        "_proxied",
        "_raw_head",
        "_reading",
        "_resuming",
        "_scanned",
        "_site",
        "_slots",
        "_stalled_since",
        "_taking",
        "_tls",
        "_transport",
        "_unsent",
        "_waits_for",
        "_wanted",
        "_writable",
    )

    def __init__(self, site: Site) -> None:
        self._site = site
        self._transport: asyncio.Transport | None = None
        self._address: str | None = None
        self._proxied = False  # the address is a proxy's; each request says whose it is
        self._tls = False
        self._slots: deque[Slot] = deque()
        self._ahead = bytearray()  # received and not taken
        self._wanted = 0  # bytes of it without which nothing more can be taken
        self._scanned = 0  # bytes of it that hold no end of a head
        self._found: tuple[Head, Route | None] | None = None  # the request whose body is awaited
        self._heads = HeadReader(site.head)
        self._raw_head = b""
        self._chunked: ChunkedBody | None = None
        self._body: bytes | None = None  # of a whole request that waits for those before it
        self._continue_due = False
        self._ended = False  # no further request is taken
        self._draining = -1  # bytes thrown away after a refusal; -1 before
        self._eof = False
        self._reading = True
        self._taking = False
        self._resuming = False
        self._writable = True
        self._unsent, self._stalled_since = 0, inf
        self._waits_for, self._deadline = "", inf

    # --- the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        site = self._site
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass of it
        peer = transport.get_extra_info("peername")
        # Connections of one address have one text, which is compared without being read.
        self._address = intern(peer[0]) if isinstance(peer, tuple) else peer or None
        self._proxied = site.proxies.trusts(self._address)
        self._tls = transport.get_extra_info("sslcontext") is not None
        refused = site.full() or site.closing
        # Behind a proxy that is trusted there are many clients.
        crowded = not refused and not self._proxied and not site.peers.enter(self._transport, self._address)
        site.connections[self] = None
        self._wait_for("idle")
        if crowded:
            site.counts.refused_connections += 1
            sentence = "This address has as many connections as it may have; close one first."
            self._fail(ApiError("RATE_LIMITED", sentence, retry_after_s=1))
        if refused:
            site.counts.refused_connections += 1
            self._fail(ApiError("OVERLOADED", "There are too many connections; try again."))

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone; what it asked for still happens."""
        self._site.remove(self)
        self._site.peers.leave(self._transport)
        self._transport = None
        self._slots.clear()
        self._ahead.clear()
        self._body = None

    def eof_received(self) -> bool:
        """The client sends no more. It still gets the replies that it is owed."""
        self._eof = True
        # TLS has no half-closed connection: it ends both ways at once.
        return not self._tls and (bool(self._slots) or self._body is not None or self._resuming)

    def pause_writing(self) -> None:
        """The client does not read its replies: its next requests wait."""
        self._writable = False
        self._throttle()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._writable = True
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Take what the client has sent."""
        if self._draining >= 0:
            self._draining += len(data)
            if self._draining > DRAIN_MAX_BYTES:
                self.abort()
            return
        ahead = self._ahead
        if not ahead and not self._held():
            end = self._take(data)
            if end < len(data):
                ahead += memoryview(data)[end:]
        else:
            ahead += data
            if not self._held() and len(ahead) >= self._wanted:
                self._take_ahead()
        self._throttle()

    # --- taking requests

    def _held(self) -> bool:
        """Whether nothing can be taken now."""
        return (
            self._body is not None
            or self._ended
            or not self._writable
            or len(self._slots) >= SLOTS_MAX
            or self._transport is None
        )

    def _take_ahead(self) -> None:
        data = bytes(self._ahead)
        self._ahead.clear()
        end = self._take(data)
        if end < len(data):
            self._ahead += memoryview(data)[end:]

    def _take(self, data: bytes) -> int:
        """Take as many requests as are whole and may be taken; how many of the bytes that was."""
        self._taking, self._wanted = True, 0
        at = 0
        try:
            while True:
                if self._body is not None:
                    if not self._may_follow():
                        break
                    if self._takes_over():
                        self._take_over(data[at:])
                        return len(data)
                    self._call()
                elif at >= len(data) or self._held():
                    break
                else:
                    end = self._step(data, at)
                    if end < 0:
                        break
                    at = end
        except ApiError as error:
            self._fail(error, path=asked_path(data, at))
            return len(data)
        finally:
            self._taking = False
        if self._draining >= 0 or self._transport is None:
            return len(data)
        self._await_more(begun=at < len(data))
        return at

    def _step(self, data: bytes, at: int) -> int:
        """Take a head, or a part of a body; where it ends, or -1 if more must come. Raises ApiError."""
        if self._found is None:
            return self._take_head(data, at)
        if self._chunked is not None:
            at = self._chunked.take(data, at)
            if self._chunked.complete:
                self._body, self._chunked = self._chunked.body, None
            return at
        end = at + self._found[0].body_bytes
        if end > len(data):
            self._wanted = end - at
            return -1
        self._body = data[at:end]
        return end

    def _take_head(self, data: bytes, at: int) -> int:
        begin = at
        while begin < len(data) and data[begin] in b"\r\n":
            begin += 1
        if begin - at > BLANK_MAX_BYTES:
            raise ApiError("INVALID_FIELD", "The request cannot be read: it begins with empty lines.")
        if begin == len(data):
            return begin
        end = data.find(b"\r\n\r\n", max(begin, at + self._scanned)) + 4
        if (end if end > 3 else len(data)) - begin > HEAD_MAX_BYTES:
            raise ApiError("TOO_LARGE", "The head of the request is too long.")
        if end < 4:
            self._scanned = max(len(data) - at - 3, 0)
            self._wanted = len(data) - at + 1
            return -1
        self._scanned = 0
        self._raw_head = data[begin:end]
        self._found = self._heads.read(self._raw_head)
        self._begin_body(self._found[0], more=end < len(data))
        return end

    def _begin_body(self, head: Head, *, more: bool) -> None:
        body_max_bytes = self._site.config.body_max_bytes
        if head.body_bytes > body_max_bytes:
            raise ApiError("TOO_LARGE", "The body is too large.")
        if not head.body_bytes:
            self._body = b""
            return
        if head.body_bytes < 0:
            self._chunked = ChunkedBody(body_max_bytes)
        if head.expects_continue and not more:
            self._continue_due = True
            self._send_continue()

    def _send_continue(self) -> None:
        if self._continue_due and not self._slots and self._transport is not None:
            self._continue_due = False
            self._transport.write(CONTINUE)

    def _may_follow(self) -> bool:
        """Whether the whole request cannot overtake those before it, and there is room for its reply."""
        slots = self._slots
        if not slots:
            return self._writable
        assert self._found is not None
        route = self._found[1]
        if route is None or not route.in_order or self._takes_over():
            return False
        return self._writable and len(slots) < SLOTS_MAX and all(slot.in_order for slot in slots)

    def _call(self) -> None:
        """Hand the request to its route."""
        assert self._found is not None
        assert self._body is not None
        (head, route), raw_body, site = self._found, self._body, self._site
        self._found = self._body = None
        self._continue_due = False
        site.counts.requests["protocol"] += 1
        last = not head.keep_alive or site.closing
        request_id = site.request_ids.of(head.headers.get("x-request-id"))
        in_order = route is not None and route.in_order
        slot = Slot(self, request_id, last=last, old=head.old, head_only=head.method == "HEAD", in_order=in_order)
        self._slots.append(slot)
        self._ended = last
        self._waits_for, self._deadline = "", inf
        try:
            slot.left = site.admission.admit(
                self._client(head),
                head.headers,
                changes=route is not None and route.changes,
                cancels=route is not None and route.cancels,
            )
            if route is None:
                slot.send(site.no_route(head.path, request_id))
                return
            body = decoded(head.headers.get("content-encoding"), raw_body, site.config.body_max_bytes)
            route.handle(self._request(head, raw_body, body, request_id), slot)
        except Exception as error:
            slot.send(site.refuse(error, f"{head.method} {head.path}", request_id, head.path))

    def _request(self, head: Head, raw_body: bytes, body: bytes, request_id: str) -> Request:
        address = self._client(head)
        return Request(
            head.method, head.target, head.path, head.query, head.headers, raw_body, body, address, request_id
        )

    def _client(self, head: Head) -> str | None:
        return self._site.proxies.client(self._address, head.headers) if self._proxied else self._address

    # --- taking over

    def _takes_over(self) -> bool:
        assert self._found is not None
        head, route = self._found
        if head.websocket and head.method == "GET" and head.path in self._site.socket_paths:
            return True
        return route is not None and route.page and self._site.page_server is not None

    def _take_over(self, rest: bytes) -> None:
        """Give the connection to a WebSocket or to the aiohttp application, which begins with the rest."""
        assert self._found is not None
        assert self._transport is not None
        (head, _), transport, site, raw_body = self._found, self._transport, self._site, self._body or b""
        self._found = self._body = None
        resume = not self._reading and not self._eof
        if not head.websocket:
            self._leave()
            site.counts.requests["handed_over"] += 1
            open_page(site, transport, self._raw_head + raw_body + rest, resume=resume, eof=self._eof)
            return
        request_id = site.request_ids.of(head.headers.get("x-request-id"))
        try:
            site.admission.admit(self._client(head), head.headers, changes=True)
            socket = open_socket(site, transport, self._request(head, raw_body, raw_body, request_id))
        except Exception as error:
            self._fail(error, request_id, head.path)
            return
        self._leave()
        site.counts.requests["websocket"] += 1
        if resume:
            transport.resume_reading()
        if rest:
            socket.data_received(rest)

    def _leave(self) -> None:
        self._site.remove(self)
        self._transport = None

    # --- replies

    def flush(self) -> None:
        """Write the replies that are due, in one go."""
        transport, slots = self._transport, self._slots
        if transport is None:
            return
        out: list[bytes] = []
        last = False
        while slots and not last:
            reply = slots[0].reply
            if reply is None:
                break
            out.append(reply)
            last = slots.popleft().last
        if not out:
            return
        transport.write(out[0] if len(out) == 1 else b"".join(out))
        if last:
            self._end()
        elif not self._taking:
            self._send_continue()
            if self._ahead or self._body is not None or not self._reading:
                self._go_on()
            else:
                self._await_more(begun=False)

    def _go_on(self) -> None:
        """Take more in a step of its own: this one may be the writer's release, which all clients wait for."""
        if not self._resuming and self._transport is not None:
            self._resuming = True
            asyncio.get_running_loop().call_soon(self._resume)

    def _resume(self) -> None:
        self._resuming = False
        if self._transport is None or self._draining >= 0:
            return
        if self._body is not None or (not self._held() and len(self._ahead) >= self._wanted):
            self._take_ahead()
        self._throttle()

    def _end(self) -> None:
        """The last reply is written."""
        assert self._transport is not None
        self._ended = True
        if self._draining < 0 or self._eof or not self._transport.can_write_eof():
            self._transport.close()
        else:
            # A client that is still sending would not see its reply if the connection were closed now.
            self._transport.write_eof()

    def _fail(self, error: BaseException, request_id: str | None = None, path: str = "") -> None:
        """Refuse what cannot be read, and whatever follows it."""
        if self._found is not None:
            path = self._found[0].path
        self._ended, self._found, self._body, self._chunked = True, None, None, None
        self._ahead.clear()
        site = self._site
        request_id = request_id or site.request_ids.next()
        slot = Slot(self, request_id, last=True, old=False, head_only=False, in_order=False)
        self._slots.append(slot)
        self._draining = 0
        self._waits_for, self._deadline = "drain", site.now + DRAIN_S
        slot.send(site.refuse(error, "reading a request", request_id, path))

    # --- bounds

    def _await_more(self, *, begun: bool) -> None:
        """Set the deadline of what the client must do next."""
        if self._found is not None and self._body is None:
            self._wait_for("body")
        elif begun and not self._held():
            self._wait_for("head")
        elif self._slots or self._body is not None:
            self._waits_for, self._deadline = "", inf
        elif self._eof:
            self._end()
        else:
            self._wait_for("idle")

    def _wait_for(self, what: str) -> None:
        if what != self._waits_for:
            self._waits_for, self._deadline = what, self._site.now + self._site.timeouts_s[what]

    def _throttle(self) -> None:
        """Read from the client as long as there is room for what it sends."""
        transport = self._transport
        if transport is None or transport.is_closing() or self._eof:
            return
        full = self._held() and (len(self._ahead) > AHEAD_MAX_BYTES or not self._writable)
        reading = not full or self._draining >= 0
        if reading != self._reading:
            self._reading = reading
            if reading:
                transport.resume_reading()
            else:
                transport.pause_reading()

    def sweep(self, now: float) -> None:
        """Look after the deadlines."""
        transport = self._transport
        if transport is None:
            return
        unsent = transport.get_write_buffer_size()
        if not unsent or unsent < self._unsent:
            self._stalled_since = now if unsent else inf
        elif self._stalled_since == inf:
            self._stalled_since = now
        self._unsent = unsent
        if now - self._stalled_since > self._site.config.write_timeout_s:
            self._site.counts.timeouts["write"] += 1
            self.abort()
        elif now > self._deadline:
            self._expire()

    def _expire(self) -> None:
        what = self._waits_for
        assert self._transport is not None
        if what == "drain":
            self.abort()
            return
        self._site.counts.timeouts[what] += 1
        if what == "idle":
            self._transport.close()
        else:
            self._fail(ApiError("REQUEST_TIMEOUT", f"The {what} of the request did not arrive in time."))

    def owed_bytes(self) -> int:
        """What waits in this process for the client to read it."""
        if self._transport is None:
            return 0
        waiting = sum(len(slot.reply) for slot in self._slots if slot.reply is not None)
        return self._transport.get_write_buffer_size() + waiting

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """Close when what was promised is sent; a request that has not arrived whole was not."""
        self._ended = True
        if self._slots:
            self._slots[-1].last = True
        elif self._transport is not None:
            self._transport.close()
