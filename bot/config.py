"""Settings, read once at start from BOOKWIZ_* variables and .env. Only this file reads either."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

_ADDRESS = r"^(https?://[^/?#\s]+/?)?$"


class WebSettings(BaseModel):
    """Where the bot listens."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on. The local chat has no login: keep it on loopback.",
    )
    port: int = Field(8080, description="Port to listen on; 0 takes a free one.")
    public_url: str = Field(
        "",
        pattern=_ADDRESS,
        description="https:// address at which members' browsers reach the bot, through your proxy. Empty: the address it listens on.",
    )
    runner_url: str = Field(
        "",
        pattern=_ADDRESS,
        description="Address at which runners of their own reach the bot. Empty: the public one.",
    )

    @property
    def loopback(self) -> bool:
        """Whether this machine alone can reach it."""
        return self.host in {"127.0.0.1", "::1", "localhost"}


class FileSettings(BaseModel):
    """What members may upload."""

    upload_mb: int = Field(
        500,
        gt=0,
        description="Largest attachment that the chat takes, in MB. An upload link takes what its benchmark allows.",
    )
    made_mb: int = Field(
        4000,
        gt=0,
        description="Most that a runner on another host may send back of one attempt, in MB.",
    )


class JobSettings(BaseModel):
    """Who scores models."""

    url: str | None = Field(
        None,
        description="postgresql:// address of the job database. Empty: models are scored by this process' own runner.",
    )
    runners: int = Field(1, ge=0, description="Runner processes of the embedded engine.")
    idle_seconds: float = Field(
        120, gt=0, description="An idle embedded runner is stopped after this time."
    )


class DiscordSettings(BaseModel):
    """The bot on Discord. Off while there is no token."""

    token: SecretStr | None = Field(
        None, description="Token of the Discord bot. Empty: not on Discord."
    )
    api_base: str = Field(
        "https://discord.com/api/v10", description="Address of Discord's REST API, or of a proxy."
    )
    gateway: str = Field(
        "wss://gateway.discord.gg/", description="Address of Discord's gateway, or of a proxy."
    )
    test_server: int | None = Field(
        None,
        description="Id of a server where commands appear at once, while you develop. Empty: everywhere.",
    )


class SlackSettings(BaseModel):
    """The bot on Slack. Off while there is neither a bot token nor a client id."""

    bot_token: SecretStr | None = Field(
        None, description="xoxb-… of your workspace. Empty: not on Slack, or installed by OAuth."
    )
    app_token: SecretStr | None = Field(
        None, description="xapp-… for Socket Mode, which needs no public address."
    )
    signing_secret: SecretStr | None = Field(
        None, description="For HTTP mode: Slack sends to BOOKWIZ_WEB__PUBLIC_URL/slack/events."
    )
    client_id: str | None = Field(
        None, description="For installing by OAuth at /slack/install, in HTTP mode."
    )
    client_secret: SecretStr | None = Field(None, description="For installing by OAuth.")
    api_base: str = Field(
        "https://slack.com/api/", description="Address of Slack's Web API, or of a proxy."
    )
    file_host: str = Field(
        "files.slack.com",
        description="The only host that is sent the bot's token when a member's file is fetched.",
    )

    @property
    def on(self) -> bool:
        """Whether the bot shall be on Slack."""
        return self.bot_token is not None or self.client_id is not None


class LogSettings(BaseModel):
    """How the bot reports on itself."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severity that is logged."
    )
    form: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console on a terminal, JSON otherwise."
    )


class Settings(BaseSettings):
    """Everything an admin may set from outside. What a moderator changes is a command instead."""

    model_config = SettingsConfigDict(
        env_prefix="BOOKWIZ_",
        env_nested_delimiter="__",
        env_file=".env",
        env_ignore_empty=True,  # compose hands on what nobody set as nothing
        extra="ignore",
    )

    data: Path = Field(
        Path("data"), description="Folder for the database file, uploads and datasets."
    )
    database_url: str | None = Field(
        None,
        description="SQLAlchemy address. Empty: a SQLite file in the data folder. Postgres: postgresql+psycopg://…",
    )
    community: str = Field(
        "Bookwiz", description="Name of the community, when it is first created."
    )
    timezone: str = Field(
        "UTC", description="IANA zone of the community, when it is first created."
    )
    own_files: bool = Field(
        False,
        description="Whoever speaks here is you. Then RUNNER_UNSAFE=1 on a host without a sandbox runs everybody's models, not moderators' alone. `bookwiz demo` sets both on a loopback address.",
    )
    web: WebSettings = WebSettings()
    files: FileSettings = FileSettings()
    jobs: JobSettings = JobSettings()
    discord: DiscordSettings = DiscordSettings()
    slack: SlackSettings = SlackSettings()
    log: LogSettings = LogSettings()

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite+aiosqlite:///{self.data.absolute()}/bookwiz.db"
