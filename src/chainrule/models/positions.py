"""Where a token stands: three ways to tell a network that would otherwise see a bag of tokens."""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

SLOWEST = 10_000.0  # the base of the wavelengths, from 2π to 2π times this


def sinusoids(places: Int[Tensor, "*time"], size: int, *, base: float = SLOWEST) -> Float[Tensor, "*time size"]:
    """Sines and cosines of places.

        p[t, 2i] = sin(t / base^(2i / size)),   p[t, 2i + 1] = cos(t / base^(2i / size))

    Vaswani et al., "Attention is all you need", arXiv 1706.03762, section 3.5. The vector of t + k is that of t turned
    by angles that depend on k alone.

    Args:
        places: from 0.
        size: values of a vector, even.
        base: > 1.
    """
    turns = _angles(places, size, base)  # (time, size / 2)
    return torch.stack([turns.sin(), turns.cos()], dim=-1).flatten(-2)  # (time, size)


def rotate(
    vectors: Float[Tensor, "*batch time size"], places: Int[Tensor, "*#batch time"], *, base: float = SLOWEST
) -> Float[Tensor, "*batch time size"]:
    """Rotary positions: each pair of values is turned by an angle that grows with the place.

        (x[2i], x[2i + 1]) ← (x[2i] cos a − x[2i + 1] sin a, x[2i] sin a + x[2i + 1] cos a),   a = t / base^(2i / size)

    Applied to queries and keys, their product depends on the distance of their places alone. Su et al., "RoFormer",
    arXiv 2104.09864. The pairs are neighbours, as published; checkpoints of the Llama family pair a value with the one
    half a vector further.

    Args:
        vectors: queries or keys; `size` is even.
        places: of the vectors, from 0.
        base: > 1.
    """
    turns = _angles(places, vectors.shape[-1], base)  # (time, size / 2)
    sine, cosine = turns.sin().to(vectors.dtype), turns.cos().to(vectors.dtype)
    first, second = vectors[..., ::2], vectors[..., 1::2]  # (batch, time, size / 2)
    turned = torch.stack([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
    return turned.flatten(-2)  # (batch, time, size)


def _angles(places: Tensor, size: int, base: float) -> Tensor:
    if size % 2:
        raise ValueError(f"positions turn pairs of values, and {size} values are no pairs")
    slower = torch.arange(0, size, 2, device=places.device, dtype=torch.float32) / size
    return places[..., None] * torch.exp(slower * -math.log(base))


class SinusoidalPositions(nn.Module):
    """Adds `sinusoids` to vectors; there is nothing to learn and no longest text."""

    def forward(self, vectors: Float[Tensor, "batch time size"], first: int = 0) -> Float[Tensor, "batch time size"]:
        """The vectors with their places told.

        Args:
            vectors: of the tokens.
            first: the place of the first one.
        """
        places = torch.arange(first, first + vectors.shape[1], device=vectors.device)
        return vectors + sinusoids(places, vectors.shape[2]).to(vectors.dtype)


class LearnedPositions(nn.Module):
    """Adds to each vector one that is learned for its place.

    Gehring et al., "Convolutional sequence to sequence learning", arXiv 1705.03122, section 3.1.

    Args:
        longest: places there are, ≥ 1.
        size: values of a vector.
    """

    def __init__(self, *, longest: int, size: int) -> None:
        super().__init__()
        self.places = nn.Embedding(longest, size)
        nn.init.normal_(self.places.weight, std=0.02)

    def forward(self, vectors: Float[Tensor, "batch time size"], first: int = 0) -> Float[Tensor, "batch time size"]:
        """The vectors with their places told.

        Args:
            vectors: of the tokens.
            first: the place of the first one.

        Raises:
            ValueError: there are fewer places.
        """
        after = first + vectors.shape[1]
        if after > self.places.num_embeddings:
            raise ValueError(f"{after} tokens, and positions were learned for {self.places.num_embeddings}")
        told: Tensor = vectors + self.places.weight[first:after]
        return told
