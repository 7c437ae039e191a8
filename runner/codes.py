"""Every way in which an evaluation can end without a score, with the words that explain it.

The table is the only place where codes are born: documentation is made from it, and a code that is
not in it cannot be raised. Nothing heavy is imported, because the sandboxed child raises these too.
"""

from dataclasses import dataclass


def export_advice(channels: int, height: int, width: int, note: str = "") -> str:
    """How a PyTorch module becomes an ONNX file that takes images of that shape."""
    return (
        "Export it to ONNX: `import torch`; "
        f"`model.eval(); example = torch.zeros(1, {channels}, {height}, {width})`{note}; "
        "`torch.onnx.export(model, example, 'model.onnx', input_names=['input'], "
        "dynamic_axes={'input': {0: 'batch'}}, dynamo=False)`. `bookwiz export` does it with the "
        "normalisation inside; recipes for other libraries are in docs/recipes/export.md."
    )


EXPORT = export_advice(3, 32, 32, " (the benchmark's shape)")
_BATCH = "Export with the batch as dimension 0 and only the images as input."
_OURS = "Nothing to mend on your side: we try again, and it costs no quota."


@dataclass(frozen=True)
class Entry:
    """What a code means, in words for the person who gets it."""

    meaning: str
    expected: str
    got: str  #: an example of what came instead, for the table in docs/errors.md
    fix: str
    ours: bool = False


