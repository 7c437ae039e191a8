"""Upload links as those who hold one use them: asked for in the chat, sent to over HTTP."""

import asyncio
import base64
import io
import os
import re
from urllib.parse import urlsplit

from sqlalchemy import select

from bot.features.leaderboards.models import Submission
from tests.features.boards import MODEL

BIG = MODEL + os.urandom(3_000_000)
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = TUS | {"Content-Type": "application/offset+octet-stream"}


async def ask(chat, who="ada", line="/model link benchmark:digits", **more):
    """The address that the chat gives for it."""
    answer = await chat.say(who, line, **more)
    assert answer.message.private
    return re.search(r"<(http://[^>]+/)>", answer.message.plain())[1]


async def send(client, method, url, data=None, **headers):
    data = io.BytesIO(data) if isinstance(data, bytes) else data
    named = {k.replace("_", "-"): str(v) for k, v in headers.items()}
    async with client.request(method, url, data=data, headers=named) as response:
        return response.status, await response.text(), response.headers


async def piece(client, url, offset, data, total, **more):
    name = base64.b64encode("modèle.onnx".encode()).decode()
    headers = PIECE | {"Upload-Offset": str(offset), "Upload-Length": str(total)}
    headers |= {"Upload-Metadata": f"filename {name}", **more}
    return await send(client, "PATCH", url, data, **headers)


async def cut_off(url, data, *, total):
    """Send some of a file and cut the socket in the middle."""
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(
        f"PUT {parts.path}model.onnx HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Content-Length: {total}\r\n\r\n".encode()
        + data
    )
    await writer.drain()
    await asyncio.sleep(0.2)
    writer.transport.abort()


async def submissions(chat):
    async with chat.core.database.read() as session:
        return (await session.scalars(select(Submission))).all()


def pieces(chat):
    return sorted((chat.core.services.files.root / "partial").iterdir())


def kept(chat):
    """Names of the files in the store."""
    return sorted(path.name for path in chat.core.services.files.root.glob("??/*"))
