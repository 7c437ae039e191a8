"""What the bot's own codes mean: the words of docs/errors.md.

The bot says each where it happens, with what it knows there. Its runner's codes are in runner/codes.py.
"""

from runner.codes import Entry

_OURS = "Nothing to mend on your side: it costs no quota, and the moderators are told."

CODES = {
    # Typed in the chat
    "E_COMMAND": Entry(
        "There is no such command.",
        "a command that `/bookwiz help` lists",
        "/chekin now",
        "Take the one that is suggested, or type `/bookwiz help`.",
    ),
    "E_ARGUMENT": Entry(
        "A command was given something it does not take, or a value that will not do.",
        "what the command's own help says",
        "views:deployment",
        "Type the group and `help`, such as `/leaderboard help`, and choose from the list while you type.",
    ),
    "E_MISSING": Entry(
        "Something that the command needs is missing.",
        "what the command's own help says",
        "nothing",
        "Type it again with what is named, or leave all out and fill in the form.",
    ),
    "E_TOO_LONG": Entry(
        "A text is longer than its place.",
        "at most 2,000 characters",
        "2,345 characters",
        "Shorten it, or attach it as a file.",
    ),
    "E_EMPTY": Entry(
        "There is nothing to say.", "a text or a command", "nothing", "Type something."
    ),
    "E_REFUSED": Entry(
        "What was asked for is not done, for the reason that is said.",
        "what the message says",
        "what the message says",
        "Do what the message says.",
    ),
    "E_PERMISSION": Entry(
        "The command is for others: moderators, or admins.",
        "moderator or above",
        "member",
        "Ask a moderator or an admin of your community.",
    ),
    "E_SPACE": Entry(
        "The Discord server or Slack workspace is no part of the community, or there is none such.",
        "a server or workspace that an admin of the community admitted",
        "discord/4205",
        "An admin admits it with `/admin spaces`. Alone with the bot, speak in a server of the community first.",
    ),
    "E_GROUP": Entry(
        "That is no Discord role and no Slack user group.",
        "a mention such as @Moderators, or an id such as discord/4205 or slack/S42AB",
        "the nice people",
        "Type it where that role or group is: @ and its name.",
    ),
    "E_CODE": Entry(
        "The code for joining accounts is none, or no more; or that account is none of yours.",
        "a code of the last ten minutes, typed on the other account",
        "ABCD-EFGH",
        "Type `/profile link` on your other account for a new one.",
    ),
    "E_TRIES": Entry(
        "Too many codes for joining accounts were wrong.",
        "at most five wrong ones an hour",
        "a sixth",
        "Try again in an hour.",
    ),
    "E_MEMBER": Entry(
        "Nobody here is called that.",
        "a member's name or handle",
        "adda",
        "Type @ and the first letters, and choose from the list.",
    ),
    "E_NAME": Entry(
        "The name will not do: it is too short, taken, or not of the letters that are allowed.",
        "2 to 80 characters for a member; 1 to 40 of a-z, 0-9 and - for a benchmark; 1 to 60 for a baseline",
        "Night Streets!",
        "Choose another name.",
    ),
    "E_TAKEN": Entry(
        "There is a benchmark, or on it a baseline, of that name already.",
        "a name that is free",
        "digits",
        "Choose another name.",
    ),
    "E_TIMEZONE": Entry(
        "The time zone is not known.",
        "a place, such as Europe/Berlin or America/New_York",
        "Berlin time",
        "Type the nearest large city and choose from the list.",
    ),
    "E_DATE": Entry(
        "The day is past, or more than a year away.",
        "a day after today, within a year",
        "2020-01-01",
        "Choose another day; you can move it later on.",
    ),
    "E_CHANNEL": Entry(
        "There is no such channel, its name will not do, or it is somebody else's.",
        "letters, digits, - and _, such as #general",
        "#no such place",
        "Type # and choose from the list.",
    ),
    "E_THREAD": Entry(
        "The message that the thread hung from is gone.",
        "a message that is still there",
        "one that was deleted",
        "Say it in the channel.",
    ),
    "E_PLACE": Entry(
        "There is no channel that everybody reads to share it in.",
        "a channel for results",
        "none",
        "Type it in the channel where you want it.",
    ),
    "E_LAST_ADMIN": Entry(
        "The community would be without an admin.",
        "at least one admin",
        "none",
        "Make somebody else an admin first.",
    ),
    "E_SCHEDULE": Entry(
        "There is no such schedule, or its time cannot be understood or set.",
        "minute, hour, day of the month, month and day by name, such as 0 9 * * mon",
        "every morning",
        "For every day at 18:30, type 30 18 * * *",
    ),
    # Benchmarks, submissions and boards
    "E_BENCHMARK": Entry(
        "There is no benchmark of that name.",
        "the name of a benchmark",
        "digit",
        "Type `/benchmark list` for all of them.",
    ),
    "E_BENCHMARK_CLOSED": Entry(
        "The benchmark is announced, but not open yet.",
        "a benchmark that is open",
        "one that is being prepared",
        "Type `/benchmark list` to see which ones are.",
    ),
    "E_FROZEN": Entry(
        "The benchmark, or this version of it, takes no more models.",
        "a benchmark, or a version of it, that is open",
        "digits v1, frozen",
        "Its board stays. Type `/benchmark list` for those that are open.",
    ),
    "E_DATASET": Entry(
        "There is no such dataset, or it is not for this benchmark.",
        "the key of a dataset version that was added",
        "digits-ffffffffffff",
        "The admin adds one with `bookwiz dataset add`.",
    ),
    "E_METRIC": Entry(
        "That metric cannot rank this task.",
        "accuracy, macro_f1",
        "miou",
        "Choose one of those that are named.",
    ),
    "E_METRIC_VERSION": Entry(
        "The benchmark is ranked by a version of its metric that is computed no more.",
        "a benchmark by the version that is computed now",
        "digits, by version 1",
        "Its board stays as it is. Moderators open its next version: `/leaderboard create`.",
    ),
    "E_SAME": Entry(
        "Two things that should differ are the same.",
        "two different submissions; another dataset version, metric or version of it",
        "the same id twice",
        "Name another one.",
    ),
    "E_VERSION": Entry(
        "The benchmark has no earlier version.",
        "a benchmark with an earlier version",
        "version 1",
        "Make a new version with `/leaderboard create`.",
    ),
    "E_SUBMISSION": Entry(
        "There is no such submission, or it is somebody else's.",
        "the id of one of your submissions, or of an entry on a board",
        "abc123",
        "Type `/model status` to see yours.",
    ),
    "E_STATE": Entry(
        "The submission or board is not in a state in which that can be done.",
        "one that waits or runs, to cancel it; a scored one, to share, compare or analyse it",
        "failed",
        "Type `/model status` to see yours.",
    ),
    "E_CONFIG": Entry(
        "The configuration that came with a model cannot be read.",
        "JSON, YAML, or a name=value on each line",
        "lr: [0.1",
        "Write it like the example in the message, or leave it out.",
    ),
    "E_QUOTA": Entry(
        "That is all for today: scored submissions, tries, or analysing runs.",
        "at most as many a day as the benchmark's card says",
        "5 scored or waiting",
        "The message says when your next day begins. On dev you can measure as often as you like, at home.",
    ),
    "E_WISHES": Entry(
        "As many drawings, comparisons and checks as one may ask for at once are on their way.",
        "at most 5 that wait",
        "5",
        "Ask again when the next one has come.",
    ),
    # Files and links
    "E_NO_FILE": Entry(
        "There is no such file.",
        "a file that was attached, or a link of the last days",
        "a file that is gone",
        "Attach it again, or ask for a new link in the chat.",
    ),
    "E_TOO_LARGE": Entry(
        "The file is too large for the way that it came.",
        "at most 100 MB",
        "140 MB or more",
        "Send it by upload link: `/model link`, or `/dataset link` for a dataset.",
    ),
    "E_HASH": Entry(
        "Another file arrived than was announced.",
        "9f86d081884c",
        "e3b0c44298fc",
        "Send it again.",
    ),
    "E_FETCH": Entry(
        "A file that was attached could not be fetched from the platform.",
        "the file, as it was attached",
        "HTTP 404",
        "Attach it again, or ask for an upload link with `/model link`.",
    ),
    "E_FILE_HOST": Entry(
        "A file that was attached does not lie at the platform, and the bot's token goes nowhere else.",
        "a file at files.slack.com",
        "drive.example.org",
        "Download it, and attach the file itself.",
    ),
    "E_LATE": Entry(
        "A form could not be opened, since the platform waits three seconds for it and no longer.",
        "a form within three seconds",
        "a busy moment",
        "Type the command once more.",
    ),
    "E_LINK": Entry(
        "The link is not valid, or a newer one took its place.",
        "the whole address from the chat",
        "half of it",
        "Copy the whole address, or ask for a new one in the chat.",
    ),
    "E_LINK_EXPIRED": Entry(
        "The link has expired.",
        "a link that still holds",
        "one of yesterday",
        "Ask for a new one in the chat.",
    ),
    "E_LINK_USED": Entry(
        "The upload link was used already; each takes one file.",
        "a link that was not used",
        "the answer that its file had",
        "Ask for a new one in the chat.",
    ),
    "E_LINKS": Entry(
        "Too many upload links are open, or were used today.",
        "at most 3",
        "3",
        "Use one of them, or wait until the first ends.",
    ),
    "E_BUSY": Entry(
        "Something is being sent by this link right now.",
        "one sender at a time",
        "a second one",
        "Let the other one finish, or stop it.",
    ),
    "E_CROWDED": Entry(
        "Many are sending files right now.",
        "a free place",
        "none",
        "Try again in half a minute.",
    ),
    "E_SLOW": Entry(
        "Next to nothing came any more; what came is kept.",
        "some bytes every few seconds",
        "next to nothing",
        "Go on when the line is better.",
    ),
    "E_CUT_OFF": Entry(
        "The connection broke before the end.",
        "the whole file",
        "a part of it",
        "Go on where it stopped (upload links keep what came), or send it again.",
    ),
    "E_OFFSET": Entry(
        "A piece does not go on where the upload stands.",
        "to begin at byte 1048576",
        "byte 0",
        "Ask for the offset and go on from there, or cancel and begin again.",
    ),
    "E_LENGTH": Entry(
        "The request does not say how long the file is.",
        "a number of bytes",
        "none",
        "Give `curl -T` a file, not a pipe.",
    ),
    "E_TUS": Entry(
        "The version of tus is missing or another.",
        "1.0.0",
        "none",
        "Set the header Tus-Resumable.",
    ),
    # Programs that speak to the bot
    "E_CONTENT_TYPE": Entry(
        "The request has another content type than this address takes.",
        "application/json, or the type that the message names",
        "text/plain",
        "Set the header Content-Type.",
    ),
    "E_REQUEST": Entry(
        "The request lacks something or cannot be understood.",
        "what the message names",
        "a body without it",
        "Send it again with what is named.",
    ),
    "E_ORIGIN": Entry(
        "The request comes from another web page.",
        "the bot's own page, or a program",
        "https://elsewhere.example",
        "Open the bot's own page.",
    ),
    "E_HOST": Entry(
        "The local chat was opened under another name.",
        "127.0.0.1 or localhost",
        "laptop.local",
        "Open it as 127.0.0.1 or localhost.",
    ),
    "E_NOT_LOCAL": Entry(
        "The local chat answers only to its own machine.",
        "a request from 127.0.0.1",
        "one from 192.168.0.7",
        "Open it on the machine where it runs.",
    ),
    "E_NO_PAGE": Entry(
        "There is no such page.",
        "an address that the bot named",
        "/nowhere",
        "Look for the link in the chat.",
    ),
    "E_NOT_YET": Entry(
        "The message is not there yet.",
        "a message that was delivered",
        "one that is on its way",
        "Ask again in a moment.",
    ),
    # Ours
    "E_GAVE_UP": Entry(
        "A message could not be delivered, however often it was tried.",
        "a delivered message",
        "what the chat said",
        "Tell a moderator; `/admin jobs` shows what was given up.",
        ours=True,
    ),
    "E_STORAGE": Entry(
        "Our disk is full, or our storage cannot be reached; nothing was kept.",
        "room in our store, and a way to it",
        "a full disk",
        _OURS,
        ours=True,
    ),
    "E_DATABASE": Entry(
        "Our database does not answer right now.",
        "an answer",
        "none",
        _OURS,
        ours=True,
    ),
    "E_SERVER": Entry(
        "Something of ours broke.",
        "an answer",
        "a defect, with a number that the log has too",
        "Tell a moderator the number.",
        ours=True,
    ),
    "E_RUNNER_LOST": Entry(
        "Our runner was lost three times while it scored the model.",
        "a score",
        "three attempts without an end",
        "It cost you nothing. The moderators know; submit it again later.",
        ours=True,
    ),
    "E_RUNNER_SILENT": Entry(
        "The runner ended without a score.", "a score", "none", _OURS, ours=True
    ),
    "E_RUNNER_LIED": Entry(
        "A runner of ours gave an answer that cannot be.",
        "what an honest runner says",
        "predictions-dev.npy that is not what its hash says",
        _OURS,
        ours=True,
    ),
    "E_DESK_LOST": Entry(
        "Our own scoring desk did not answer.",
        "an answer within 3 tries",
        "the desk ended",
        "Nothing to mend on your side. The moderators can see it in the log.",
        ours=True,
    ),
}
