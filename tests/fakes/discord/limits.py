"""What Discord takes at most, and what it takes at all: our own table.

Sources: discord.com/developers/docs (resources/message, components/reference, interactions/
application-commands, resources/guild-scheduled-event, topics/rate-limits, topics/opcodes-and-status-
codes); where Discord says nothing, the note names who measured it.
"""

CONTENT = 2_000
EMBEDS = 10
EMBED_CHARACTERS = 6_000  # of all embeds of a message together
EMBED_TITLE = 256
EMBED_DESCRIPTION = 4_096
EMBED_FIELDS = 25
EMBED_FIELD_NAME = 256
EMBED_FIELD_VALUE = 1_024
EMBED_FOOTER = 2_048
EMBED_AUTHOR = 256
ATTACHMENTS = 10
NITRO_FILE = 500 * 1024 * 1024  # for people; the bot has what the server has
FILE_DESCRIPTION = 1_024
NONCE = 25
NONCE_SECONDS = 5 * 60

COMPONENTS = 40  # of a message, nested ones included
COMPONENT_CHARACTERS = 4_000  # of all text displays together
ROWS = 5  # of a message without components V2
BUTTONS_OF_A_ROW = 5
CUSTOM_ID = 100
BUTTON_LABEL = 80
BUTTON_URL = 512
SELECT_OPTIONS = 25
PLACEHOLDER = 150
OPTION_TEXT = 100  # label, value, description
SECTION_TEXTS = 3
GALLERY_ITEMS = 10
MEDIA_DESCRIPTION = 1_024

MODAL_TITLE = 45
MODAL_PARTS = 5
LABEL = 45
LABEL_DESCRIPTION = 100
INPUT_VALUE = 4_000
INPUT_PLACEHOLDER = 100
UPLOADED_FILES = 10
GROUP_OPTIONS = 10  # radio and checkbox groups

COMMANDS = 100
MENUS = 5  # of accounts, and as many of messages
COMMAND_NAME = 32
COMMAND_DESCRIPTION = 100
COMMAND_OPTIONS = 25
COMMAND_CHARACTERS = 8_000  # names, descriptions and values of one command together
CHOICES = 25
CHOICE_NAME = 100
CHOICE_VALUE = 100

CHANNEL_NAME = 100
CHANNEL_TOPIC = 1_024
ROLE_NAME = 100
ARCHIVE_AFTER = (60, 1_440, 4_320, 10_080)
EVENT_NAME = 100
EVENT_DESCRIPTION = 1_000
EVENT_LOCATION = 100

CHANNELS_OF_A_GUILD = 500
ROLES_OF_A_GUILD = 250
EVENTS_OF_A_GUILD = 100  # scheduled or active ones
THREADS_OF_A_GUILD = 1_000  # active ones

#: messages in a channel, and how many seconds they count (measured by many, documented by none)
MESSAGES_AT_ONCE = (5, 5.0)
FOLLOW_UPS_AT_ONCE = (5, 2.0)
OTHERS_AT_ONCE = (10, 10.0)
REQUESTS_A_SECOND = 50
INVALID_REQUESTS = 10_000
INVALID_SECONDS = 10 * 60
#: discord-api-docs #5987 and DiscordPHP #467: bots were stopped after 25 to 40 new direct messages
NEW_DIRECT_MESSAGES = 25
NEW_DIRECT_SECONDS = 10 * 60
#: refusals (40003) after which the bot is quarantined; nobody but Discord knows the number
REFUSALS_BEFORE_QUARANTINE = 5