CODES: dict[str, Entry] = {
    "E_NOT_ONNX": Entry(
        "The file is not an ONNX model.",
        "one .onnx file",
        "a pickle (.pt, .pth, .pkl): opening one runs whatever program is inside",
        EXPORT,
    ),
    "E_EMPTY_FILE": Entry(
        "The file is empty.",
        "a file with something in it",
        "0 bytes",
        "Export or save it again and attach it anew.",
    ),
    "E_FORMAT": Entry(
        "This benchmark does not take this kind of file, or the file is of another kind than was said.",
        "a kind of file that the benchmark's card names",
        "a safetensors file, which holds weights without the network",
        EXPORT,
    ),
    "E_ARCHITECTURE": Entry(
        "The architecture is not one that this runner builds itself.",
        "the exact name of a registered architecture that fits the benchmark's task and images",
        "resnet-18",
        "Name one of the list, or export the network with its weights to ONNX.",
    ),
    "E_WEIGHTS": Entry(
        "The weights do not fit the architecture.",
        "the names, shapes and types of the architecture's own state_dict, and no others",
        "fc.weight is [1000, 512], not [10, 512]",
        "Save `model.state_dict()` of the same architecture, with the benchmark's number of classes, "
        "by `safetensors.torch.save_file`.",
    ),
    "E_SAFETENSORS_BROKEN": Entry(
        "The safetensors file cannot be read: its header does not describe its bytes.",
        "a file that `safetensors.torch.load_file` reads",
        "a header of 2,000,000 bytes in a file of 1,024",
        "Upload it again; if that does not help, save it again with `safetensors.torch.save_file`.",
    ),
    "E_TORCH_BROKEN": Entry(
        "The TorchScript or torch.export file cannot be loaded.",
        "a file that `torch.jit.load` or `torch.export.load` opens in a fresh process, without files "
        "of your own",
        "no module named 'my_layers'",
        "Save it again with the version of PyTorch that the runner names, or export it to ONNX.",
    ),
    "E_TIER": Entry(
        "Loading this kind of file runs code of its own, which asks for a runner with all walls.",
        "a runner of tier full, or a file that is no program",
        "TorchScript on a runner of tier reduced",
        EXPORT,
    ),
    "E_NO_TORCH": Entry(
        "This runner cannot open PyTorch files: it has no PyTorch.",
        "an .onnx file, or a runner with PyTorch",
        "TorchScript",
        EXPORT,
    ),
    "E_ANALYSIS": Entry(
        "This analysis cannot be made of this model.",
        "a model and a benchmark that the analysis is for",
        "detection",
        "See what the analysis is for: saliency for classification, quantisation for ONNX files.",
    ),
    "E_EXPORT": Entry(
        "The module cannot be exported as it is (said on your own machine, by `bookwiz export`).",
        "a PyTorch module that torch.onnx.export can trace",
        "the branch `if x.sum() > 0` depends on the pixels",
        "docs/recipes/export.md has the usual cases.",
    ),
    "E_CARD": Entry(
        "The benchmark's card cannot be read (said on your own machine, by `bookwiz-runner check`).",
        "the card.json of the benchmark's starter files",
        "card.json: classes: Field required",
        "Take it anew: `/benchmark starter` gives it.",
    ),
    "E_USAGE": Entry(
        "The command line cannot be understood, or names a file that is not there (said on your own "
        "machine, by `bookwiz-runner check`).",
        "bookwiz-runner check MODEL --benchmark CARD.json [--json]",
        "Invalid value for '--benchmark': File 'crad.json' does not exist.",
        "Look at the paths and options; `bookwiz-runner check --help` names them.",
    ),
    "E_ONNX_BROKEN": Entry(
        "The file begins like an ONNX model but cannot be read or loaded.",
        "a complete ONNX model that `onnx.checker.check_model` accepts",
        "a graph without nodes",
        "Upload it again; if that does not help, export it again and try "
        "`onnxruntime.InferenceSession('model.onnx')` on your own machine.",
    ),
    "E_MODEL_TOO_LARGE": Entry(
        "The file is larger than this benchmark allows.",
        "a file within the benchmark's size limit",
        "312.4 MB",
        "Use a smaller network, or store the weights as float16.",
    ),
    "E_ONNX_EXTERNAL_DATA": Entry(
        "The model keeps its weights in a second file.",
        "one file with all weights inside",
        "the tensor conv1.weight",
        "Save it in one piece: `onnx.save(onnx.load('model.onnx'), 'one.onnx', "
        "save_as_external_data=False)`; with torch.onnx.export pass `external_data=False`.",
    ),
    "E_ONNX_TOO_COMPLEX": Entry(
        "The graph is nested too deeply or grows too large when it is unfolded.",
        "at most 50,000 nodes, unfolded at most 200,000, nested at most 8 deep",
        "1048576 nodes when unfolded",
        "Simplify the export, for instance with `onnxsim`; unrolled loops are the usual cause.",
    ),
    "E_ONNX_OP": Entry(
        "The model uses an operator that this runner does not run.",
        "operators of ai.onnx, ai.onnx.ml or com.microsoft, opset 7 or newer",
        "MyCustomOp",
        "Replace the custom operator, or export with a newer opset (17 is a good choice).",
    ),
    "E_ONNX_RANDOM": Entry(
        "The model draws random numbers: the same file would have another score each time.",
        "a network that says the same of the same image",
        "RandomNormalLike",
        "Call `model.eval()` before you export, and leave the exporter's training mode off; replace "
        "noise by a stored tensor.",
    ),
    "E_ARCHIVE": Entry(
        "The archive cannot be unpacked.",
        "a .zip, .tar or .tar.gz of plain files and folders, or a .npz",
        "an absolute path or '..'",
        "Pack the folder again with your system's own zip, without links and without a password.",
    ),
    "E_DATASET_FORM": Entry(
        "No dataset could be read from the archive.",
        "folders train/, dev/, … of class folders, COCO instances with their images, images/ and "
        "masks/, or .npz files",
        "no file or folder of that name",
        "Lay the files out as docs/datasets.md shows, and pack them again.",
    ),
    "E_PREPROC": Entry(
        "What is declared of the input (`bookwiz.preproc`, `Image.*` or Ultralytics keys, the form) "
        "cannot be understood.",
        'JSON such as {"layout": "NCHW", "scale": 0.00392, "mean": [0.5], "std": [0.5]}',
        "layout: NWHC",
        "Mend the metadata or the form, or remove it: then pixels arrive divided by 255.",
    ),
    "E_INPUT_SHAPE": Entry(
        "The model does not take this benchmark's images.",
        "one input: a batch of images of the benchmark's size",
        "[any, 3, 224, 224]",
        _BATCH,
    ),
    "E_INPUT_TYPE": Entry(
        "The model's input has a number type that images cannot have.",
        "float32, float16, float64 or uint8",
        "int64 for the input tokens",
        "Export with a float32 input, or with uint8 and the normalisation inside the model.",
    ),
    "E_OUTPUT_SHAPE": Entry(
        "The model does not give what this benchmark scores.",
        "one score per class [images, classes]; boxes, scores and labels; or logits for each pixel",
        "float32 [N, 1000]",
        "Classification: return the scores before argmax (scikit-learn: convert with "
        "`zipmap=False`). Detection: export with NMS inside, or declare `bookwiz.output`. "
        "Segmentation: return logits of the image's size.",
    ),
    "E_OUTPUT_CONTRACT": Entry(
        "What is declared of the outputs (`bookwiz.output`) cannot be understood.",
        'JSON such as {"kind": "raw", "layout": "NCA", "boxes": "cxcywh"}',
        "boxes: xxyy",
        "Mend the metadata key or the field of the form, or remove it: "
        "then the shapes of the outputs decide.",
    ),
    "E_NAN": Entry(
        "Some predictions are not numbers (NaN) or infinite.",
        "finite numbers for every image",
        "NaN among the logits of some pixels",
        "Look for a division by zero, a logarithm of zero or a float16 overflow; "
        "was the model trained with another scaling of the pixels?",
    ),
    "E_BATCH": Entry(
        "The answer for an image changes with the images beside it, or from run to run.",
        "the same answer for an image in any batch",
        "another answer for 3 of the first 4 images",
        "Export in evaluation mode (`model.eval()`: batch norm and dropout then stand still), let no "
        "operation mix dimension 0, and take out whatever draws random numbers.",
    ),
    "E_TIME_PREDICTED": Entry(
        "The model is so slow that it would pass this benchmark's time limit.",
        "all images within the benchmark's wall and processor time",
        "about 700, at 350.0 ms an image",
        "Use a smaller network or smaller images; a dynamic batch often helps as well.",
    ),
    "E_TIME_WALL": Entry(
        "The model ran longer than this benchmark allows.",
        "an end within the benchmark's wall time",
        "still running after 300 seconds",
        "Use a smaller network; check that no loop in the graph runs without end.",
    ),
    "E_TIME_CPU": Entry(
        "The model used more processor time than this benchmark allows.",
        "an end within the benchmark's processor time",
        "more",
        "Use a smaller network; check that no loop in the graph runs without end.",
    ),
    "E_MEMORY": Entry(
        "The model asked for more memory than this benchmark allows.",
        "memory within the benchmark's limit",
        "an allocation that the limit refused",
        "Use smaller activations; a dynamic batch helps, because the runner then chooses it.",
    ),
    "E_CRASH": Entry(
        "The model ended the process that ran it.",
        "a model that runs to its end in ONNX Runtime",
        "signal 11",
        "Run it in onnxruntime on your own machine; exporting with another opset often helps.",
    ),
    "E_RUN": Entry(
        "The model stopped with an error while it was running.",
        "a model that runs on any batch of the benchmark's images",
        "the node /fc/Gemm: shapes (4,512) and (256,10) cannot be multiplied",
        "Run it on your own machine, in ONNX Runtime or PyTorch, with a batch of one and of five images.",
    ),
    "E_TASK": Entry(
        "The benchmark's task or dataset cannot be scored by this runner yet.",
        "a task, a metric and splits that this runner scores",
        "no split to score",
        "Tell the moderators: the benchmark asks for something this runner does not do.",
        ours=True,
    ),
    "E_RUNNER_UNSAFE": Entry(
        "This bot's host cannot shut a model in safely, so it runs no member's model.",
        "a Linux kernel with Landlock and seccomp (5.13 or newer)",
        "none",
        "Nothing to mend on your side: the admin's bookwiz doctor says what the host lacks.",
        ours=True,
    ),
    "E_RUNNER_REFUSED": Entry(
        "The runner does not know this kind of evaluation.",
        "a runner of the bot's own version",
        "an evaluation of a newer version",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_TIMEOUT": Entry(
        "The runner did not end the evaluation on time and was stopped.",
        "an outcome within the benchmark's wall time and a margin",
        "none",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_FETCH": Entry(
        "The model could not be fetched from our store, or arrived changed.",
        "the file that was uploaded",
        "HTTP 404",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_FORM": Entry(
        "What a runner made has not the form that was asked for, or is not the file that it named.",
        "an array with a row for each image; for an analysis, what docs/decisions/0016 lists",
        "predictions-board.npy: float64",
        _OURS,
        ours=True,
    ),
    "E_DESK_FILE": Entry(
        "A file that had been stored is not in our store any more.",
        "the file under its hash",
        "statistics-dev.npz: No such file or directory",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_STORE": Entry(
        "What the runner made could not be kept.",
        "room in our store, and a way to it",
        "No space left on device",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_STOPPED": Entry(
        "The runner was stopped, or came to it too late; the attempt does not count.",
        "an end before the host went down and the links expired",
        "no attempt's end",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_METRIC": Entry(
        "The benchmark is ranked by a version of its metric that is computed no more.",
        "a benchmark by the version that this runner computes",
        "accuracy version 1",
        "Nothing to mend on your side: moderators open a new version of it, which takes the model.",
        ours=True,
    ),
    "E_RUNNER_DATASET": Entry(
        "The benchmark's dataset is missing or damaged on this runner.",
        "a dataset version written by `bookwiz-runner dataset add`",
        "no split board in digits-0123456789ab",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_BUG": Entry(
        "Something of ours broke during the evaluation.", "an outcome", "KeyError", _OURS, ours=True
    ),
}
