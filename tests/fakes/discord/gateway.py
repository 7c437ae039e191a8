"""The gateway: sessions, heartbeats, events in their order, and their replay after a RESUME."""

import asyncio
import contextlib
import json
import zlib
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from . import payloads

DISPATCH, HEARTBEAT, IDENTIFY, RESUME, RECONNECT = 0, 1, 2, 6, 7
REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 8, 9, 10, 11
GUILDS, MEMBERS, MESSAGES, DIRECT, CONTENT, EVENTS = (1 << n for n in (0, 1, 9, 12, 15, 16))
#: privileged intents, which have to be switched on for an application
PRIVILEGED = {"members": MEMBERS, "presences": 1 << 8, "message_content": CONTENT}


@dataclass(eq=False)
class Session:
    """What a client identified for; it outlives its sockets until it is invalidated."""

    id: str
    intents: int
    log: list = field(default_factory=list)  # (sequence, name, data)
    link: "Link | None" = None

    def hears(self, intent, *, content=None):
        return not intent or bool(self.intents & intent)


@dataclass(eq=False)
class Link:
    """One socket; compressed as one zlib stream if the client asked for that."""

    socket: web.WebSocketResponse
    zlib: object = None

    async def send(self, op, data=None, *, sequence=None, name=None):
        text = json.dumps({"op": op, "d": data, "s": sequence, "t": name})
        # A client that goes away in the middle hears the rest by RESUME.
        with contextlib.suppress(ConnectionError, RuntimeError):
            if self.zlib is None:
                await self.socket.send_str(text)
            else:
                packed = self.zlib.compress(text.encode()) + self.zlib.flush(zlib.Z_SYNC_FLUSH)
                await self.socket.send_bytes(packed)


