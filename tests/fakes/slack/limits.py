"""What Slack takes at most: our own table, since no schema of Block Kit is published.

Source: Slack's reference of Block Kit (docs.slack.dev/reference/block-kit: blocks, block elements,
composition objects, views), of chat.postMessage, chat.update and of message metadata; where Slack
measures what it does not document, the note says who saw it.
"""

BLOCKS_OF_A_MESSAGE = 50
BLOCKS_OF_A_VIEW = 100
#: bolt-js #2509: 13,297 characters of markdown blocks pass, 13,172 with a divider do not
CHARACTERS_OF_ALL_BLOCKS = 13_200
#: chat.postMessage cuts longer texts off; nobody wants that, so that the fake refuses them
TEXT_OF_A_MESSAGE = 40_000
#: chat.update counts bytes after escaping (GitLab !258898)
BYTES_OF_AN_EDITED_TEXT = 4_000
METADATA_BYTES = 16_384
FILES_OF_AN_INPUT = 10
VIEW_BYTES = 250_000
PUSHED_VIEWS = 3

BLOCK_ID = 255
ACTION_ID = 255
SECTION_TEXT = 3_000
SECTION_FIELDS = 10
FIELD_TEXT = 2_000
HEADER_TEXT = 150
MARKDOWN_TEXT = 12_000
CONTEXT_ELEMENTS = 10
CONTEXT_TEXT = 3_000
ACTIONS_ELEMENTS = 25
INPUT_LABEL = 2_000
INPUT_HINT = 2_000
IMAGE_URL = 3_000
IMAGE_ALT_TEXT = 2_000
IMAGE_TITLE = 2_000

BUTTON_TEXT = 75
BUTTON_VALUE = 2_000
BUTTON_URL = 3_000
PLACEHOLDER = 150
SELECT_OPTIONS = 100
SELECT_GROUPS = 100
GROUP_LABEL = 75
OPTION_TEXT = 75
OPTION_VALUE = 150
OPTION_DESCRIPTION = 75
OVERFLOW_OPTIONS = 5
CHOICE_OPTIONS = 10  # checkboxes and radio buttons
INPUT_VALUE = 3_000  # max_length of a plain_text_input

CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30

VIEW_TITLE = 24
VIEW_BUTTON = 24
PRIVATE_METADATA = 3_000
CALLBACK_ID = 255
EXTERNAL_ID = 255

#: calls a minute of each tier (docs.slack.dev/apis/web-api/rate-limits)
TIERS = {1: 1, 2: 20, 3: 50, 4: 100}
#: messages a second in one channel, and how many at once are let through
POSTS_A_SECOND = 1
POSTS_AT_ONCE = 3
RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 30 * 60
TRIGGER_SECONDS = 3
SOCKETS = 10
