"""What a classifier of texts goes by: where its attention looked, and what each token gave to the answer."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from chainrule.data.text_tokens import UNKNOWN_ID
from chainrule.errors import ModelFolderError

STEPS = 64  # of the way from the baseline; the rule's error falls with their square
TOKENS_AT_ONCE = 4096  # of the texts on that way


@runtime_checkable
class Attentive(Protocol):
    """A classifier of texts that can be entered behind its embedding, and that shows its attention."""

    def embed(self, tokens: Tensor) -> Tensor:
        """Token ids (batch, time) → vectors (batch, time, size)."""
        ...

    def read(self, vectors: Tensor, lengths: Tensor, *, need_weights: bool = False) -> tuple[Tensor, list[Tensor]]:
        """Those vectors → scores (batch, classes) and each layer's weights (batch, heads, queries, keys)."""
        ...


@dataclass(frozen=True, kw_only=True)
class TextExplanation:
    """Everything that is drawn of one text."""

    tokens: tuple[str, ...]
    """What of the text each token stands for."""
    classes: tuple[str, ...]
    probabilities: Float[np.ndarray, " classes"]
    attention: tuple[Float[np.ndarray, "heads queries keys"], ...]
    """Of each layer. There is a key more than tokens where the first is a place put before the text; there is one
    query where the attention sums the text up."""
    attributions: Float[np.ndarray, " tokens"]
    """What each token gives to the log-odds of the most probable class, by integrated gradients."""
    log_odds: float
    """Of the most probable class."""
    log_odds_of_nothing: float
    """Of the same for a text of as many unknown tokens; with the attributions it comes to `log_odds`."""

    @property
    def best(self) -> int:
        """The most probable class."""
        return int(self.probabilities.argmax())


def require_attention(model: object) -> "Attentive":
    """The model, if it has attention.

    Raises:
        ModelFolderError: it has none.
    """
    if not isinstance(model, Attentive):
        raise ModelFolderError(
            "this model has no attention to draw; those of attention-text, transformer-text and bert-classify have."
        )
    return model


def explain_text(
    model: object,
    tokens: Tensor,
    pieces: tuple[str, ...],
    classes: tuple[str, ...],
    probabilities: NDArray[np.float64],
    *,
    nothing: Tensor | None = None,
) -> TextExplanation:
    """Explains the most probable class of one text.

    Args:
        model: in evaluation.
        tokens: the text's, (1, time).
        pieces: what each stands for.
        classes: their names.
        probabilities: what the model answers, (classes,).
        nothing: a text that says nothing, (1, time); as many unknown tokens where None.

    Raises:
        ModelFolderError: the model has no attention.
    """
    attentive = require_attention(model)
    lengths = torch.tensor([tokens.shape[1]], device=tokens.device)
    without = torch.full_like(tokens, UNKNOWN_ID) if nothing is None else nothing
    with torch.no_grad():
        vectors, baseline = attentive.embed(tokens), attentive.embed(without)
        weights = attentive.read(vectors, lengths, need_weights=True)[1]
    best = int(probabilities.argmax())

    def score(between: Tensor) -> Tensor:
        return log_odds(attentive.read(between, lengths.expand(len(between)))[0].float(), best)

    with torch.no_grad():
        ends = score(torch.cat([vectors, baseline]))
    return TextExplanation(
        tokens=pieces,
        classes=classes,
        probabilities=probabilities,
        attention=tuple(_array(layer[0]) for layer in weights),
        attributions=_array(integrated_gradients(score, vectors[0], baseline[0]).sum(dim=1)),
        log_odds=float(ends[0]),
        log_odds_of_nothing=float(ends[1]),
    )


def log_odds(scores: Float[Tensor, "batch classes"], index: int) -> Float[Tensor, " batch"]:
    """log(p / (1 − p)) of a class; unlike its score, it stays when all scores rise alike."""
    others = [place for place in range(scores.shape[1]) if place != index]
    return scores[:, index] - scores[:, others].logsumexp(dim=1)


def integrated_gradients(
    score: Callable[[Tensor], Tensor],
    vectors: Float[Tensor, "time size"],
    baseline: Float[Tensor, "time size"],
    *,
    steps: int = STEPS,
) -> Float[Tensor, "time size"]:
    """What each value gives to a score, beside a baseline.

        a = (x − b) ⊙ ∫₀¹ ∇f(b + t (x − b)) dt,   Σ a = f(x) − f(b)

    Sundararajan, Taly and Yan, "Axiomatic attribution for deep networks", arXiv 1703.01365. That the sum is the whole
    difference they call completeness. The integral is taken at the middles of equal steps.

    Args:
        score: f, (batch, time, size) → (batch,).
        vectors: x.
        baseline: b.
        steps: at how many places between them the gradient is taken, ≥ 1.
    """
    way = vectors - baseline
    total = torch.zeros_like(way)
    middles = (torch.arange(steps, device=way.device, dtype=way.dtype) + 0.5) / steps
    for part in torch.split(middles, max(1, TOKENS_AT_ONCE // len(way))):
        between = (baseline + part[:, None, None] * way).requires_grad_()  # (part, time, size)
        with torch.enable_grad():
            (gradient,) = torch.autograd.grad(score(between).sum(), between)
        total += gradient.sum(dim=0)
    return way * total / steps


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array
