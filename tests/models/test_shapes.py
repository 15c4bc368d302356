"""The annotated shapes are checked wherever tests call what computes."""

import jaxtyping
import numpy as np
import pytest
import torch

from chainrule import metrics
from chainrule.learners.objectives import squared_error
from chainrule.models.lstm import BidirectionalLstm
from chainrule.models.mlp import MultilayerPerceptron


@pytest.mark.parametrize(
    "call",
    [
        lambda: MultilayerPerceptron(input_size=7, hidden_sizes=(), output_size=3)(torch.zeros(2, 5, 7)),
        lambda: BidirectionalLstm(input_size=7, hidden_size=2)(torch.zeros(2, 5, 7), torch.ones(3, dtype=torch.int64)),
        lambda: squared_error(torch.zeros(5, 2), torch.zeros(5)),
        lambda: metrics.log_loss(np.zeros((5, 2)), np.zeros(3, dtype=np.int64)),
    ],
)
def test_a_wrong_shape_is_noticed(call):
    with pytest.raises(jaxtyping.TypeCheckError):
        call()
