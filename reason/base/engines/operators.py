"""Operators that an exported graph may have, and how they may decide sizes.

All are arithmetic on tensors: none calls code, opens a file, draws numbers, loops or repeats. Most put out what has the
size of their inputs, or less, or what their attributes say, which are small. ``GROWING`` are those that put out as much
as a number asks for: their sizes must be constants or whole multiples of the number of images, see ``sizes``.
"""

from __future__ import annotations

from collections.abc import Mapping

_ELEMENTWISE = """
    Abs Add And Cast Ceil Celu Clip Cos Div Elu Equal Erf Exp Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish
    Identity IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow Reciprocal Relu
    Round Selu Sigmoid Sign Sin Softplus Softsign Sqrt Sub Sum Swish Tanh ThresholdedRelu Where Xor
"""
"""One number from those at the same place: activations, masks of attention (``Where``), positions (``Sin``)."""

_SUMMING = """
    ArgMax AveragePool BatchNormalization Conv Einsum Gemm GlobalAveragePool GlobalMaxPool GroupNormalization
    InstanceNormalization LayerNormalization LogSoftmax LpNormalization LRN MatMul MaxPool RMSNormalization ReduceL1
    ReduceL2 ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Softmax
"""
"""Sums and largest numbers over axes; what they put out follows from their inputs' shapes. ``Einsum`` takes two inputs
at most, as the intermediate results of more could be larger than what is put out."""

_MOVING = """
    Concat Constant DepthToSpace Flatten Gather GatherElements GatherND Reshape Shape Slice SpaceToDepth Split Squeeze
    Transpose Trilu Unsqueeze
"""
"""The same numbers in another order or shape, such as the windows of Swin (roll is ``Slice`` and ``Concat``)."""

GROWING: Mapping[str, tuple[int, ...]] = {
    "ConstantOfShape": (0,),  # zeros, such as a bias that is not there
    "Expand": (1,),  # the class token of a transformer, once for each image
    "Pad": (1, 3),  # windows of sides that do not fit
    "Range": (0, 1, 2),  # positions
    "Resize": (1, 2, 3),  # positions of another size
    "Tile": (1,),  # as Expand
}
"""Operators that put out as much as a number says, by the places of the inputs that say it."""

OPERATORS = frozenset([*f"{_ELEMENTWISE} {_SUMMING} {_MOVING}".split(), *GROWING])
"""Operators that a graph may have."""

KEEPING = frozenset(
    """
    AveragePool Conv DepthToSpace LRN MaxPool Pad Resize Slice SpaceToDepth Split Tile
    """.split()  # noqa: SIM905 (one name a line would be long)
)
"""Operators that change sides; the axis of the images must stay as it is."""

LINEAR = frozenset(
    """
    Cast Concat Div Gather Identity Mul Reshape Shape Slice Squeeze Unsqueeze
    """.split()  # noqa: SIM905
)
"""Operators after which a number that is a multiple of the number of images still is one."""
