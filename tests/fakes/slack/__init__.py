"""A Slack on loopback, good enough that slack-bolt and slack_sdk work with it unpatched.

``fake = await SlackFake().start()``, or the fixture ``slack_fake`` of ``tests.fakes.slack.fixtures``.
The app is given ``fake.api_base``, ``fake.bot_token``, ``fake.app_token.value`` (Socket Mode),
``fake.signing_secret`` (HTTP), ``fake.file_host`` (the only host for the token), and for OAuth
``fake.client`` (id and secret), ``fake.authorize_url``.

Making the world::

    ada = fake.person("Ada", admin=True, tz="Europe/London")
    general = fake.channel("general")         # all people so far and the bot are in it
    secret = fake.channel("secret", private=True, bot=False)
    dm = fake.direct(ada)                     # the direct messages of the bot with Ada
    mentors = fake.group("mentors", [ada])
    other = fake.workspace("Second", installed=True); fake.person("Bo", team=other)
    fake.team.token.scopes.discard("users:read"); fake.closed_to_bots.append(ada)

What people do, each giving a ``Deed``::

    deed = await fake.slash(ada, general, "/model", "submit benchmark:digits")
    await fake.shortcut(ada, "callback"); await fake.message_shortcut(ada, message, "callback")
    await fake.press(ada, message_or_view, "Label or action_id")
    await fake.select(ada, message_or_view, "action_id", "what is read or its value")
    await fake.suggest(ada, view, "action_id", "typed so far")        # deed.options once acked
    await fake.submit_view(ada, view, {"Label": "value"}, files={"Model": [file]})
    fake.fill(view, "Label", "value"); await fake.close_view(ada, view)
    await fake.open_home(ada); await fake.say(ada, general, "hello", files=[file], thread=message)
    await fake.event(team, {"type": "reaction_added", ...})
    await fake.archive(channel, ada); .delete_channel(channel); .leave(person_or_bot, channel)
    .enter(person, channel); .join_workspace("Bo"); .change(ada, tz="Asia/Tokyo"); .uninstall()
    status, page = await fake.installs.install(ada, "http://app/slack/install", approve=True)
    file = fake.file("model.onnx", b"...", host=fake.stranger_base)   # host: where its URL points

What came of it: ``ack = await deed.acked()`` (``ack.payload``, ``ack.after``; fails on an answer
that Slack could not use), ``await deed.refused()``, ``message = await deed.replied()``,
``view = await deed.opened()``, ``deed.errors``, ``deed.options``; ``fake.screens.top(ada)`` and
``fake.screens.home(ada)`` are views (``title``, ``words``, ``buttons``, ``state``, ``errors``);
``general.said``, ``general.last``, ``general.seen_by(ada)``, ``fake.messages`` are messages
(``text``, ``words``, ``buttons``, ``metadata``, ``pings``, ``edits``, ``ephemeral``, ``files``);
``await fake.until(lambda: general.said)`` waits for anything. ``fake.pinged`` are the app's
messages that ping somebody; ``fake.notified_by(message)`` is whom.
``fake.requests`` and ``fake.calls("chat.postMessage")`` are what the app asked
(``args``, ``headers``, ``token``, ``at``, ``answer``, ``status``);
``fake.files.downloads`` who fetched files, from which host and with which Authorization.

How it reaches the app: Socket Mode, or after ``fake.by_http(url)`` signed HTTP (``forged=True``,
``age=600``, ``unsigned=True``); ``fake.by_socket()`` goes back. ``await fake.redeliver(deed)``
sends it again with the same event_id. ``await fake.sockets.connected(1)``, ``.drop()``,
``.drop(politely=True)``, ``.ask_to_reconnect("warning")``, ``.refusing``, ``.mute``, ``.enabled``.
Events that a lost socket did not acknowledge come again on the next one.

What goes wrong: ``fake.storm(method, times, retry_after)``, ``fake.lose_answer(method)``,
``fake.slow(method, seconds)``, ``fake.break_down(method)``, ``fake.revoke()``; ``"*"`` is any
method. ``fake.rates.on = True`` turns Slack's rate limits on (they go by ``fake.clock``, as do
trigger_ids and response_urls: ``fake.clock.turn(seconds)``).
"""

from tests.fakes.hearing import NeverHappened

from .deeds import Ack, Deed
from .fake import SlackFake
from .filling import CannotSubmit
from .reading import NotThere
from .world import ALL_SCOPES, Channel, Message, Person, Team, View

__all__ = [
    "ALL_SCOPES",
    "Ack",
    "CannotSubmit",
    "Channel",
    "Deed",
    "Message",
    "NeverHappened",
    "NotThere",
    "Person",
    "SlackFake",
    "Team",
    "View",
]
