"""The contracts that models in the wild usually have: what a model's author may have meant."""

from runner.contract import Task
from runner.formats.output_contract import OutputContract
from runner.formats.preprocessing import Preprocessing
from runner.formats.signature import Signature

_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_SCALED = {
    "x over 255": Preprocessing(),
    "pixels from 0 to 255": Preprocessing(scale=1.0),
    "pixels from -1 to 1": Preprocessing(scale=2 / 255, mean=(1.0,)),
}
_COLOUR = _SCALED | {
    "ImageNet mean and std": Preprocessing(**_IMAGENET),  # type: ignore[arg-type]
    "x over 255 in BGR": Preprocessing(colour="BGR"),
    "pixels from 0 to 255 in BGR": Preprocessing(scale=1.0, colour="BGR"),
    # torchvision's and Caffe's old habit: BGR less the mean of ImageNet
    "BGR less ImageNet's mean": Preprocessing(
        scale=1.0, mean=(103.939, 116.779, 123.68), colour="BGR"
    ),
}
_GREY = _SCALED | {
    "MNIST mean and std": Preprocessing(mean=(0.1307,), std=(0.3081,)),
    "x over 255, dark and light swapped": Preprocessing(scale=-1 / 255, mean=(-1.0,)),
}
_RAW = {"pixels as they are in BGR": Preprocessing(colour="BGR")}


#: how boxes are written; by name: ``boxes`` and ``normalised`` of the output contract
READINGS = {
    "boxes as corners (x1, y1, x2, y2) in pixels": ("xyxy", False),
    "boxes as corners (x1, y1, x2, y2) from 0 to 1": ("xyxy", True),
    "boxes as centre, width and height in pixels": ("cxcywh", False),
    "boxes as centre, width and height from 0 to 1": ("cxcywh", True),
    "boxes as first corner, width and height in pixels": ("xywh", False),
    "boxes as first corner, width and height from 0 to 1": ("xywh", True),
}


def names(task: Task, channels: int) -> list[str]:
    """Return what a probe may be called: contracts of the input, and of boxes."""
    return [*usual(channels), *(READINGS if task == "detection" else ())]


def other_readings(own: OutputContract) -> dict[str, tuple[str, bool]]:
    """Return the ones that boxes could also have meant, without the one that they are read by."""
    read = (own.boxes or "xyxy", own.normalised)
    return {name: how for name, how in READINGS.items() if how != read}


def usual(channels: int) -> dict[str, Preprocessing]:
    """Return all of them by name, those of uint8 inputs last."""
    return _GREY if channels == 1 else _COLOUR | _RAW


def admitted(signature: Signature, channels: int) -> dict[str, Preprocessing]:
    """Return the ones that this input could also have meant, without the one that it is fed by."""
    if signature.dtype == "uint8":
        return _RAW if channels > 1 else {}
    own = signature.preprocessing
    return {
        name: how
        for name, how in usual(channels).items()
        if name not in _RAW
        and (how.scale, how.mean, how.std, how.colour) != (own.scale, own.mean, own.std, own.colour)
    }
