"""What a member fills in to hand in a model: offered with choices, and refused with where it is wrong."""

import pytest
from hypothesis import given as every
from hypothesis import strategies as st

from bot.features.leaderboards import configs
from bot.features.leaderboards.handing_in import OUTPUT, PREPROC
from bot.features.leaderboards.models import Submission
from bot.kit.command import Refusal
from runner.contract import Declared
from runner.formats.output_contract import read_output_contract
from runner.formats.preprocessing import read_preprocessing
from tests.features.boards import MODEL, given, submit


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"lr": 0.1, "net": {"width": 64}}', {"lr": "0.1", "net.width": "64"}),
        ("lr: 1e-3\nnet:\n  width: 64\n  act: relu", {"lr": "1e-3", "net.width": "64", "net.act": "relu"}),
        ("lr=0.1\n# a note\nepochs = 30", {"lr": "0.1", "epochs": "30"}),
        ("lr=0.1 epochs=30, aug=flip crop", {"lr": "0.1", "epochs": "30", "aug": "flip crop"}),
        ("--lr=0.1 --weight-decay=1e-4", {"lr": "0.1", "weight-decay": "1e-4"}),
        ("lr: 0.1, epochs: 30", {"lr": "0.1", "epochs": "30"}),
        ("{lr: 0.1, epochs: 30}", {"lr": "0.1", "epochs": "30"}),
        ("aug: [flip, crop]", {"aug": '["flip", "crop"]'}),
        ("  ", {}),
    ],
)  # fmt: skip
def test_a_configuration_is_read_as_people_write_it(text, found):
    assert configs.parse(text) == found


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"lr": 0.1,\n "epochs" 30}', "line 2"),
        ("lr: 0.1\n  epochs: 30", "Line 2"),
        ("trained it for a while", "no name"),
        ("a: &x [1]\nb:\n  c: *x", "aliases"),
        ("- 1\n- 2", "no name"),
        ("a: " + "[" * 1900 + "]" * 1900, "nested"),
    ],
)
def test_what_is_no_configuration_is_refused_with_where_it_ends(text, where):
    with pytest.raises(Refusal, match=where) as refused:
        configs.parse(text)
    assert refused.value.field == "config"
    assert configs.read(text) == {"notes": " ".join(text.split())}


@every(st.text(max_size=200))
def test_any_text_is_read_or_refused_and_never_breaks(text):
    try:
        found = configs.parse(text)
    except Refusal:
        return
    assert all(isinstance(part, str) for pair in found.items() for part in pair)


@every(st.dictionaries(st.from_regex(r"[a-z_]{1,8}", fullmatch=True), st.floats(0, 9), min_size=1))
def test_the_three_forms_say_the_same(settings):
    import json

    pairs = {name: repr(value) for name, value in settings.items()}
    for text in (
        json.dumps(settings),
        "\n".join(f"{n}: {v}" for n, v in pairs.items()),
        "\n".join(f"{n}={v}" for n, v in pairs.items()),
    ):
        assert configs.parse(text) == pairs


def test_every_contract_to_choose_from_is_one_that_the_runner_reads():
    for choice in PREPROC:
        three = "0.485" in choice.value
        read_preprocessing(choice.value, channels=3 if three else 1)
    for task, choices in OUTPUT.items():
        for choice in choices:
            read_output_contract(choice.value, task)
    assert all(len(c.value) <= 100 for c in (*PREPROC, *sum(OUTPUT.values(), ())))


async def test_all_that_a_model_may_need_is_asked_and_only_the_file_is_demanded(board):
    answer = await board.say("ada", "/model submit")
    fields = {f.name: f for f in answer.form.fields}
    assert set(fields) >= {"benchmark", "file", "notes", "config", *Declared.model_fields}
    assert {n for n, f in fields.items() if f.required} == {"benchmark", "file"}
    assert dict(fields["architecture"].choices)["resnet18"].startswith("resnet18")
    assert fields["preproc"].completes
    assert fields["output"].completes


async def test_what_a_member_declares_reaches_the_runner(board):
    await submit(board, preproc=PREPROC[1].value, output='{"kind": "logits"}', config="lr=0.1")
    evaluation = given(board)
    assert evaluation.declared.preproc == '{"scale": 1}'
    assert evaluation.declared.output == '{"kind": "logits"}'
    async with board.core.database.read() as session:
        assert (await session.get(Submission, evaluation.submission)).config == "lr=0.1"


@pytest.mark.parametrize(
    ("field", "text", "code"),
    [
        ("config", "lr 0.1", "E_CONFIG"),
        ("preproc", "divide by 255", "E_PREPROC"),
        ("output", "[1, 2]", "E_OUTPUT_CONTRACT"),
    ],
)
async def test_a_field_that_cannot_be_read_is_refused_before_anything_is_used_up(
    board, field, text, code
):
    answer = await submit(board, **{field: text})
    assert (answer.refused, answer.code) == (True, code)
    if answer.form:
        assert next(f for f in answer.form.fields if f.name == field).problem
    assert not board.engine.jobs
    assert not (await submit(board)).refused


async def test_a_pickle_is_refused_with_the_three_lines_for_this_benchmarks_images(board):
    answer = await submit(board, data=b"PK\x03\x04archive/data.pkl" + MODEL)
    text = answer.message.plain()
    assert answer.code == "E_NOT_ONNX"
    lines = text.split("```")[1].strip().splitlines()
    assert len(lines) == 3
    assert "torch.zeros(1, 1, 8, 8)" in lines[1]
    assert "docs/recipes/export.md" in text.replace("\\", "")
