"""BERT and a head that tells classes apart."""

from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from chainrule.models.bert import Bert, Layer, begin, bert
from chainrule.models.dropout import Dropout
from chainrule.models.packing import packing_of


class BertClassifier(nn.Module):
    """BERT and a linear layer that tells classes apart by the text's vector.

    Args:
        bert: without a head.
        classifier: the text's vector → scores.
        dropout: share of that vector silenced in training, in [0, 1).
    """

    def __init__(self, *, bert: Bert, classifier: nn.Linear, dropout: float) -> None:
        super().__init__()
        self.bert = bert
        self.dropout = Dropout(dropout)
        self.classifier = classifier

    def forward(self, tokens: Int[Tensor, " tokens"], lengths: Int[Tensor, " batch"]) -> Float[Tensor, "batch classes"]:
        """Scores of the classes before softmax; for the arguments see `Bert`."""
        _, pooled = self.bert(tokens, lengths, at_first=True)
        scores: Tensor = self.classifier(self.dropout(pooled))
        return scores

    def embed(self, tokens: Int[Tensor, "batch time"]) -> Float[Tensor, "batch time hidden"]:
        """The vectors of the tokens of texts of one length, as the first layer gets them."""
        positions = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        vectors: Tensor = self.bert.embeddings(tokens.flatten(), positions.flatten())
        return vectors.view(*tokens.shape, -1)

    def read(
        self, vectors: Float[Tensor, "batch time hidden"], lengths: Int[Tensor, " batch"], *, need_weights: bool = False
    ) -> tuple[Float[Tensor, "batch classes"], list[Tensor]]:
        """Scores of the classes from those vectors, and where each layer's heads look, if that is needed.

        Args:
            vectors: of texts of one length.
            lengths: that length, for each.
            need_weights: gives the weights of each layer, (batch, heads, time, time).
        """
        x = vectors.flatten(0, 1)
        packing, weights = packing_of(lengths, len(x)), []
        for layer in self.bert.encoder.layers():
            if need_weights:
                weights.append(layer.attention.self.weights(x, packing))
            x = layer(x, packing)
        scores: Tensor = self.classifier(self.bert.pooler(x.view_as(vectors)[:, 0]))
        return scores, weights

    def forward_flops(self, tokens: Int[Tensor, " tokens"], lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations over the real tokens; looking up has none."""
        flops = self._head_flops(lengths)
        for _, forward in self._layers_flops(len(tokens), lengths):
            flops = flops + forward
        return flops

    def training_flops(self, tokens: Int[Tensor, " tokens"], lengths: Int[Tensor, " batch"]) -> Tensor:
        """Operations of both passes: the backward one goes down to the lowest part that learns, and no further."""
        flops, below = 3 * self._head_flops(lengths), learns(self.bert.embeddings)
        for layer, forward in self._layers_flops(len(tokens), lengths):
            flops = flops + forward * (1 + learns(layer) + below)
            below = below or learns(layer)
        return flops

    def _layers_flops(self, tokens: int, lengths: Tensor) -> Iterator[tuple[Layer, float | Tensor]]:
        """Each layer, and the operations of its forward pass."""
        *lower, last = self.bert.encoder.layers()
        pairs = lengths.square().sum()
        for layer in lower:
            yield layer, layer.flops(tokens, pairs)
        yield last, last.flops_at_first(tokens, len(lengths))

    def _head_flops(self, lengths: Tensor) -> Tensor:
        weights = self.bert.pooler.dense.weight.numel() + self.classifier.weight.numel()
        return torch.tensor(2.0 * weights * len(lengths), device=lengths.device)


def learns(part: nn.Module) -> bool:
    """Whether any parameter of a part learns."""
    return any(parameter.requires_grad for parameter in part.parameters())


def bert_classifier(*, classes: int, dropout: float = 0.0, **arguments: Any) -> BertClassifier:
    """A `BertClassifier` with fresh weights.

    Args:
        classes: how many.
        dropout: share of the values silenced in training, in [0, 1), everywhere.
        arguments: see `bert`.
    """
    model = bert(dropout=dropout, **arguments)
    head = nn.Linear(model.pooler.dense.out_features, classes)
    begin(head)
    return BertClassifier(bert=model, classifier=head, dropout=dropout)
