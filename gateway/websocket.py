"""uvicorn's websocket protocol, with the ASGI extension ``gateway.frames``: finished frames to the transport.

Rules:

* All that the extension's ``Flow`` writes goes out in that order, and ``websocket.close`` after it.
* Pongs are read whether or not the application receives. Reading stops only while the client does not take what it
  is sent (the transport's buffer is over its mark), or while unread messages have piled up; the application gets no
  message either while the client takes nothing, so that answers to whoever never reads them are bounded.
* What comes in is taken in slices, one in a turn of the event loop: thousands of frames in one piece hold up nobody.
  Nor do thousands of connections that flood: each is read at ``pace.frames_per_s`` at most, ``FRAME_BYTES`` counting
  as a frame.
* A client's close is answered, a fault of it told, with the close code. Whoever began, our half is closed behind the
  close frame, and what still comes is dropped until the client ends or ``close_within_s`` have passed: closing at
  once might reset the connection, and take the close code with it. Nobody keeps a connection open longer than that
  by not reading.
"""

import asyncio
import time
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import Frame as ClientFrame
from websockets.http11 import Request

from gateway.domain.buckets import TokenBucket
from gateway.domain.figures import Histogram
from gateway.hub.member import FRAMES
from gateway.protocol.flow import Flow, Pace
from gateway.protocol.messages import CloseCode

SLICE_BYTES = 1_024
MOST_UNREAD_BYTES = 32_768
FRAME_BYTES = 256
MESSAGE_OVERHEAD_BYTES = 512  # what a queued message takes besides its text
SHUTDOWN_S = 2.0  # within uvicorn's grace for connections
ABNORMAL, INVALID_TEXT = 1006, 1007


class Unread:
    """The queue of one connection's messages for its one reader, in a tenth of the memory of an ``asyncio.Queue``.

    Bounded by whoever puts something in: see ``MOST_UNREAD_BYTES``.
    """

    __slots__ = ("_messages", "_reader")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._reader: asyncio.Future[None] | None = None

    def empty(self) -> bool:
        return not self._messages

    def qsize(self) -> int:
        return len(self._messages)

    def put_nowait(self, message: Any) -> None:
        self._messages.append(message)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def get(self) -> Any:
        """The first message; when cancelled, none is lost."""
        while not self._messages:
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._messages.pop(0)


