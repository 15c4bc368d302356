"""A BERT in the Hugging Face hub's form: `config.json`, `model.safetensors`, and the tokenizer's files."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from chainrule.errors import ModelFolderError
from chainrule.models.bert import ACTIVATIONS, Bert, bert
from chainrule.models.bert_tokens import read_wordpiece
from chainrule.models.folder import CONFIG, SUMS, WEIGHTS, read_json, read_weights, verify
from chainrule.runtime.files import sha256_file

if TYPE_CHECKING:
    from torch import Tensor

PICKLE = "pytorch_model.bin"
LARGEST_SIZE, MOST_LAYERS = 2**20, 512
SIZES = {
    "vocabulary_size": ("vocab_size", 30_522),
    "hidden_size": ("hidden_size", 768),
    "layers": ("num_hidden_layers", 12),
    "heads": ("num_attention_heads", 12),
    "inner_size": ("intermediate_size", 3072),
    "positions": ("max_position_embeddings", 512),
    "segments": ("type_vocab_size", 2),
}
"""Our arguments, what the hub calls them, and what they are there where they are left out."""
FIXED = {"position_embedding_type": "absolute", "is_decoder": False, "add_cross_attention": False}
"""Settings of the hub's that this BERT has in one way alone."""
PREFIX = "bert."
HEADS = ("cls.", "classifier.", "qa_outputs.")
POOLER = ("pooler.dense.bias", "pooler.dense.weight")
OLD_ENDINGS = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
NO_WEIGHTS = {"embeddings.position_ids", "embeddings.token_type_ids"}  # counters that older versions stored


@dataclass(frozen=True, kw_only=True)
class HubBert:
    """What a folder holds."""

    arguments: Mapping[str, Any]
    """Of `models.bert.bert`, but for dropout."""
    weights: "Mapping[str, Tensor]"
    """By the names of `Bert`, in float32; the pooler's may be missing."""
    tokenizer: Tokenizer
    notes: tuple[str, ...]
    """What was left aside, a sentence each."""
    sha256: str
    """Of what lists the SHA-256 of every file that was read."""

    def give_to(self, model: Bert) -> None:
        """Copies the weights; a pooler that the folder lacks stays as it is."""
        model.load_state_dict(self.weights, strict=False)


def read_bert(folder: Path) -> HubBert:
    """A BERT with its tokenizer.

    The names of tensors may begin with `bert.` or not, and normalisations may have their older names. Heads for
    other tasks are left aside. Where the folder has `SHA256SUMS`, it is verified.

    Raises:
        ModelFolderError: something is missing, damaged, does not fit the rest, or is no BERT.
    """
    import torch

    if not folder.is_dir():
        raise ModelFolderError(f"{folder} is not a folder; give one that holds {CONFIG} and {WEIGHTS}.")
    if (folder / SUMS).exists():
        verify(folder)
    if not (folder / WEIGHTS).is_file():
        raise ModelFolderError(_without_weights(folder))
    arguments = arguments_of(read_json(folder / CONFIG), folder / CONFIG)
    with torch.device("meta"):  # no memory: the sizes may be anything
        wanted = {name: tuple(value.shape) for name, value in bert(**arguments).state_dict().items()}
    weights, notes = _checked(folder / WEIGHTS, read_weights(folder / WEIGHTS), wanted)
    tokenizer = read_wordpiece(folder)
    if (largest := max(tokenizer.get_vocab().values())) >= arguments["vocabulary_size"]:
        raise ModelFolderError(
            f"the tokenizer in {folder} has a token number {largest:,}, and {CONFIG} has vectors for the numbers below "
            f"{arguments['vocabulary_size']:,}; copy both from the same checkpoint."
        )
    if (known := tokenizer.get_vocab_size()) < arguments["vocabulary_size"]:
        unused = f"{folder} has vectors for {arguments['vocabulary_size']:,} tokens, and its tokenizer knows {known:,}."
        notes = (*notes, unused)
    return HubBert(arguments=arguments, weights=weights, tokenizer=tokenizer, notes=notes, sha256=_fingerprint(folder))


def _without_weights(folder: Path) -> str:
    if (folder / PICKLE).exists():
        new = folder.with_name(f"{folder.name}-safetensors")
        return (
            f"{folder} holds its weights in {PICKLE} alone, a pickle, which could run any program and is never read; "
            'if you trust it, convert it once with: python -c "import transformers; '
            f"transformers.AutoModel.from_pretrained('{folder}').save_pretrained('{new}')\", and copy the "
            "tokenizer's files there."
        )
    if (folder / f"{WEIGHTS}.index.json").exists():
        return f"{folder} holds its weights in several files; save them as one {WEIGHTS}."
    return f"{folder} holds no {WEIGHTS}; give a folder of a checkpoint in the hub's form, or a run of bert-classify."


