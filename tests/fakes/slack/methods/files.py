"""files.*: sending a file in three steps, and asking for one."""

from .declared import SlackError, method


@method("files.getUploadURLExternal", "files:write", tier=4)
def upload_url(call):
    length = int(call.need("length"))
    if length <= 0:
        raise SlackError("invalid_arguments")
    file = call.fake.files.announce(call.team, call.need("filename"), length)
    return {"upload_url": file.upload_url, "file_id": file.id}


@method("files.completeUploadExternal", "files:write", tier=4)
def complete(call):
    wanted = call.structure("files") or []
    files = []
    for one in wanted:
        file = call.fake.files.get(one.get("id"))
        if file is None or file.content is None:
            raise SlackError("file_not_found")
        file.title = one.get("title") or file.name
        files.append(file)
    if not files:
        raise SlackError("invalid_arguments")
    given = call.args.get("channel_id") or call.args.get("channels") or ""
    for channel in filter(None, given.split(",")):
        _share(call, files, channel)
    return {"files": [file.as_file() for file in files]}


def _share(call, files, channel_id):
    call.args["channel"] = channel_id
    channel = call.channel(member=True)
    if channel.archived:
        raise SlackError("is_archived")
    call.fake.post(
        channel,
        call.team.bot,
        call.args.get("initial_comment") or "",
        blocks=call.structure("blocks") or [],
        files=files,
        thread_ts=call.args.get("thread_ts"),
        by_app=True,
    )


@method("files.info", "files:read", tier=4)
def info(call):
    file = call.fake.files.get(call.need("file"))
    if file is None or file.team is not call.team:
        raise SlackError("file_not_found")
    if file.deleted:
        raise SlackError("file_deleted")
    return {"file": file.as_file(), "comments": [], "response_metadata": {"next_cursor": ""}}


@method("files.delete", "files:write", tier=3)
def delete(call):
    file = call.fake.files.get(call.need("file"))
    if file is None:
        raise SlackError("file_not_found")
    file.deleted = True
    return {}
