"""Files that members attach. Their addresses are signed: no token of ours goes to them."""

from typing import Any

from bot.chat import fetching
from bot.kit.command import Upload
from bot.kit.files import FileStore


async def fetch(store: FileStore, attachment: dict[str, Any]) -> Upload:
    """The file that an interaction names, before its address expires.

    Raises:
        Refusal: It is too large or empty, or does not come.
    """
    return await fetching.fetch(
        store,
        str(attachment.get("url") or ""),
        name=fetching.named(attachment.get("filename")),
        platform="Discord",
        announced=attachment.get("size"),
    )
