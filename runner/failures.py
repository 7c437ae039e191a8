"""Every way in which an evaluation can end without a score, with the words that explain it.

The table is the only place where codes are born: documentation is made from it, and a code that is
not in it cannot be raised. Nothing heavy is imported, because the sandboxed child raises these too.
"""

from dataclasses import dataclass

from runner.plain_text import cleaned


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
    fix: str
    ours: bool = False


CODES: dict[str, Entry] = {
    "E_NOT_ONNX": Entry("The file is not an ONNX model.", "one .onnx file", EXPORT),
    "E_FORMAT": Entry(
        "This benchmark does not take this kind of file, or the file is of another kind than was said.",
        "a kind of file that the benchmark's card names",
        EXPORT,
    ),
    "E_ARCHITECTURE": Entry(
        "The architecture is not one that this runner builds itself.",
        "the exact name of a registered architecture that fits the benchmark's task and images",
        "Name one of the list, or export the network with its weights to ONNX.",
    ),
    "E_WEIGHTS": Entry(
        "The weights do not fit the architecture.",
        "the names, shapes and types of the architecture's own state_dict, and no others",
        "Save `model.state_dict()` of the same architecture, with the benchmark's number of classes, "
        "by `safetensors.torch.save_file`.",
    ),
    "E_SAFETENSORS_BROKEN": Entry(
        "The safetensors file cannot be read: its header does not describe its bytes.",
        "a file that `safetensors.torch.load_file` reads",
        "Upload it again; if that does not help, save it again with `safetensors.torch.save_file`.",
    ),
    "E_TORCH_BROKEN": Entry(
        "The TorchScript or torch.export file cannot be loaded.",
        "a file that `torch.jit.load` or `torch.export.load` opens in a fresh process, without files "
        "of your own",
        "Save it again with the version of PyTorch that the runner names, or export it to ONNX.",
    ),
    "E_TIER": Entry(
        "Loading this kind of file runs code of its own, which asks for a runner with all walls.",
        "a runner of tier full, or a file that is no program",
        EXPORT,
    ),
    "E_NO_TORCH": Entry(
        "This runner cannot open PyTorch files: it has no PyTorch.",
        "an .onnx file, or a runner with PyTorch",
        EXPORT,
    ),
    "E_ANALYSIS": Entry(
        "This analysis cannot be made of this model.",
        "a model and a benchmark that the analysis is for",
        "See what the analysis is for: saliency for classification, quantisation for ONNX files.",
    ),
    "E_EXPORT": Entry(
        "The module cannot be exported as it is (said on your own machine, by `bookwiz export`).",
        "a PyTorch module that torch.onnx.export can trace",
        "docs/recipes/export.md has the usual cases.",
    ),
    "E_CARD": Entry(
        "The benchmark's card cannot be read (said on your own machine, by `bookwiz-runner check`).",
        "the card.json of the benchmark's starter files",
        "Take it anew: `/benchmark starter` gives it.",
    ),
    "E_USAGE": Entry(
        "The command line cannot be understood, or names a file that is not there (said on your own "
        "machine, by `bookwiz-runner check`).",
        "bookwiz-runner check MODEL --benchmark CARD.json [--json]",
        "Look at the paths and options; `bookwiz-runner check --help` names them.",
    ),
    "E_ONNX_BROKEN": Entry(
        "The file begins like an ONNX model but cannot be read or loaded.",
        "a complete ONNX model that `onnx.checker.check_model` accepts",
        "Upload it again; if that does not help, export it again and try "
        "`onnxruntime.InferenceSession('model.onnx')` on your own machine.",
    ),
    "E_MODEL_TOO_LARGE": Entry(
        "The file is larger than this benchmark allows.",
        "a file within the benchmark's size limit",
        "Use a smaller network, or store the weights as float16.",
    ),
    "E_ONNX_EXTERNAL_DATA": Entry(
        "The model keeps its weights in a second file.",
        "one file with all weights inside",
        "Save it in one piece: `onnx.save(onnx.load('model.onnx'), 'one.onnx', "
        "save_as_external_data=False)`; with torch.onnx.export pass `external_data=False`.",
    ),
    "E_ONNX_TOO_COMPLEX": Entry(
        "The graph is nested too deeply or grows too large when it is unfolded.",
        "at most 50,000 nodes, unfolded at most 200,000, nested at most 8 deep",
        "Simplify the export, for instance with `onnxsim`; unrolled loops are the usual cause.",
    ),
    "E_ONNX_OP": Entry(
        "The model uses an operator that this runner does not run.",
        "operators of ai.onnx, ai.onnx.ml or com.microsoft, opset 7 or newer",
        "Replace the custom operator, or export with a newer opset (17 is a good choice).",
    ),
    "E_ONNX_RANDOM": Entry(
        "The model draws random numbers: the same file would have another score each time.",
        "a network that says the same of the same image",
        "Call `model.eval()` before you export, and leave the exporter's training mode off; replace "
        "noise by a stored tensor.",
    ),
    "E_ARCHIVE": Entry(
        "The archive cannot be unpacked.",
        "a .zip, .tar or .tar.gz of plain files and folders, or a .npz",
        "Pack the folder again with your system's own zip, without links and without a password.",
    ),
    "E_DATASET_FORM": Entry(
        "No dataset could be read from the archive.",
        "folders train/, dev/, … of class folders, COCO instances with their images, images/ and "
        "masks/, or .npz files",
        "Lay the files out as docs/datasets.md shows, and pack them again.",
    ),
    "E_PREPROC": Entry(
        "What is declared of the input (`bookwiz.preproc`, `Image.*` or Ultralytics keys, the form) "
        "cannot be understood.",
        'JSON such as {"layout": "NCHW", "scale": 0.00392, "mean": [0.5], "std": [0.5]}',
        "Mend the metadata or the form, or remove it: then pixels arrive divided by 255.",
    ),
    "E_INPUT_SHAPE": Entry(
        "The model does not take this benchmark's images.",
        "one input: a batch of images of the benchmark's size",
        _BATCH,
    ),
    "E_INPUT_TYPE": Entry(
        "The model's input has a number type that images cannot have.",
        "float32, float16, float64 or uint8",
        "Export with a float32 input, or with uint8 and the normalisation inside the model.",
    ),
    "E_OUTPUT_SHAPE": Entry(
        "The model does not give what this benchmark scores.",
        "one score per class [images, classes]; boxes, scores and labels; or logits for each pixel",
        "Classification: return the scores before argmax (scikit-learn: convert with "
        "`zipmap=False`). Detection: export with NMS inside, or declare `bookwiz.output`. "
        "Segmentation: return logits of the image's size.",
    ),
    "E_OUTPUT_CONTRACT": Entry(
        "What is declared of the outputs (`bookwiz.output`) cannot be understood.",
        'JSON such as {"kind": "raw", "layout": "NCA", "boxes": "cxcywh"}',
        "Mend the metadata key or the field of the form, or remove it: "
        "then the shapes of the outputs decide.",
    ),
    "E_NAN": Entry(
        "Some predictions are not numbers (NaN) or infinite.",
        "finite numbers for every image",
        "Look for a division by zero, a logarithm of zero or a float16 overflow; "
        "was the model trained with another scaling of the pixels?",
    ),
    "E_BATCH": Entry(
        "The answer for an image changes with the images beside it, or from run to run.",
        "the same answer for an image in any batch",
        "Export in evaluation mode (`model.eval()`: batch norm and dropout then stand still), let no "
        "operation mix dimension 0, and take out whatever draws random numbers.",
    ),
    "E_TIME_PREDICTED": Entry(
        "The model is so slow that it would pass this benchmark's time limit.",
        "all images within the benchmark's wall and processor time",
        "Use a smaller network or smaller images; a dynamic batch often helps as well.",
    ),
    "E_TIME_WALL": Entry(
        "The model ran longer than this benchmark allows.",
        "an end within the benchmark's wall time",
        "Use a smaller network; check that no loop in the graph runs without end.",
    ),
    "E_TIME_CPU": Entry(
        "The model used more processor time than this benchmark allows.",
        "an end within the benchmark's processor time",
        "Use a smaller network; check that no loop in the graph runs without end.",
    ),
    "E_MEMORY": Entry(
        "The model asked for more memory than this benchmark allows.",
        "memory within the benchmark's limit",
        "Use smaller activations; a dynamic batch helps, because the runner then chooses it.",
    ),
    "E_CRASH": Entry(
        "The model ended the process that ran it.",
        "a model that runs to its end in ONNX Runtime",
        "Run it in onnxruntime on your own machine; exporting with another opset often helps.",
    ),
    "E_RUN": Entry(
        "The model stopped with an error while it was running.",
        "a model that runs on any batch of the benchmark's images",
        "Run it on your own machine, in ONNX Runtime or PyTorch, with a batch of one and of five images.",
    ),
    "E_TASK": Entry(
        "The benchmark's task or dataset cannot be scored by this runner yet.",
        "a classification benchmark",
        "Tell the moderators: the benchmark asks for something this runner does not do.",
        ours=True,
    ),
    "E_RUNNER_UNSAFE": Entry(
        "This bot's host cannot shut a model in safely, so it runs no member's model.",
        "a Linux kernel with Landlock and seccomp (5.13 or newer)",
        "Nothing to mend on your side: the admin's bookwiz doctor says what the host lacks.",
        ours=True,
    ),
    "E_RUNNER_FETCH": Entry(
        "The model could not be fetched from our store, or arrived changed.",
        "the file that was uploaded",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_FORM": Entry(
        "What a runner made has not the form that was asked for, or is not the file that it named.",
        "an array with a row for each image; for an analysis, what docs/decisions/0016 lists",
        _OURS,
        ours=True,
    ),
    "E_DESK_FILE": Entry(
        "A file that had been stored is not in our store any more.",
        "the file under its hash",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_STORE": Entry(
        "What the runner made could not be kept.",
        "room in our store, and a way to it",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_STOPPED": Entry(
        "The runner was stopped, or came to it too late; the attempt does not count.",
        "an end before the host went down and the links expired",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_DATASET": Entry(
        "The benchmark's dataset is missing or damaged on this runner.",
        "a dataset version written by `bookwiz-runner dataset add`",
        _OURS,
        ours=True,
    ),
    "E_RUNNER_BUG": Entry(
        "Something of ours broke during the evaluation.", "an outcome", _OURS, ours=True
    ),
}


class Refusal(Exception):  # noqa: N818 - the project's word for "no, and this is why"
    """An evaluation ends here. ``problem`` and ``got`` may quote a model: they are cleaned."""

    def __init__(
        self, code: str, problem: str = "", *, expected: str = "", got: str = "", fix: str = ""
    ) -> None:
        """Take the words of the table for whatever is not given. Unknown codes are a KeyError."""
        entry = CODES[code]
        self.code = code
        self.ours = entry.ours
        self.problem = cleaned(problem, 300) or entry.meaning
        self.expected = cleaned(expected, 300) or entry.expected
        self.got = cleaned(got, 300)
        self.fix = cleaned(fix, 500) or entry.fix
        super().__init__(f"{code}: {self.problem}")

    def words(self) -> dict[str, str]:
        """Return what a child may say of it over the status pipe."""
        return {
            "code": self.code,
            "problem": self.problem,
            "expected": self.expected,
            "got": self.got,
            "fix": self.fix,
        }
