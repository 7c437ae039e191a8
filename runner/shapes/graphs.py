"""Writes ONNX graphs node by node, in numpy alone: uint8 NHWC in, whatever is wanted out."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from runner.formats.output_contract import KEY as OUTPUT_KEY
from runner.formats.preprocessing import KEY
from runner.shapes.world import SIDE

_OPSET, _IR = 17, 8  # old enough for every ONNX Runtime that is still in use
INPUT = "images"


@dataclass
class Graph:
    """Nodes and weights so far. Every method that adds something returns the name of what it gives."""

    name: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: dict[str, NDArray[Any]] = field(default_factory=dict)

    def node(self, op: str, *inputs: str, outputs: int = 1, **attributes: Any) -> str:
        """Add a node; with several ``outputs`` they are called NAME, NAME.1, NAME.2."""
        name = f"{op.lower()}_{len(self.nodes)}"
        names = [name, *(f"{name}.{n}" for n in range(1, outputs))]
        self.nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return name

    def weight(self, array: Any, dtype: type[np.generic] = np.float32) -> str:
        """Add an array."""
        name = f"weight_{len(self.weights)}"
        self.weights[name] = np.asarray(array, dtype)
        return name

    def pixels(self) -> str:
        """Add the images as float32 [N, 3, SIDE, SIDE], 0 to 1."""
        floats = self.node("Cast", INPUT, to=TensorProto.FLOAT)
        unit = self.node("Mul", floats, self.weight(1 / 255))
        return self.node("Transpose", unit, perm=[0, 3, 1, 2])

    def evened(self, pixels: str) -> str:
        """Add the images with mean 0 and deviation 1 in each channel of each image: no day, no night."""
        return self.node(
            "InstanceNormalization",
            pixels, self.weight(np.ones(3)), self.weight(np.zeros(3)), epsilon=1e-5,
        )  # fmt: skip

    def conv(
        self, of: str, kernel: NDArray[Any], bias: NDArray[Any] | None = None, **how: Any
    ) -> str:
        """Add a convolution with ``kernel`` [out, in, k, k]; borders count as 0."""
        reach = how.get("dilation", 1) * (kernel.shape[2] // 2)
        step, dilation = how.get("stride", 1), how.get("dilation", 1)
        inputs = [of, self.weight(kernel), *([] if bias is None else [self.weight(bias)])]
        return self.node(
            "Conv", *inputs, pads=[reach] * 4, strides=[step] * 2, dilations=[dilation] * 2
        )

    def mean(self, of: str, side: int, stride: int = 1) -> str:
        """Add the means over squares of an odd ``side`` around each place; beyond borders is 0."""
        return self.node(
            "AveragePool",
            of, kernel_shape=[side] * 2, pads=[side // 2] * 4, strides=[stride] * 2,
            count_include_pad=1,
        )  # fmt: skip

    def model(
        self, output: str, name: str, shape: list[int | str], contract: str = ""
    ) -> onnx.ModelProto:
        """Return the checked model whose output ``name`` float32 ``shape`` is what ``output`` gives."""
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            [*self.nodes, helper.make_node("Identity", [output], [name])],
            self.name,
            [value(INPUT, TensorProto.UINT8, ["N", SIDE, SIDE, 3])],
            [value(name, TensorProto.FLOAT, shape)],
            [numpy_helper.from_array(w, n) for n, w in self.weights.items()],
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            ir_version=_IR,
            producer_name="bookwiz",
        )
        said = {KEY: '{"layout": "NHWC"}', **({OUTPUT_KEY: contract} if contract else {})}
        helper.set_model_props(model, said)
        onnx.checker.check_model(model, full_check=True)
        return model


@dataclass(frozen=True)
class Look:
    """Which places around one are looked at: ``side`` × ``side`` means, at each of ``scales``.

    At scale s they are s pixels apart, each the mean of a square of s pixels.
    """

    scales: tuple[int, ...]  #: odd
    side: int  #: odd

    def of(self, maps: NDArray[np.float32], at: "Places") -> NDArray[np.float32]:
        """Return what is seen of ``maps`` [n, h, w, c] at m places: [m, scales·side·side·c]."""
        seen = []
        for scale in self.scales:
            reach = scale * (self.side // 2)
            around = ((0, 0), (reach, reach), (reach, reach), (0, 0))
            means = np.pad(_means(maps, scale), around)
            seen += [
                means[at.image, at.row + down * scale, at.column + across * scale]
                for down in range(self.side)
                for across in range(self.side)
            ]
        return np.concatenate(seen, axis=1)

    def added(self, graph: Graph, maps: str, kernel: NDArray[Any], *, stride: int = 1) -> list[str]:
        """Add what a matrix ``kernel`` [as in ``of``, out] makes of it: one convolution a scale."""
        parts = np.split(kernel, len(self.scales))
        return [
            graph.conv(
                maps if scale == 1 else graph.mean(maps, scale),
                part.reshape(self.side, self.side, -1, part.shape[1]).transpose(3, 2, 0, 1),
                stride=stride, dilation=scale,
            )
            for scale, part in zip(self.scales, parts, strict=True)
        ]  # fmt: skip


@dataclass(frozen=True)
class Places:
    """Places [m] in maps [n, h, w, c]."""

    image: NDArray[np.int64]
    row: NDArray[np.int64]
    column: NDArray[np.int64]


def _means(maps: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the means over squares around each place, as ``Graph.mean`` gives them."""
    if side == 1:
        return maps
    reach = side // 2
    around = ((0, 0), (reach + 1, reach), (reach + 1, reach), (0, 0))
    sums = np.pad(maps, around).astype(np.float64).cumsum(axis=1).cumsum(axis=2)
    total = sums[:, side:, side:] - sums[:, :-side, side:]
    total += sums[:, :-side, :-side] - sums[:, side:, :-side]
    means: NDArray[np.float32] = (total / side**2).astype(np.float32)
    return means
