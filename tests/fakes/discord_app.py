"""A small discord.py client, on which the fake is tried."""

import asyncio
import contextlib
import io

import discord
import yarl
from discord import app_commands, ui


class Submission(ui.Modal, title="Submit a model"):
    name = ui.Label(text="Name", component=ui.TextInput(custom_id="name", max_length=40))
    benchmark = ui.Label(
        text="Benchmark",
        component=ui.Select(
            custom_id="benchmark",
            options=[discord.SelectOption(label="Digits", value="digits")],
        ),
    )
    model = ui.Label(text="Model", component=ui.FileUpload(custom_id="model", required=False))

    async def on_submit(self, interaction):
        files = self.model.component.values
        content = await files[0].read() if files else b""
        await interaction.response.send_message(
            f"{self.name.component.value} on {self.benchmark.component.values[0]}: {content!r}",
            ephemeral=True,
        )


class Again(ui.DynamicItem[ui.Button], template=r"again:(?P<number>\d+)"):
    def __init__(self, number):
        self.number = number
        super().__init__(ui.Button(label="Again", custom_id=f"again:{number}"))

    @classmethod
    async def from_custom_id(cls, interaction, item, match):
        return cls(int(match["number"]))

    async def callback(self, interaction):
        await interaction.response.edit_message(content=f"again {self.number}")


def card(text):
    view = ui.LayoutView(timeout=None)
    box = ui.Container(ui.TextDisplay(text), ui.Separator())
    box.add_item(ui.ActionRow(ui.Button(label="Again", custom_id="again:7")))
    box.add_item(ui.File("attachment://report.txt"))
    view.add_item(box)
    return view


class App(discord.Client):
    """Does one thing of each kind; what it hears of is in ``heard``."""

    def __init__(self, **more):
        intents = discord.Intents.default()
        intents.members, intents.message_content = True, more.pop("content", True)
        super().__init__(
            intents=intents,
            guild_ready_timeout=0.05,
            allowed_mentions=discord.AllowedMentions.none(),
            **more,
        )
        self.tree = app_commands.CommandTree(self)
        self.heard = []
        declare(self.tree)

    async def setup_hook(self):
        self.add_dynamic_items(Again)
        await self.tree.sync()

    async def on_message(self, message):
        self.heard.append(message.content)

    async def on_guild_join(self, guild):
        self.heard.append(f"joined {guild.name}")

    async def on_guild_remove(self, guild):
        self.heard.append(f"left {guild.name}")


def declare(tree):
    model = app_commands.Group(name="model", description="Models")

    @model.command(name="submit", description="Submit a model")
    @app_commands.describe(benchmark="Which benchmark", file="The model")
    async def submit(
        interaction: discord.Interaction,
        benchmark: str,
        file: discord.Attachment,
        mentor: discord.Member | None = None,
    ):
        await interaction.response.defer(ephemeral=True)
        content = await file.read()
        await interaction.followup.send(
            f"{benchmark} {len(content)} {mentor and mentor.display_name}",
            file=discord.File(io.BytesIO(content[::-1]), "report.txt"),
        )

    @submit.autocomplete("benchmark")
    async def benchmarks(interaction, current):
        names = [n for n in ("Digits", "Shapes") if n.lower().startswith(current)]
        return [app_commands.Choice(name=n, value=n.lower()) for n in names]

    @model.command(name="form", description="Submit by a form")
    async def form(interaction: discord.Interaction):
        await interaction.response.send_modal(Submission())

    @model.command(name="card", description="Show a card")
    @app_commands.choices(size=[app_commands.Choice(name="Large", value=2)])
    async def show(interaction: discord.Interaction, size: app_commands.Choice[int]):
        file = discord.File(io.BytesIO(b"report"), "report.txt")
        view = card(f"A card of size {size.value} for @everyone")
        await interaction.response.send_message(view=view, file=file)

    tree.add_command(model)

    @tree.context_menu(name="Report")
    async def report(interaction: discord.Interaction, message: discord.Message):
        await interaction.response.send_message(f"reported {message.content}", ephemeral=True)

    @tree.context_menu(name="Greet")
    async def greet(interaction: discord.Interaction, member: discord.Member):
        await interaction.response.send_message(f"hello {member.display_name}")


@contextlib.contextmanager
def pointed_at(fake):
    """Let discord.py speak to *fake*; its addresses are globals of classes."""
    route, gateway = discord.http.Route, discord.gateway.DiscordWebSocket
    before = route.BASE, gateway.DEFAULT_GATEWAY, discord.Asset.BASE
    route.BASE, gateway.DEFAULT_GATEWAY = fake.api_base, yarl.URL(fake.gateway)
    discord.Asset.BASE = fake.cdn.base
    try:
        yield
    finally:
        route.BASE, gateway.DEFAULT_GATEWAY, discord.Asset.BASE = before


@contextlib.asynccontextmanager
async def running(fake, **more):
    """Give an app that is logged in and ready."""
    with pointed_at(fake):
        app = App(**more)
        app.task = task = asyncio.create_task(app.start(fake.token))
        ready = asyncio.create_task(app.wait_until_ready())
        try:
            # A failed login would hang for ever in wait_until_ready.
            await asyncio.wait([task, ready], return_when=asyncio.FIRST_COMPLETED, timeout=10)
            if task.done():
                await task
            await ready
            yield app
        finally:
            ready.cancel()
            await app.close()
            with contextlib.suppress(asyncio.CancelledError, discord.DiscordException):
                await asyncio.wait_for(task, 10)
