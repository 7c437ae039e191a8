"""A small slack-bolt app, on which the fake is tried: by Socket Mode or by signed HTTP."""

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

FORM = {
    "type": "modal",
    "callback_id": "form",
    "title": {"type": "plain_text", "text": "Submit a model"},
    "submit": {"type": "plain_text", "text": "Submit"},
    "notify_on_close": True,
    "private_metadata": "kept",
    "blocks": [
        {
            "type": "input",
            "block_id": "name",
            "label": {"type": "plain_text", "text": "Name"},
            "element": {"type": "plain_text_input", "action_id": "value", "max_length": 40},
        },
        {
            "type": "input",
            "block_id": "benchmark",
            "label": {"type": "plain_text", "text": "Benchmark"},
            "element": {
                "type": "external_select",
                "action_id": "benchmarks",
                "min_query_length": 0,
            },
        },
        {
            "type": "input",
            "block_id": "model",
            "optional": True,
            "label": {"type": "plain_text", "text": "Model"},
            "element": {"type": "file_input", "action_id": "file", "max_files": 1},
        },
    ],
}


def option(text):
    return {"text": {"type": "plain_text", "text": text}, "value": text.lower()}


def card(text):
    return [
        {"type": "section", "text": {"type": "mrkdwn", "text": text}},
        {
            "type": "actions",
            "elements": [
                {
                    "type": "button",
                    "action_id": "again",
                    "value": "42",
                    "text": {"type": "plain_text", "text": "Again"},
                }
            ],
        },
    ]


def declare(app):
    """Let *app* do one thing of each kind; what it hears of is in ``app.heard``."""
    app.heard = []

    _commands_and_modals(app)
    _clicks_and_events(app)


def _commands_and_modals(app):
    @app.command("/model")
    async def command(ack, command, client, respond):
        if command["text"] == "form":
            await ack()
            await client.views_open(trigger_id=command["trigger_id"], view=FORM)
        elif command["text"] == "later":
            await ack()
            await respond("for all", response_type="in_channel")
        else:
            await ack(f"you said {command['text']}")

    @app.options("benchmarks")
    async def options(ack, payload):
        names = [n for n in ("Digits", "Shapes") if n.lower().startswith(payload["value"])]
        await ack(options=[option(n) for n in names])

    @app.view("form")
    async def submitted(ack, view, body, client):
        values = view["state"]["values"]
        if values["name"]["value"]["value"] == "taken":
            await ack(response_action="errors", errors={"name": "That name is taken."})
            return
        await ack()
        app.heard.append((view["private_metadata"], values))
        await client.chat_postMessage(channel=body["user"]["id"], text="Thank you.")


def _clicks_and_events(app):
    @app.view_closed("form")
    async def closed(ack):
        await ack()
        app.heard.append("closed")

    @app.action("again")
    async def pressed(ack, respond, body):
        await ack()
        await respond(f"again {body['actions'][0]['value']}", replace_original=True)

    @app.shortcut("check_in")
    async def shortcut(ack, body, client):
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=FORM)

    @app.shortcut("report")
    async def report(ack, shortcut, respond):
        await ack()
        await respond(f"reported {shortcut['message']['text']}")

    @app.event("app_home_opened")
    async def home(event, client):
        blocks = card("Your circle")
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": blocks})

    for kind in ("message", "app_mention", "file_shared", "tokens_revoked", "app_uninstalled"):

        @app.event(kind)
        async def event(event, body):
            app.heard.append((event["type"], body["event_id"]))


def client_of(fake, token=None):
    return AsyncWebClient(token or fake.bot_token, base_url=fake.api_base)


async def by_socket(fake, *, ping_interval=0.05):
    """Give an app and its open Socket Mode handler."""
    app = AsyncApp(client=client_of(fake), signing_secret=fake.signing_secret)
    declare(app)
    handler = AsyncSocketModeHandler(app, fake.app_token.value, ping_interval=ping_interval)
    await handler.connect_async()
    await fake.sockets.connected()
    return app, handler


async def listening(app):
    """Give the address and the runner of a web server that serves *app*."""

    async def serve(request):
        bolt = await to_bolt_request(request)
        flow = app.oauth_flow
        if request.method == "GET" and flow and request.path == flow.install_path:
            return await to_aiohttp_response(await flow.handle_installation(bolt))
        if request.method == "GET" and flow and request.path == flow.redirect_uri_path:
            return await to_aiohttp_response(await flow.handle_callback(bolt))
        return await to_aiohttp_response(await app.async_dispatch(bolt))

    server = web.Application()
    server.router.add_route("*", "/{tail:.*}", serve)
    runner = web.AppRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}", runner


async def by_http(fake):
    """Give an app and its web server, to which the fake sends from now on."""
    app = AsyncApp(client=client_of(fake), signing_secret=fake.signing_secret)
    declare(app)
    base, runner = await listening(app)
    fake.by_http(f"{base}/slack/events")
    return app, runner
