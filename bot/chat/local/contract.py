"""Names that the server and its clients share, light to import."""

UPLOAD_HEADER = "X-Bookwiz"  #: only a same-origin page or a program can send it
ADDRESS_FILE = "local-chat.json"  #: in the data folder while the chat runs: its url and pid
