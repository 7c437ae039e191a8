"""A Discord on loopback, good enough that discord.py works with it unpatched.

``fake = await DiscordFake().start()``, or the fixture ``discord`` of ``tests.fakes.discord.fixtures``.
The bot is given ``fake.token``, ``fake.api_base`` and ``fake.gateway``; ``fake.app_id`` is what its
token names.

Making the world::

    guild = fake.guild("Book Club")                  # the bot is in it; bot=False: it is not
    ada = fake.member(guild, "Ada", admin=True)      # roles=…, dms_closed=True, locale="de"
    general = fake.channel(guild, "general")         # kind="voice", "forum", "news", "stage"
    secret = fake.channel(guild, "secret", closed=True, visible=[ada], bot=False)
    mentors = fake.role(guild, "Mentors"); fake.give_role(ada, mentors); fake.take_role(…)
    fake.delete_role(mentors); ada.user.nitro = True   # larger files than the server takes
    fake.add_bot(guild); fake.remove_bot(guild); fake.outage(guild); fake.outage(guild, over=True)
    fake.join(other_guild, ada); fake.remove(ada); fake.rename(ada, "Countess")
    fake.delete_account(ada.user); fake.delete_channel(general); ada.user.dms_closed = True
    fake.close_to(general, guild.bot, "send_messages"); fake.archive(thread, locked=True)
    dm = fake.direct(ada); message = fake.say(ada, general, "hello"); fake.rewrite(message, "hi")
    fake.take_back(message)

What people do, each giving a ``Deed`` as soon as the bot is told::

    file = fake.file("model.onnx", b"…")
    deed = await fake.command(ada, general, "/model submit", {"benchmark": "digits", "file": file})
    deed = await fake.menu(ada, message, "Report"); await fake.menu(ada, bo, "…", channel=general)
    deed = await fake.press(ada, message, "label or custom_id")
    deed = await fake.choose(ada, message, "custom_id or placeholder", "an option", …)
    deed = await fake.submit(ada, await deed.opened(), {"Label or custom_id": "value", "File": file})
    names = await fake.autocomplete(ada, general, "/model submit", "benchmark", "di")

    await fake.redeliver(deed)                       # the same interaction once more

What Discord's own client refuses (no such command or option, something missing, a value of another
kind, a button that is greyed out, too large a file) raises ``CannotDo``.

What came of it: ``await deed.acked()`` (``deed.acked_after``, ``.deferred``, ``.ephemeral``);
``message = await deed.replied()``, ``modal = await deed.opened()``, ``await deed.updated()`` (the
message with the button changed); ``deed.message``, ``.modal``, ``.followups``, ``.seen``, ``.text``,
``.failed``. Messages have ``text``, ``content``, ``embeds``, ``components``, ``buttons``, ``files``,
``ephemeral``, ``edits``, ``pings``. ``general.said``, ``general.last``, ``fake.messages(general)``,
``fake.seen_by(ada)``, ``fake.all_messages``, ``fake.pinged``;
``await fake.until(lambda: general.said)`` waits for anything.
``fake.requests`` and ``fake.calls("POST /channels/{channel}/messages")`` are what the bot asked
(``body``, ``files``, ``headers``, ``query``, ``at``, ``answer``, ``status``);
``fake.cdn.downloads`` who fetched files and with which Authorization; ``fake.commands`` and
``guild.commands`` what is registered.

Every request is checked against Discord's limits (``limits``, ``checking``) and, where the file is,
against Discord's OpenAPI (``schemas``): what breaks them is answered as Discord answers it, and kept
in ``fake.violations``, which the fixture wants empty at the end. So is a message that does not switch
all pings off, though Discord would take it.

What goes wrong: ``fake.storm(route, times, retry_after, via=True, everywhere=False)``,
``fake.lose_answer(route)``, ``fake.slow(route, seconds)``, ``fake.break_down(route, status=500)``,
where a route is named as in ``fake.calls`` and ``"*"`` is any; ``await fake.revoke()``,
``await fake.go_away()``, ``await fake.come_back()``, ``fake.cdn.broken = True``.
``fake.rates.on = True`` turns Discord's rate limits on (5 messages in 5 s a channel, 50 requests a
second), ``fake.rates.refused`` counts. ``fake.crowd``: more than ``most_direct`` new direct messages
in ten minutes are refused, then the bot is ``quarantined``; after ``most_invalid`` answers of 401,
403 and 429 it is ``banned``. Servers are full at 500 channels, 250 roles, 100 events, 1,000 threads.

``fake.pass_minutes(20)`` lets time pass for tokens, links and nonces.
``fake.gateway_server``: ``await .ready()``, ``.drop()``, ``.ask_to_reconnect()``, ``.invalidate()``,
``.forget_sessions()``, ``.refusing``, ``.mute``, ``.allowed``, ``.identifies``, ``.resumes``.
"""

from .choosing import CannotDo
from .deeds import Deed, Modal
from .fake import DiscordFake
from .reading import NotThere, text_of
from .world import Attachment, Channel, Event, Guild, Member, Message, Role, User

__all__ = [
    "Attachment",
    "CannotDo",
    "Channel",
    "Deed",
    "DiscordFake",
    "Event",
    "Guild",
    "Member",
    "Message",
    "Modal",
    "NotThere",
    "Role",
    "User",
    "text_of",
]
