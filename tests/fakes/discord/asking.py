"""Asking the fake as the bot would, without discord.py: for what discord.py would never send."""

import io
import json

import aiohttp


async def ask(fake, method, path, body=None, *, files=(), token=None, **query):
    """Give status and answer of one request with the bot's token; *files* are (name, bytes)."""
    headers = {"Authorization": f"Bot {token or fake.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        if files:
            form = aiohttp.FormData(quote_fields=False)
            form.add_field("payload_json", json.dumps(body))
            for number, (name, content) in enumerate(files):
                form.add_field(f"files[{number}]", io.BytesIO(content), filename=name)
            sent = {"data": form}
        else:
            sent = {"json": body} if body is not None else {}
        async with session.request(method, fake.api_base + path, params=query, **sent) as answer:
            if answer.content_type == "application/json":
                return answer.status, await answer.json()
            return answer.status, await answer.text()
