"""Which runner can do a job. What the runner itself would refuse is the measure."""

from types import SimpleNamespace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.analyses import running
from runner.contract import Blob, Declared, Evaluation, Format, Purpose, Tier
from runner.evaluate import Evaluator
from runner.failures import Refusal
from runner.formats import admission
from runner.needs import NEEDS, NOTHING, Hello, parts_of, queue_for, queue_name, queues_taken

FORMATS = st.sampled_from(get_args(Format))
PURPOSES = st.sampled_from(get_args(Purpose))
TIERS = st.sampled_from(get_args(Tier))
WALLS = st.sampled_from(["reduced", "full"])  # what a benchmark may ask for


def job(format="onnx", purpose="score", minimum_tier="reduced"):
    return Evaluation(
        submission="a",
        attempt=1,
        token="t",
        task="classification",
        model=Blob(sha256="0" * 64, size=1, url="file:///nowhere"),
        dataset="digits-0123456789ab",
        splits=("dev",),
        artifacts="file:///nowhere",
        format=format,
        purpose=purpose,
        minimum_tier=minimum_tier,
        declared=Declared(architecture="resnet18"),
    )


def hello(tier="full", formats=("onnx",), gpus=()):
    more = {"purposes": running.purposes(tier), "gpus": gpus, "versions": {}}
    return Hello(runner="box", hardware="2-core", tier=tier, formats=formats, **more)


def host(tier, monkeypatch, *, torch):
    """What a runner of that tier says of itself, with or without PyTorch."""
    monkeypatch.setattr(
        admission, "find_spec", lambda name: SimpleNamespace(name=name) if torch else None
    )
    return hello(tier, admission.formats_opened(tier))


def refused(evaluation, tier):
    """Whether a runner of *tier* refuses the job for what it is itself, as it does at the start."""
    try:
        Evaluator(tier)._refuse_weak_walls(evaluation)
        admission.refuse_unless_opened(evaluation.format, evaluation.declared, tier=tier)
        running.refuse_unless_possible(evaluation, tier=tier)
    except Refusal:
        return True
    return False


@pytest.mark.parametrize(
    ("given_", "queue"),
    [
        ({}, "cpu"),
        ({"format": "safetensors"}, "cpu+torch"),
        ({"format": "torchscript"}, "cpu+full+torch"),
        ({"format": "pt2"}, "cpu+full+torch"),
        ({"minimum_tier": "full"}, "cpu+full"),
        ({"minimum_tier": "full", "format": "safetensors"}, "cpu+full+torch"),
        ({"purpose": "quantize"}, "cpu+full"),
        ({"purpose": "saliency"}, "cpu"),
        ({"purpose": "robustness", "format": "safetensors"}, "cpu+torch"),
    ],
)
def test_a_job_goes_to_the_queue_of_its_needs(given_, queue):
    assert queue_for("cpu", job(**given_)) == queue


@pytest.mark.parametrize(
    ("line", "said", "queues"),
    [
        ("cpu", hello("reduced"), ("cpu",)),
        ("cpu", hello("reduced", ("onnx", "safetensors")), ("cpu", "cpu+torch")),
        ("cpu", hello("full"), ("cpu", "cpu+full")),
        (
            "cpu",
            hello("full", get_args(Format)),
            ("cpu", "cpu+full", "cpu+torch", "cpu+full+torch"),
        ),
        ("cpu", hello("none", get_args(Format)), ()),
        ("gpu", hello("full"), ()),
        ("gpu", hello("reduced", gpus=("NVIDIA H100",)), ("gpu",)),
        ("cpu", hello("reduced", gpus=("NVIDIA H100",)), ("cpu",)),
    ],
)
def test_a_runner_takes_what_its_hello_proves(line, said, queues):
    assert queues_taken(line, said) == queues


@given(FORMATS, PURPOSES, WALLS, TIERS, st.booleans())
def test_a_job_reaches_exactly_the_runners_that_do_not_refuse_it(
    format, purpose, minimum_tier, tier, torch
):
    asked = job(format, purpose, minimum_tier)
    if purpose == "quantize" and format != "onnx":
        return  # no runner can; the first one says so
    with pytest.MonkeyPatch.context() as patch:
        taken = queues_taken("cpu", host(tier, patch, torch=torch))
        assert (queue_for("cpu", asked) in taken) is not refused(asked, tier)


@given(st.sampled_from(["cpu", "gpu", "own"]), st.sets(st.sampled_from(NEEDS)))
def test_a_name_is_read_back_as_it_was_made(line, needs):
    name = queue_name(line, needs)
    assert parts_of(name) == (line, needs)
    assert (
        len(f"procrastinate_queue_v1#{'x' * 20}{name.removeprefix(line)}") < 64
    )  # Postgres's limit


@pytest.mark.parametrize("name", ["cpu+torch+full", "cpu+npu", "cpu+", "cpu+full+full"])
def test_a_name_of_another_version_is_told_apart(name):
    assert parts_of(name) is None


@given(TIERS, st.sets(FORMATS), st.sampled_from(["cpu", "gpu"]))
def test_whoever_proves_more_takes_no_less(tier, formats, line):
    less = set(queues_taken(line, hello(tier, tuple(formats))))
    more = hello("full", get_args(Format), ("NVIDIA H100",))
    assert less <= set(queues_taken(line, more))
    assert NOTHING not in less
