"""Waits for what somebody sends, as long as they do send: nobody holds on to us for nothing."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import web

PATIENCE_SECONDS = 30.0
_LEAST_BYTES = 30_000  #: in each such while; slower than the slowest modem is somebody who holds on


async def chunks_of(request: web.Request, *, seconds: float) -> AsyncIterator[bytes]:
    """The body as it comes. Raises TimeoutError where next to nothing came in *seconds*."""
    loop = asyncio.get_running_loop()
    until, come = loop.time() + seconds, 0
    while True:
        async with asyncio.timeout_at(until):
            chunk = await request.content.readany()
        if not chunk:
            return
        come += len(chunk)
        if come >= _LEAST_BYTES:
            until, come = loop.time() + seconds, 0
        yield chunk