def arguments_of(described: Any, path: Path) -> dict[str, Any]:
    """What `bert` takes, from the hub's configuration.

    Args:
        described: content of the file.
        path: to say in an error.

    Raises:
        ModelFolderError: it is not that of a BERT, or of one that this program cannot build.
    """
    if not isinstance(described, dict) or described.get("model_type") != "bert":
        kind = described.get("model_type") if isinstance(described, dict) else None
        raise ModelFolderError(f"{path} describes a model of type {kind!r}; one of type 'bert' is needed.")
    for name, only in FIXED.items():
        if (value := described.get(name)) is not None and value != only:
            raise ModelFolderError(f"{path} sets {name} to {value!r}; only {only!r} is built here.")
    arguments: dict[str, Any] = {}
    for ours, (theirs, usual) in SIZES.items():
        value, most = described.get(theirs, usual), MOST_LAYERS if ours == "layers" else LARGEST_SIZE
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise ModelFolderError(f"{path} sets {theirs} to {value!r}; it must be from 1 to {most:,}.")
        arguments[ours] = value
    if arguments["hidden_size"] % arguments["heads"]:
        raise ModelFolderError(
            f"{path} has {arguments['heads']} heads, which do not divide its {arguments['hidden_size']} values."
        )
    activation, epsilon = described.get("hidden_act", "gelu"), described.get("layer_norm_eps", 1e-12)
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ModelFolderError(f"{path} names the activation {activation!r}; known are {', '.join(ACTIVATIONS)}.")
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon < 1:
        raise ModelFolderError(f"{path} sets layer_norm_eps to {epsilon!r}; it must be between 0 and 1.")
    return {**arguments, "activation": activation, "epsilon": float(epsilon)}


def hub_config(arguments: Mapping[str, Any], classes: tuple[str, ...]) -> dict[str, Any]:
    """What the hub's programs read of a classifier's `config.json`.

    Args:
        arguments: of `bert_classifier`.
        classes: by their numbers.
    """
    dropout = arguments["dropout"]
    return {
        "architectures": ["BertForSequenceClassification"],
        **{theirs: arguments[ours] for ours, (theirs, _) in SIZES.items()},
        "hidden_act": arguments["activation"],
        "layer_norm_eps": arguments["epsilon"],
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": 0,
        "position_embedding_type": "absolute",
        "label2id": {label: number for number, label in enumerate(classes)},
    }


def _checked(
    path: Path, tensors: "Mapping[str, Tensor]", wanted: Mapping[str, tuple[int, ...]]
) -> "tuple[dict[str, Tensor], tuple[str, ...]]":
    """The tensors by our names, and what was left aside."""
    prefix = PREFIX if any(name.startswith(PREFIX) for name in tensors) else ""
    found: dict[str, Tensor] = {}
    aside, extra = [], []
    for name, tensor in tensors.items():
        own = _own_name(name.removeprefix(prefix))
        if own in found:
            raise ModelFolderError(f"{path} holds {own} under two names; copy the checkpoint again.")
        if own in wanted and name.startswith(prefix):
            found[own] = tensor
        elif name.startswith(HEADS):
            aside.append(name)
        elif own not in NO_WEIGHTS:
            extra.append(name)
    if extra:
        raise ModelFolderError(f"{path} holds tensors that {CONFIG} knows nothing of: {_listed(extra)}.")
    if missing := [name for name in wanted if name not in found and name not in POOLER]:
        raise ModelFolderError(f"{path} lacks tensors that {CONFIG} asks for: {_listed(missing)}.")
    weights = {name: _value(path, name, tensor, wanted[name]) for name, tensor in found.items()}
    notes = []
    if aside:
        notes.append(f"{path.parent} has heads for other tasks, which were left aside: {_listed(aside)}.")
    if any(name not in found for name in POOLER):
        weights = {name: value for name, value in weights.items() if name not in POOLER}
        notes.append(f"{path.parent} has no pooler; one with fresh weights learns in its place.")
    return weights, tuple(notes)


def _own_name(name: str) -> str:
    for old, new in OLD_ENDINGS.items():
        if name.endswith(old):
            return name.removesuffix(old) + new
    return name


def _value(path: Path, name: str, tensor: "Tensor", shape: tuple[int, ...]) -> "Tensor":
    import torch

    if tuple(tensor.shape) != shape:
        held, asked = ("x".join(map(str, each)) for each in (tensor.shape, shape))
        raise ModelFolderError(f"{path} holds {name} of {held}, and {CONFIG} asks for {asked}.")
    if tensor.dtype not in {torch.float32, torch.float16, torch.bfloat16, torch.float64}:
        kind = str(tensor.dtype).removeprefix("torch.")
        raise ModelFolderError(f"{path} holds {name} in {kind}; weights are needed in float32, float16 or bfloat16.")
    value = tensor.float()
    if not bool(torch.isfinite(value).all()):
        raise ModelFolderError(f"{path} holds values in {name} that are not finite; copy the checkpoint again.")
    return value


def _listed(names: list[str], most: int = 3) -> str:
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(name[:80] for name in sorted(names)[:most]) + more


def _fingerprint(folder: Path) -> str:
    names = (CONFIG, WEIGHTS, "tokenizer.json", "tokenizer_config.json", "vocab.txt")
    lines = [f"{sha256_file(folder / name)}  {name}\n" for name in names if (folder / name).is_file()]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
