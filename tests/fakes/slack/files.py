"""Slack's file host, on an origin of its own, and a stranger's host beside it."""

from dataclasses import dataclass, field

from aiohttp import web

from .world import Team

HOST = web.AppKey("host", str)


@dataclass(eq=False)
class File:
    """A file that somebody gave, or that the app sends; ``content`` is None until it was uploaded."""

    id: str
    team: Team
    name: str
    size: int
    host: str
    user: str = ""
    content: bytes | None = None
    title: str = ""
    mimetype: str = "application/octet-stream"
    deleted: bool = False
    hidden: bool = False  # events name it only by id: Slack Connect, and files over 1 GB

    @property
    def download_url(self):
        return f"{self.host}/files-pri/{self.team.id}-{self.id}/download/{self.name}"

    @property
    def upload_url(self):
        return f"{self.host}/upload/v1/{self.id}"

    def as_file(self):
        """Give it as files.info, messages and modals do."""
        if self.hidden:
            return {"id": self.id, "file_access": "check_file_info"}
        ending = self.name.rpartition(".")[2] if "." in self.name else "binary"
        return {
            "id": self.id,
            "name": self.name,
            "title": self.title or self.name,
            "mimetype": self.mimetype,
            "filetype": ending,
            "pretty_type": ending.upper(),
            "user": self.user,
            "user_team": self.team.id,
            "size": self.size,
            "mode": "hosted",
            "is_external": False,
            "is_public": False,
            "file_access": "visible",
            "url_private": self.download_url.replace("/download/", "/"),
            "url_private_download": self.download_url,
        }


@dataclass(frozen=True)
class Download:
    """One request for a file, and the Authorization it came with."""

    host: str
    path: str
    authorization: str | None
    status: int


@dataclass(eq=False)
class Files:
    """All files, and who asked for them. ``downloads`` are of both hosts."""

    fake: object
    by_id: dict = field(default_factory=dict)
    downloads: list[Download] = field(default_factory=list)

    def get(self, file_id):
        return self.by_id.get(file_id)

    def announce(self, team, name, size, *, host=None, **more):
        """Make a file that has no content yet."""
        file = File(self.fake.ids("F"), team, name, size, host or self.fake.file_base, **more)
        self.by_id[file.id] = file
        return file

    def app(self, host):
        """Give the web application of one host."""
        app = web.Application(client_max_size=1 << 30)
        app[HOST] = host
        app.router.add_post("/upload/v1/{id}", self._upload)
        app.router.add_get("/files-pri/{file}/{tail:.*}", self._download)
        app.router.add_route("*", "/{tail:.*}", self._unknown)
        return app

    async def _upload(self, request):
        file = self.get(request.match_info["id"])
        content = await request.read()
        if file is None or file.content is not None or len(content) != file.size:
            return web.Response(status=500, text="the size is not what was announced")
        file.content = content
        self.fake.record("upload", {"file": file.id, "size": len(content)}, request.headers, "")
        return web.Response(text=f"OK - {len(content)}")

    async def _download(self, request):
        file = self.get(request.match_info["file"].partition("-")[2])
        given = request.headers.get("Authorization")
        token = self.fake.tokens.get((given or "").removeprefix("Bearer "))
        stranger = request.app[HOST] != "slack"
        may = token is not None and not token.revoked and token.team is (file and file.team)
        may = may and "files:read" in token.scopes
        if file is None or file.deleted:
            return self._asked(request, web.Response(status=404))
        if not stranger and not may:  # Slack shows its sign-in page, as 302 and then 200
            page = web.Response(text="<html>Sign in to Slack</html>", content_type="text/html")
            return self._asked(request, page)
        return self._asked(request, web.Response(body=file.content, content_type=file.mimetype))

    async def _unknown(self, request):
        return self._asked(request, web.Response(status=404))

    def _asked(self, request, answer):
        self.downloads.append(
            Download(
                request.app[HOST],
                request.path,
                request.headers.get("Authorization"),
                answer.status,
            )
        )
        self.fake.bell.ring()
        return answer