class FramesProtocol(WebSocketsSansIOProtocol):
    """One connection; ``pace`` and ``lag`` are bound by whoever makes the server.

    ``lag`` is told how long, in seconds, the pongs of all connections were on their way.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        pace: Pace,
        lag: Histogram,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.queue = Unread()  # type: ignore[assignment]  # what is used of a queue
        self._pace = pace
        self._lag = lag
        self._ended = False
        self._input = b""
        self._has_a_turn = False
        self._unread_bytes = 0
        self._message = bytearray()
        self._frames = 0
        self._work = TokenBucket(pace.frame_burst, pace.frames_per_s)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._flow = Flow(self.transport.write, self._pace, self.loop.time(), time.monotonic)

    # --- the way out ------------------------------------------------------------------------------------------------

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[FRAMES] = self._flow

    async def send(self, message: Any) -> None:
        """As ASGI has it. Closing does not wait for a client that takes nothing."""
        if self._ended:
            raise ClientDisconnected
        closing = message["type"] == "websocket.close"
        if closing:
            self.writable.set()
        await super().send(message)
        if closing:
            self._let_go()
        elif message["type"] == "websocket.accept":
            # kilobytes that nobody asks for any more; Litestar has read them by now
            self.request.headers.clear()
            self.scope["headers"] = ()
            self._look()
            self._go_on()
        elif self.close_sent:
            self.handshake_complete = True  # uvicorn takes a refusal with a body for a fault of the application

    def handle_ping(self) -> None:
        self._frames += 1
        if not self.transport.is_closing():
            super().handle_ping()

    def handle_pong(self, event: ClientFrame) -> None:
        self._frames += 1
        self._note_lag(self._flow.pong(bytes(event.data), self.loop.time()))

    def _is_a_pong(self, data: bytes) -> bool:
        """Whether it was nothing but an answer to a ping, and is done with."""
        lag_s = self._flow.pong_in(data, self.loop.time())
        self._frames += lag_s is not None
        self._note_lag(lag_s)
        return lag_s is not None

    def _note_lag(self, lag_s: float | None) -> None:
        if lag_s is not None:
            self._lag.observe(lag_s)

    def _look(self) -> None:
        """Keep-alive, in place of uvicorn's."""
        if self.close_sent or self.transport.is_closing():
            return
        again_s = self._flow.look(self.loop.time())
        if again_s is None:
            self._fail(CloseCode.GONE, f"no pong for {self._pace.gone_after_s:g} s: come back and resume")
        else:
            self.ping_timer = self.loop.call_at(again_s, self._look)

    # --- the way in -------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if not self._ended:
            self._input += data
            self._go_on()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._regulate()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._go_on()

    async def receive(self) -> Any:
        """The next message, as soon as the client takes what it was sent."""
        await self.writable.wait()
        message = await self.queue.get()
        if self.queue.empty():
            self._unread_bytes = 0
            self._go_on()
        return message

    def _go_on(self) -> None:
        if not self._has_a_turn:
            self._take_a_slice()

    def _take_a_slice(self) -> None:
        self._has_a_turn = False
        if self._input and not self._has_enough():
            data, self._input = self._input[:SLICE_BYTES], self._input[SLICE_BYTES:]
            if not self._is_a_pong(data):
                self._parse(data)
            wait_s = self._work.spend(self._frames + len(data) / FRAME_BYTES, self.loop.time())
            self._frames = 0
            if self._input or wait_s:
                self._has_a_turn = True
                self.loop.call_later(wait_s, self._take_a_slice)
        self._regulate()

    def _parse(self, data: bytes) -> None:
        self.conn.receive_data(data)
        self.handle_events()
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self._refuse_unreadable(self.conn.handshake_exc)
        if self.conn.parser_exc is not None and not self._ended:
            self._end()

    def _refuse_unreadable(self, error: Exception) -> None:
        """Answer a handshake that is none; uvicorn would leave it open for ever, without a word."""
        self._ended = self.close_sent = self.handshake_complete = True
        self._input = b""
        answer = b"".join(self.conn.data_to_send())
        if not answer:
            answer = self.conn.reject(HTTPStatus.BAD_REQUEST, f"{error.__cause__ or error}\n").serialize()
        self.transport.write(answer)
        self.transport.close()

    def _has_enough(self) -> bool:
        """Whether nothing more is to be taken for now; nothing is before the handshake is answered."""
        if self.close_sent:
            return False
        opening = self.handshake_initiated and not self.handshake_complete
        return opening or not self.writable.is_set() or self._unread_bytes >= MOST_UNREAD_BYTES

    def _regulate(self) -> None:
        """Before the handshake is answered reading goes on, so that the end of the connection is noticed."""
        pause = self._has_a_turn or bool(self._input) or (self.handshake_complete and self._has_enough())
        if pause is self.read_paused or self.transport.is_closing():
            return
        self.read_paused = pause
        if pause:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def handle_text(self, event: ClientFrame) -> None:
        self.curr_msg_data_type = "text"
        self.handle_cont(event)

    def handle_bytes(self, event: ClientFrame) -> None:
        self.curr_msg_data_type = "bytes"
        self.handle_cont(event)

    def handle_cont(self, event: ClientFrame) -> None:
        """Put the pieces of a message together, in the memory of the message whatever their number."""
        self._frames += 1
        if self._message or not event.fin:
            self._message += event.data
        if not event.fin or self.close_sent:
            return
        whole = bytes(self._message or event.data)
        self._message = bytearray()
        received: Any = {"type": "websocket.receive", "bytes": whole}
        if self.curr_msg_data_type == "text":
            try:
                received = {"type": "websocket.receive", "text": whole.decode()}
            except UnicodeDecodeError as error:
                self._fail(INVALID_TEXT, f"no UTF-8 from byte {error.start} on")
                return
        self._unread_bytes += len(whole) + MESSAGE_OVERHEAD_BYTES
        self.queue.put_nowait(received)

    # --- the end ----------------------------------------------------------------------------------------------------

    def handle_close(self, event: ClientFrame) -> None:
        if self.close_sent:
            super().handle_close(event)
        else:
            self._end()

    def eof_received(self) -> None:
        self._go_within(self._pace.close_within_s)

    def _fail(self, code: int, reason: str) -> None:
        self.conn.fail(code, reason)
        self._end()

    def _end(self) -> None:
        """Send the close frame that ``conn`` has ready, and be done."""
        assert self.conn.close_sent is not None
        self._ended = self.close_sent = True
        self.stop_keepalive()
        told = self.conn.close_sent
        self.queue.put_nowait({"type": "websocket.disconnect", "code": told.code, "reason": told.reason})
        self.writable.set()
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._let_go()

    def _let_go(self) -> None:
        """The close frame is out: nothing else follows, and nothing is read any more; see the rules above."""
        self._ended = True
        self._input = b""
        self._flow.close()
        if self.transport.can_write_eof() and not self.transport.is_closing():
            self.transport.write_eof()
        self._go_within(self._pace.close_within_s)
        self._regulate()

    def shutdown(self) -> None:
        if not self.transport.is_closing():
            super().shutdown()
            self._flow.close()
            self._go_within(SHUTDOWN_S)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": ABNORMAL})  # uvicorn would say 1005
        super().connection_lost(exc)
        self._flow.close()

    def _go_within(self, seconds: float) -> None:
        """Whatever is not sent by then never will be."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(seconds, self.transport.abort)
