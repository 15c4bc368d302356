"""Labels for texts."""

import json
import operator
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from chainrule.data.text_tokens import read_tokenizer
from chainrule.data.token_store import BARE, TokenStore, encode
from chainrule.errors import DataError, ModelFolderError
from chainrule.inference.attribution import TextExplanation, explain_text, require_attention
from chainrule.inference.classes import answers, outputs_of, parts_fit, softmax
from chainrule.inference.inputs import listed
from chainrule.learners.batches import gather_packed, gather_tokens, in_batches
from chainrule.models.bert_tokens import frame_of, read_wordpiece
from chainrule.models.folder import ModelConfig, read_json, read_model
from chainrule.runtime.devices import Compute

BATCH_SIZE = 256
TOKENIZER, SETTINGS = "tokenizer.json", "tokenizer_config.json"


def text_files(tokenizer: str, max_length: int) -> dict[str, str]:
    """What a text model's folder holds beside its weights.

    Args:
        tokenizer: the content of `tokenizer.json`.
        max_length: tokens after which a text is cut.
    """
    return {TOKENIZER: tokenizer, SETTINGS: json.dumps({"model_max_length": max_length}) + "\n"}


class TextPredictor:
    """Classifies texts with the tokenizer they were learned with."""

    def __init__(self, folder: Path, model: nn.Module, config: ModelConfig, compute: Compute) -> None:
        if config.classes is None:
            raise ModelFolderError(f"{folder} names no classes, and a classifier needs them.")
        self.config = config
        self.classes = config.classes
        self._model = model.to(compute.device)
        self._compute = compute
        self._frame = BARE
        if config.family == "bert":
            self._tokenizer = read_wordpiece(folder)
            self._frame = frame_of(self._tokenizer)
        else:
            self._tokenizer = read_tokenizer(folder / TOKENIZER)
        try:
            self._max_length = _count(read_json(folder / SETTINGS)["model_max_length"])
        except (ValueError, KeyError, TypeError) as error:
            raise ModelFolderError(f"{folder / SETTINGS} does not say model_max_length ({error!r}).") from error

    def probabilities(self, texts: Iterable[str]) -> NDArray[np.float64]:
        """Of each class for each text, (texts, classes)."""
        return self.probabilities_of(self.tokens(texts))

    def tokens(self, texts: Iterable[str]) -> TokenStore:
        """What the model is given of each text."""
        return encode(self._tokenizer, texts, max_length=self._max_length, frame=self._frame)

    def probabilities_of(self, store: TokenStore) -> NDArray[np.float64]:
        """Of each class for each text whose tokens these are, (texts, classes)."""
        if not len(store):
            return np.empty((0, len(self.classes)))
        with self._compute.active() as device:
            gather = (gather_packed if self.config.family == "bert" else gather_tokens)(store, device)
        return softmax(
            outputs_of(self._model, gather, in_batches(len(store), BATCH_SIZE, store.lengths), self._compute)
        )

    def predict(self, inputs: Sequence[Any]) -> list[dict[str, Any]]:
        """`label` and `probability` of each text."""
        texts = listed(inputs)
        for number, text in enumerate(texts, 1):
            if not isinstance(text, str):
                raise DataError(f"input {number} is {type(text).__name__}; this model takes texts.")
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"input {number} is not Unicode (character {error.start + 1}); give it in UTF-8."
                ) from error
        return answers(self.probabilities(texts), self.classes)

    def require_explainable(self) -> None:
        """Refuses a model that cannot show what it goes by.

        Raises:
            ModelFolderError: it has no attention.
        """
        require_attention(self._model)

    def explain(self, text: str) -> TextExplanation:
        """What the model goes by when it classifies a text.

        Raises:
            ModelFolderError: the model cannot show it.
        """
        store, (unknown, before, after) = self.tokens([text]), self._frame
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        room = self._max_length - len(before) - len(after)
        names = [tuple(self._tokenizer.id_to_token(number) or "" for number in numbers) for numbers in (before, after)]
        pieces = (*names[0], *(text[start:end] for start, end in offsets[:room]), *names[1]) or (text,)
        probabilities = self.probabilities_of(store)[0]
        with self._compute.active() as device, parts_fit():
            tokens, _ = gather_tokens(store, device)(np.arange(1))
            nothing = tokens.clone()
            nothing[:, len(before) : tokens.shape[1] - len(after)] = unknown
            return explain_text(self._model, tokens, pieces, self.classes, probabilities, nothing=nothing)

    def example(self) -> str:
        """A text."""
        return "这本书很有趣"

    def read_inputs(self, path: Path) -> Iterator[str]:
        """The texts of a file."""
        from chainrule.data.unlabelled import read_texts

        return read_texts(path)


def _count(value: Any) -> int:
    """A whole number above 0."""
    number = operator.index(value)
    if number < 1:
        raise ValueError(f"{number} is less than 1")
    return number


def load_text_predictor(folder: Path, compute: Compute) -> TextPredictor:
    """The model in a folder, verified and ready to answer."""
    return TextPredictor(folder, *read_model(folder), compute)
