"""Arrays → gradients: reverse-mode differentiation of NumPy arrays, and networks on it.

    backward              the chain rule: how gradients travel through a graph
    tensor                the tensor: an array that remembers how it was computed
    operation             what an operation does beside computing: types, shapes, recording
    operations            every operation on arrays, each beside its gradients
    layer_operations      those that layers are made of; both are in the one table `OPERATIONS`
    gradcheck             any function against finite differences
    drawing, explaining   the graph as a picture, and the chain rule in words and numbers
    module, layers, normalization, recurrent, attention, optimizers      networks, with torch's names and behaviour

`backward` computes first derivatives. A gradient is an array, not a tensor: it cannot be differentiated again.
"""

from chainrule.autograd.attention import MultiHeadAttention
from chainrule.autograd.backward import no_grad
from chainrule.autograd.gradcheck import Worst, gradcheck
from chainrule.autograd.layer_operations import (
    avg_pool2d,
    batch_norm,
    binary_cross_entropy_with_logits,
    conv2d,
    conv_transpose2d,
    cross_entropy,
    dropout,
    embedding,
    layer_norm,
    linear,
    max_pool2d,
)
from chainrule.autograd.layers import Conv2d, ConvTranspose2d, Dropout, Embedding, Linear
from chainrule.autograd.module import Lambda, Module, Sequential
from chainrule.autograd.normalization import BatchNorm, LayerNorm
from chainrule.autograd.operation import Operation
from chainrule.autograd.operations import (
    absolute,
    add,
    amax,
    broadcast_to,
    concatenate,
    divide,
    exp,
    gather,
    gelu,
    index,
    leaky_relu,
    log,
    log_softmax,
    logsumexp,
    matmul,
    maximum,
    mean,
    multiply,
    negative,
    permute,
    pow,  # noqa: A004 - torch's name
    relu,
    reshape,
    sigmoid,
    softmax,
    stack,
    subtract,
    sum,  # noqa: A004 - torch's name
    tanh,
    to,
    where,
)
from chainrule.autograd.optimizers import SGD, Adam, AdamW, Optimizer, clip_grad_norm
from chainrule.autograd.recurrent import LSTMCell
from chainrule.autograd.table import OPERATIONS
from chainrule.autograd.tensor import Tensor

__all__ = [
    "OPERATIONS",
    "SGD",
    "Adam",
    "AdamW",
    "BatchNorm",
    "Conv2d",
    "ConvTranspose2d",
    "Dropout",
    "Embedding",
    "LSTMCell",
    "Lambda",
    "LayerNorm",
    "Linear",
    "Module",
    "MultiHeadAttention",
    "Operation",
    "Optimizer",
    "Sequential",
    "Tensor",
    "Worst",
    "absolute",
    "add",
    "amax",
    "avg_pool2d",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "broadcast_to",
    "clip_grad_norm",
    "concatenate",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "divide",
    "dropout",
    "embedding",
    "exp",
    "gather",
    "gelu",
    "gradcheck",
    "index",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max_pool2d",
    "maximum",
    "mean",
    "multiply",
    "negative",
    "no_grad",
    "permute",
    "pow",
    "relu",
    "reshape",
    "sigmoid",
    "softmax",
    "stack",
    "subtract",
    "sum",
    "tanh",
    "to",
    "where",
]
