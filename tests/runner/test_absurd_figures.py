"""Figures that a model, or a runner, makes up: none may break whoever reads them."""

import pytest
from pydantic import ValidationError

from runner.contract import Artifact, Limits, ModelFacts, Speed
from runner.evaluate import facts_of
from runner.failures import Refusal
from runner.predictions import Claims, hear, refuse_bad_end
from runner.sandbox.cell import Ending

ABSURD = [10**400, 2**53, -1, -(10**400), float("inf"), float("nan"), 5e-324]
WELL = Ending(0, 0, timed_out=False, flooded=False)


def ignore(_):
    pass


@pytest.mark.parametrize("figure", ABSURD, ids=lambda f: f"{f!r:.12}")
def test_a_speed_that_cannot_be_refuses_the_model(figure):
    claims = Claims(confined=True)
    hear(claims, {"speed": {"p50_ms": figure, "seconds": 1}}, ignore)
    hear(claims, {"done": True}, ignore)
    with pytest.raises(Refusal, match="E_CRASH"):
        refuse_bad_end(WELL, claims, Limits())


def test_a_speed_that_can_be_is_taken():
    claims = Claims(confined=True)
    said = {"p50_ms": 0.5, "limit_per_second": 0, "threads": 2, "note": "fast"}
    hear(claims, {"speed": said}, ignore)
    assert claims.speed == {"p50_ms": 0.5, "limit_per_second": 0.0, "threads": 2.0}


@pytest.mark.parametrize("figure", [10**400, 2**53, -1, 0.5, "many", None])
def test_a_count_that_cannot_be_is_not_known(figure):
    claims = Claims(model={"parameters": figure, "flops": figure, "opset": 17})
    facts = facts_of(claims, size=1)
    assert (facts.parameters, facts.flops, facts.opset) == (0, None, 17)


@pytest.mark.parametrize("figure", [10**400, 2**53, -1])
def test_a_runner_cannot_send_one_either(figure):
    facts = {"format": "onnx", "parameters": 1, "size": 1, "input": ""}
    for name in ("parameters", "size", "opset", "flops", "memory_mb"):
        with pytest.raises(ValidationError, match=name):
            ModelFacts.model_validate(facts | {name: figure})
    with pytest.raises(ValidationError, match="size"):
        Artifact(name="a", media_type="b", sha256="0" * 64, size=figure)
    with pytest.raises(ValidationError, match="threads"):
        Speed.model_validate(dict.fromkeys(Speed.model_fields, 1) | {"threads": figure})


def test_the_board_reads_memory_as_a_databases_integer():
    facts = {"format": "onnx", "parameters": 1, "size": 1, "input": ""}
    assert ModelFacts.model_validate(facts | {"memory_mb": 2**31 - 1}).memory_mb
    with pytest.raises(ValidationError, match="memory_mb"):
        ModelFacts.model_validate(facts | {"memory_mb": 2**31})
