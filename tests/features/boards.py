"""A benchmark of handwritten digits, models for it, and runners that report what a test says."""

from runner.contract import (
    Artifact,
    DatasetManifest,
    Failure,
    Metric,
    Outcome,
    SplitFacts,
    SplitScore,
)

MODEL = b"\x08\x08\x12\x07pytorch" + bytes(100)
MANIFEST = DatasetManifest(
    key="digits-0123456789ab",
    name="digits",
    task="classification",
    classes=tuple("0123456789"),
    height=8,
    width=8,
    channels=1,
    licence="CC BY 4.0",
    splits=tuple(
        SplitFacts(split=s, images=n, per_class=(n // 10,) * 10)
        for s, n in (("train", 800), ("dev", 200), ("board", 500), ("shadow", 200))
    ),
)
THEIRS = Failure(
    code="E_INPUT_SHAPE",
    problem="The input has another shape.",
    expected="[N, 1, 8, 8]",
    got="[N, 3, 224, 224]",
    fix="Export it for 8 × 8 images.",
)
OURS = Failure(code="E_RUNNER_CRASH", ours=True, problem="The runner's disk was full.")


async def submit(chat, who="ada", data=MODEL, **more):
    model = await chat.upload("model.onnx", data)
    return await chat.say(who, "/model submit benchmark:digits", attach=[model], **more)


def given(chat):
    """The one evaluation that is with the engine."""
    [evaluation] = chat.engine.jobs.values()
    return evaluation


def given_keys(chat):
    return list(chat.engine.jobs)


def scored(evaluation, value=0.9, **more):
    metrics = tuple(
        Metric(name=n, value=value, low=value - 0.02, high=value + 0.02)
        for n in ("accuracy", "macro_f1")
    )
    return Outcome(
        submission=evaluation.submission,
        attempt=evaluation.attempt,
        token=evaluation.token,
        runner="test",
        tier="reduced",
        scores=tuple(SplitScore(split=s, images=500, metrics=metrics) for s in evaluation.splits),
        **more,
    )


def failed(evaluation, failure):
    return Outcome(
        submission=evaluation.submission,
        attempt=evaluation.attempt,
        token=evaluation.token,
        runner="test",
        tier="reduced",
        failure=failure,
    )


async def live(chat, evaluation):
    await chat.deliver()
    return chat.room.said[f"submission:{evaluation.submission}"]


def artifact(name, stored, media_type="application/octet-stream", alt=""):
    return Artifact(
        name=name, media_type=media_type, sha256=stored.sha256, size=stored.size, alt=alt
    )


async def with_files(chat, evaluation, value, *, of="", **more):
    """A trusted runner's outcome with all that it stores: predictions and statistics.

    Their bytes are *of* this submission, unless another name for it is given.
    """
    files, of = chat.core.services.files, of or evaluation.submission
    kept = [
        artifact(
            f"{what}-{split}.{end}",
            await files.add(f"{of}{what}{split}".encode()),
        )
        for split in evaluation.splits
        for what, end in (("predictions", "npy"), ("statistics", "npz"))
    ]
    return scored(
        evaluation,
        value,
        predictions=tuple(a for a in kept if a.name.endswith("npy")),
        artifacts=tuple(a for a in kept if a.name.endswith("npz")),
        **more,
    )


async def scored_entry(chat, who="ada", data=MODEL, value=0.9, verdict=None, **form):
    """Hand a model in and have it scored; gives its evaluation."""
    await submit(chat, who, data, **form)
    evaluation = given(chat)
    await chat.engine.report(await with_files(chat, evaluation, value, verdict=verdict))
    await chat.deliver()
    return evaluation
