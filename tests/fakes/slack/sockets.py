"""Socket Mode: tickets, connections, envelopes, and what happens to those never acknowledged."""

import asyncio
import json
from dataclasses import dataclass, field
from itertools import cycle
from uuid import uuid4

from aiohttp import WSMsgType, web

from . import limits


@dataclass(eq=False)
class Socket:
    """One connection of the app."""

    number: int
    ws: web.WebSocketResponse
    transport: asyncio.Transport
    pings: int = 0


@dataclass(eq=False)
class Sockets:
    """All connections of the app; each envelope goes to one of them."""

    fake: object
    open: list[Socket] = field(default_factory=list)
    opened: int = 0
    enabled: bool = True
    refusing: bool = False
    mute: bool = False  # answers no pings
    deaf: bool = False  # hears no acknowledgements

    def __post_init__(self):
        self._tickets = set()
        self._waiting = {}  # envelope id → the deed that is not acknowledged
        self._unsent = []  # events for which no connection was there
        self._turn = cycle(range(1_000_000))

    def ticket(self):
        """Give the address of one connection, good for one use."""
        ticket = uuid4().hex
        self._tickets.add(ticket)
        host = self.fake.origin.removeprefix("http://")
        return f"ws://{host}/link/?ticket={ticket}&app_id={self.fake.app_id}"

    async def serve(self, request):
        """Serve one connection until it ends."""
        if request.query.get("ticket") not in self._tickets or self.refusing:
            return web.Response(status=404, text="no such ticket")
        self._tickets.discard(request.query["ticket"])
        ws = web.WebSocketResponse(autoping=False)
        await ws.prepare(request)
        self.opened += 1
        socket = Socket(self.opened, ws, request.transport)
        if len(self.open) >= limits.SOCKETS:
            await self._say(socket, self._disconnect("too_many_websockets"))
            await ws.close()
            return ws
        self.open.append(socket)
        try:
            await self._greet(socket)
            await self._listen(socket)
        finally:
            self._forget(socket)
        return ws

    async def _greet(self, socket):
        debug = {"host": "fake", "build_number": 1, "approximate_connection_time": 18060}
        hello = {"type": "hello", "num_connections": len(self.open), "debug_info": debug}
        hello["connection_info"] = {"app_id": self.fake.app_id}
        await self._say(socket, hello)
        unsent, self._unsent = self._unsent, []
        for deed in unsent:
            await self.send(deed)
        self.fake.bell.ring()

    async def _listen(self, socket):
        async for message in socket.ws:
            if message.type is WSMsgType.PING:
                socket.pings += 1
                if not self.mute:
                    await socket.ws.pong(message.data)
            elif message.type is WSMsgType.TEXT and not self.deaf:
                answer = json.loads(message.data)
                deed, _ = self._waiting.pop(answer.get("envelope_id"), (None, None))
                if deed is not None:
                    self.fake.acknowledged(deed, answer.get("payload") or {})

    def _forget(self, socket):
        """Bring events that the lost connection did not acknowledge to the next one."""
        if socket in self.open:
            self.open.remove(socket)
        lost = [key for key, (_, to) in self._waiting.items() if to is socket]
        deeds = [self._waiting.pop(key)[0] for key in lost]
        self._unsent += [deed for deed in deeds if deed.kind == "events_api"]
        self.fake.bell.ring()
        if self.open and self._unsent and not self.fake.stopping:
            unsent, self._unsent = self._unsent, []
            self.fake.spawn(self._resend(unsent))

    async def _resend(self, deeds):
        for deed in deeds:
            await self.send(deed)

    async def send(self, deed, *, reason="timeout"):
        """Send what a person did as an envelope; events wait for a connection, the rest fails."""
        if not self.open:
            if deed.kind == "events_api":
                self._unsent.append(deed)
            else:
                deed.trouble.append("dispatch_failed: no connection is open")
            return
        socket = self.open[next(self._turn) % len(self.open)]
        envelope = {
            "envelope_id": str(uuid4()),
            "type": deed.kind,
            "accepts_response_payload": deed.kind != "events_api",
            "payload": deed.payload,
        }
        if deed.kind == "events_api":
            envelope |= {
                "retry_attempt": deed.attempts,
                "retry_reason": reason if deed.attempts else "",
            }
        deed.attempts += 1
        self._waiting[envelope["envelope_id"]] = deed, socket
        await self._say(socket, envelope)

    async def _say(self, socket, message):
        try:
            await socket.ws.send_str(json.dumps(message))
        except ConnectionError:
            self._forget(socket)

    @staticmethod
    def _disconnect(reason):
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "fake"}}

    async def ask_to_reconnect(self, reason="refresh_requested"):
        """Say on every connection that it ends soon (warning, refresh_requested, link_disabled)."""
        for socket in list(self.open):
            await self._say(socket, self._disconnect(reason))

    async def drop(self, *, politely=False):
        """End every connection: as the network does, or *politely* with a closing handshake."""
        for socket in list(self.open):
            if politely:
                await socket.ws.close(code=1001)
            else:
                socket.transport.abort()
            self._forget(socket)

    async def connected(self, number=1, *, within=5.0):
        """Wait until *number* connections are open."""
        await self.fake.bell.until(
            lambda: len(self.open) >= number, within=within, what=f"connection {number}"
        )
