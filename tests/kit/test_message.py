from bot.kit.message import Button, Buttons, Fields, File, Image, Message, Table, Text

SHA = "ab" * 32


def test_plain_words_stand_for_every_kind_of_block():
    message = Message(
        blocks=(
            Text(markdown="# Scored"),
            Fields(pairs=(("Model", "lenet"), ("Rank", "2"))),
            Table(
                head=("Model", "Score"),
                rows=(("lenet", "0.93"), ("a baseline", "0.1")),
                align=("left", "right"),
            ),
            Image(sha256=SHA, name="confusion.png", alt="What was taken for what"),
            File(sha256=SHA, name="scores.csv", label="All scores"),
            Buttons(
                buttons=(
                    Button(label="Share", command="/model card"),
                    Button(label="Hide", command="/x y"),
                )
            ),
        )
    )
    assert message.plain() == (
        "# Scored\n\n"
        "Model: lenet\nRank: 2\n\n"
        "Model       Score\nlenet        0.93\na baseline    0.1\n\n"
        "[picture] What was taken for what\n\n"
        "[file] All scores\n\n"
        "[Share]  [Hide]"
    )
    assert [b.command for b in message.buttons()] == ["/model card", "/x y"]


def test_nothing_said_is_nothing_shown():
    assert Message(blocks=()).plain() == ""
    assert Message(blocks=()).buttons() == ()


def test_a_message_survives_its_way_through_a_row():
    message = Message(
        blocks=(
            Text(markdown="Ä *b*"),
            Buttons(buttons=(Button(label="Go", command="/a b", style="danger"),)),
        ),
        pending=True,
    )
    assert Message.model_validate_json(message.model_dump_json()) == message
