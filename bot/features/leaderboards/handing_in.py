"""What helps a member to hand a model in: usual contracts to choose from, the lines that export."""

from bot.features.leaderboards import benchmarks
from bot.features.leaderboards.models import Benchmark
from bot.kit.command import Choice
from bot.kit.work import Context
from runner.contract import DatasetManifest

#: as JSON that `bookwiz.preproc` takes; what a file says of itself goes first anyway
PREPROC = (
    Choice('{"scale": 0.00392156862745098}', "pixels from 0 to 1 (x / 255)"),
    Choice('{"scale": 1}', "pixels from 0 to 255, as floats"),
    Choice('{"scale": 0.00784313725490196, "mean": [1]}', "pixels from -1 to 1"),
    Choice(
        '{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}',
        "ImageNet's mean and std (torchvision, timm)",
    ),
    Choice('{"mean": [0.1307], "std": [0.3081]}', "MNIST's mean and std"),
    Choice('{"colour": "BGR"}', "BGR instead of RGB (OpenCV)"),
    Choice('{"resize": "stretch"}', "another input size: stretch the image to it"),
    Choice('{"resize": "letterbox", "pad": 114}', "another input size: letterbox (YOLO)"),
)
OUTPUT = {
    "classification": (
        Choice('{"kind": "logits"}', "logits: before the softmax"),
        Choice('{"kind": "probabilities"}', "probabilities: after the softmax"),
    ),
    "segmentation": (
        Choice('{"kind": "logits"}', "logits of every pixel and class"),
        Choice('{"kind": "probabilities"}', "probabilities of every pixel and class"),
        Choice('{"kind": "classes"}', "the class of every pixel (argmax is inside)"),
        Choice('{"layout": "NHWC"}', "classes come last: [N, height, width, classes]"),
    ),
    "detection": (
        Choice(
            '{"kind": "raw", "layout": "NCA", "boxes": "cxcywh"}',
            "raw YOLO head [N, 4+C, A]: cxcywh, NMS is ours",
        ),
        Choice(
            '{"kind": "raw", "layout": "NAC", "boxes": "cxcywh", "objectness": true}',
            "raw YOLOv5 head [N, A, 5+C]: with objectness, NMS is ours",
        ),
        Choice(
            '{"kind": "detections", "boxes": "xyxy"}', "boxes xyxy, scores, classes: NMS is inside"
        ),
        Choice(
            '{"kind": "detections", "boxes": "xyxy", "first_class": 1}',
            "the same, class 0 is the background (torchvision)",
        ),
    ),
}


async def suggest_preproc(ctx: Context, text: str) -> list[Choice]:  # noqa: ARG001 - the kit's signature
    return _fitting(PREPROC, text)


async def suggest_output(ctx: Context, text: str) -> list[Choice]:  # noqa: ARG001 - the kit's signature
    return _fitting(tuple(c for of in OUTPUT.values() for c in of), text)


def _fitting(choices: tuple[Choice, ...], text: str) -> list[Choice]:
    wanted = text.strip().lower()
    found = {c.value: c for c in choices if wanted in f"{c.value} {c.label}".lower()}
    return list(found.values())


async def export_lines(ctx: Context, benchmark: Benchmark) -> str:
    """The three lines that make an ONNX file of a PyTorch module, for this benchmark's images."""
    manifest = await benchmarks.manifest_of(ctx.session, benchmark)
    return lines_for(manifest) if manifest else ""


def lines_for(manifest: DatasetManifest) -> str:
    shape = f"{manifest.channels}, {manifest.height}, {manifest.width}"
    return (
        "import torch\n"
        f"model.eval(); images = torch.zeros(1, {shape})\n"
        'torch.onnx.export(model, (images,), "model.onnx", input_names=["images"],'
        ' dynamic_axes={"images": {0: "batch"}}, dynamo=False)'
    )