class Gateway:
    """Serves ``/gw``."""

    def __init__(self, fake):
        self.fake = fake
        self.interval = 41.25
        self.sessions, self.links = {}, []
        self.identifies, self.resumes, self.heartbeats = 0, 0, 0
        self.mute = False  # heartbeats are not acknowledged, as by a link that died
        self.refusing = False  # no socket is accepted
        self.allowed = set(PRIVILEGED)
        self._queue = None
        self._sender = None

    def start(self):
        self._queue = asyncio.Queue()
        self._sender = asyncio.create_task(self._send_all())

    async def stop(self):
        self._sender.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sender
        await self.drop(code=1001)

    async def serve(self, request):
        """Speak with one client until it or the test ends it."""
        if self.refusing:
            return web.Response(status=503)
        socket = web.WebSocketResponse(max_msg_size=4096, autoping=True)
        await socket.prepare(request)
        packed = request.query.get("compress") == "zlib-stream"
        link = Link(socket, zlib.compressobj() if packed else None)
        self.links.append(link)
        try:
            await link.send(HELLO, {"heartbeat_interval": int(self.interval * 1000), "_trace": []})
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._heard(link, json.loads(message.data))
        finally:
            self.links.remove(link)
            for session in self.sessions.values():
                if session.link is link:
                    session.link = None
        return socket

    async def _heard(self, link, message):
        op, data = message["op"], message["d"]
        if op == HEARTBEAT:
            self.heartbeats += 1
            if not self.mute:
                await link.send(ACK)
        elif op in (IDENTIFY, RESUME):
            if data["token"] != self.fake.token or self.fake.revoked:
                await link.socket.close(code=4004, message=b"Authentication failed.")
            elif op == IDENTIFY:
                await self._identify(link, data)
            else:
                await self._resume(link, data)
        elif op == REQUEST_MEMBERS:
            await self._members(link, data)

    async def _identify(self, link, data):
        self.identifies += 1
        for name, intent in PRIVILEGED.items():
            if data["intents"] & intent and name not in self.allowed:
                await link.socket.close(code=4014, message=b"Disallowed intent(s).")
                return
        session = Session(f"session-{self.fake.ids()}", data["intents"])
        session.link = link
        self.sessions[session.id] = session
        guilds = [g for g in self.fake.guilds if g.bot is not None]
        ready = {
            "v": 10,
            "user": payloads.user(self.fake.bot_user),
            "guilds": [{"id": str(g.id), "unavailable": True} for g in guilds],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.fake.gateway,
            "application": {"id": str(self.fake.app_id), "flags": 0},
            "private_channels": [],
            "shard": [0, 1],
        }
        self._log(session, "READY", ready)
        for guild in guilds:
            if not guild.unavailable:
                self._log(session, "GUILD_CREATE", payloads.guild(guild, as_event=True))

    async def _resume(self, link, data):
        session = self.sessions.get(data["session_id"])
        if session is None:
            await link.send(INVALID_SESSION, False)
            return
        self.resumes += 1
        session.link = link
        for sequence, name, event in list(session.log):
            if sequence > data["seq"]:
                await link.send(DISPATCH, event, sequence=sequence, name=name)
        self._log(session, "RESUMED", {"_trace": []})

    async def _members(self, link, data):
        guild = self.fake.find_guild(data["guild_id"])
        people = list(guild.members.values()) if guild else []
        if ids := data.get("user_ids"):
            wanted = {int(i) for i in (ids if isinstance(ids, list) else [ids])}
            people = [m for m in people if m.id in wanted]
        elif query := data.get("query"):
            people = [m for m in people if m.name.lower().startswith(query.lower())]
        if data.get("limit"):
            people = people[: data["limit"]]
        parts = [people[i : i + 1000] for i in range(0, len(people), 1000)] or [[]]
        for number, part in enumerate(parts):
            chunk = {
                "guild_id": str(data["guild_id"]),
                "members": [payloads.member(m) for m in part],
                "chunk_index": number,
                "chunk_count": len(parts),
            }
            if data.get("nonce"):
                chunk["nonce"] = data["nonce"]
            for session in self.sessions.values():
                if session.link is link:
                    self._log(session, "GUILD_MEMBERS_CHUNK", chunk)

    def _log(self, session, name, data):
        session.log.append((len(session.log) + 1, name, data))
        self._queue.put_nowait((session, *session.log[-1]))

    async def _send_all(self):
        while True:
            session, sequence, name, data = await self._queue.get()
            if session.link is not None:
                await session.link.send(DISPATCH, data, sequence=sequence, name=name)

    def emit(self, name, data, *, intent=0, content=False):
        """Send an event to every session that listens; *content* says that it tells words.

        Without the intent for message content Discord leaves words and files of messages out.
        """
        if self._queue is None:
            return
        for session in self.sessions.values():
            if not session.hears(intent):
                continue
            hidden = content and not session.intents & CONTENT
            bare = {"content": "", "embeds": [], "attachments": [], "components": []}
            self._log(session, name, {**data, **bare} if hidden else data)

    @property
    def connected(self):
        """How many sessions have a socket now."""
        return sum(session.link is not None for session in self.sessions.values())

    async def ready(self, sessions=1):
        """Wait until a bot is connected."""
        await self.fake.until(lambda: self.connected >= sessions, what="a bot at the gateway")

    async def drop(self, *, code=None):
        """Lose every socket: without a word, or with a close *code*."""
        for link in list(self.links):
            if code is None:
                if link.socket._req is not None and link.socket._req.transport is not None:
                    link.socket._req.transport.abort()
            else:
                await link.socket.close(code=code)
        for session in self.sessions.values():
            session.link = None

    async def ask_to_reconnect(self):
        """Ask every client to come back and resume, as Discord does when it restarts a host."""
        for link in list(self.links):
            await link.send(RECONNECT)

    async def invalidate(self, *, resumable=False):
        """End the sessions; the client has to identify afresh unless it is *resumable*."""
        for link in list(self.links):
            await link.send(INVALID_SESSION, resumable)
        if not resumable:
            self.sessions.clear()

    def forget_sessions(self):
        """Let the next RESUME fail with INVALID_SESSION, as after a long absence."""
        self.sessions.clear()
