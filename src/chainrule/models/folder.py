"""The model folder: what a user carries away, in the ecosystem's form, read and written without pickle.

`config.json` names the family and its arguments, `model.safetensors` holds the weights, further files the
preprocessing; `SHA256SUMS` covers them all and is verified on loading.
"""

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.autograd import Module
from chainrule.errors import ModelFolderError, UnknownNameError
from chainrule.models import arrays
from chainrule.runtime.files import sha256_file, storage_errors

if TYPE_CHECKING:
    from torch import nn

FORMAT = 1
CONFIG, WEIGHTS, SUMS = "config.json", "model.safetensors", "SHA256SUMS"
LARGEST_HEADER = 2**24  # bytes; a network of ten thousand tensors needs about a megabyte
LARGEST_TEXT_FILE = 2**28
ENTRY_POINTS = "chainrule.models"  # the group in which an installed package names its own families

FAMILIES = {
    "action-table": "chainrule.models.action_table:action_table",
    "bert": "chainrule.models.bert_classifier:bert_classifier",
    "cnn-article": "chainrule.models.cnn:article_network",
    "cnn-fast": "chainrule.models.fast_cnn:fast_network",
    "cnn-small": "chainrule.models.cnn:small_network",
    "gan-article": "chainrule.models.gan_article:ArticleGenerator",
    "gan-residual": "chainrule.models.gan:Generator",
    "lstm-sequence-classifier": "chainrule.models.lstm:lstm_sequence_classifier",
    "mlp": "chainrule.models.mlp:MultilayerPerceptron",
    "perceptron": "chainrule.models.perceptron:perceptron",
    "q-value-iteration": "chainrule.models.value_iteration:ValueIteration",
    "q-vector": "chainrule.models.q_network:VectorQNetwork",
    "text-attention": "chainrule.models.text_attention:text_attention",
    "text-lstm": "chainrule.models.text_lstm:text_lstm",
    "text-transformer": "chainrule.models.text_attention:text_transformer",
}
"""Every architecture a file may name, and where it is built.

A builder that takes a `generator` makes a network of `chainrule.autograd`, all others make torch's.
"""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """What `config.json` says."""

    family: str
    """A key of `FAMILIES`, or a name that an installed package brings."""
    arguments: Mapping[str, Any]
    """What the family's builder takes."""
    task: str
    """What the model does: text-classification, image-classification, tabular-regression …"""
    recipe: str
    """What it was made with."""
    classes: tuple[str, ...] | None = None


def build_model(config: ModelConfig) -> "nn.Module":
    """A model of torch with fresh weights.

    Raises:
        UnknownNameError: no such family.
    """
    model: nn.Module = _builder(config)(**config.arguments)
    return model


def _builder(config: ModelConfig) -> Callable[..., Any]:
    location = FAMILIES.get(config.family)
    if location is None:
        from importlib.metadata import entry_points

        brought = {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}
        if config.family not in brought:
            raise UnknownNameError("model family", config.family, [*FAMILIES, *brought])
        location = brought[config.family]
    module, _, attribute = location.partition(":")
    builder: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return builder


def write_model(
    folder: Path,
    model: "nn.Module | Module",
    config: ModelConfig,
    files: Mapping[str, str],
    others: Mapping[str, Any] | None = None,
) -> None:
    """Writes a model with its preprocessing.

    Args:
        folder: an existing, empty folder.
        model: whose `state_dict` is kept, in contiguous tensors on the host.
        config: how to build it again.
        files: further files by name, such as `tokenizer.json`.
        others: further entries of `config.json`, for other programs that read it.
    """
    labels = config.classes
    described = {
        **(others or {}),
        "format": FORMAT,
        "model_type": config.family,
        "task": config.task,
        "recipe": config.recipe,
        "arguments": dict(config.arguments),
        "id2label": None if labels is None else {str(index): label for index, label in enumerate(labels)},
    }
    with storage_errors(folder):
        if isinstance(model, Module):
            arrays.save_weights(model, folder / WEIGHTS)
        else:
            _save_weights(model, folder / WEIGHTS)
        (folder / WEIGHTS).chmod(0o644)  # the library lets none but the owner read it
        texts = {CONFIG: json.dumps(described, ensure_ascii=False, indent=2) + "\n", **files}
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    seal(folder)


def _save_weights(model: "nn.Module", path: Path) -> None:
    from safetensors.torch import save_file

    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    save_file(weights, path, metadata={"format": "pt"})


def seal(folder: Path) -> None:
    """Writes `SHA256SUMS` over everything in the folder, as `sha256sum --check` reads it."""
    names = sorted(path.name for path in folder.iterdir() if path.name != SUMS)
    lines = [f"{sha256_file(folder / name)}  {name}\n" for name in names]
    with storage_errors(folder):
        (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def verify(folder: Path) -> None:
    """Checks every file against `SHA256SUMS`.

    Raises:
        ModelFolderError: a file is missing, changed, or not listed.
    """
    if not folder.is_dir():
        raise ModelFolderError(f"{folder} is not a folder; give the `model` folder of a run, or the run itself.")
    try:
        lines = read_text(folder / SUMS).splitlines()
    except ModelFolderError as error:
        raise ModelFolderError(
            f"{folder} has no readable {SUMS}, so it is no model folder; give the `model` folder of a finished run."
        ) from error
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if missing := {CONFIG, WEIGHTS} - listed.keys():
        raise ModelFolderError(f"{folder / SUMS} does not list {min(missing)}; copy the whole model folder again.")
    present = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    if unlisted := present - listed.keys() - {SUMS}:
        raise ModelFolderError(
            f"{folder / min(unlisted)} is not among the files that {SUMS} lists; remove it, or copy the folder again."
        )
    for name, digest in listed.items():
        path = folder / name
        if Path(name).name != name or not path.is_file():
            raise ModelFolderError(f"{folder} lacks the file {name!r} that {SUMS} lists; copy the whole folder again.")
        if sha256_file(path) != digest:
            raise ModelFolderError(f"{path} is not what was written (its SHA-256 differs); copy the folder again.")


def read_text(path: Path) -> str:
    """A text file of a model folder.

    Raises:
        ModelFolderError: it is not there, not UTF-8, or larger than such a file can be.
    """
    try:
        if path.stat().st_size > LARGEST_TEXT_FILE:
            raise ModelFolderError(f"{path} is too large to be part of a model; copy the whole model folder again.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelFolderError(f"{path} cannot be read ({error}); copy the whole model folder again.") from error


def read_json(path: Path) -> Any:
    """A JSON file of a model folder.

    Raises:
        ModelFolderError: it is not there or is no JSON.
    """
    try:
        return json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise ModelFolderError(f"{path} is not JSON ({error}); copy the whole model folder again.") from error


def read_config(folder: Path) -> ModelConfig:
    """What `config.json` says.

    Raises:
        ModelFolderError: it is damaged or of another format.
    """
    path = folder / CONFIG
    try:
        described = read_json(path)
        if described["format"] != FORMAT:
            raise ModelFolderError(
                f"{path} is in format {described['format']!r}, this version reads format {FORMAT}; "
                "use the version of chainrule it was written with."
            )
        labels = described["id2label"]
        return ModelConfig(
            family=_name(described["model_type"]),
            arguments=dict(described["arguments"]),
            task=_name(described["task"]),
            recipe=_name(described["recipe"]),
            classes=None if labels is None else tuple(_name(labels[str(index)]) for index in range(len(labels))),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ModelFolderError(f"{path} is not a model's configuration ({error!r}).") from error


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no name")
    return value


def read_weights(path: Path, *, as_arrays: bool = False) -> "dict[str, Any]":
    """The tensors of a safetensors file.

    Args:
        path: of the file.
        as_arrays: give NumPy's arrays, and not torch's tensors, which are mapped from the file.

    Raises:
        ModelFolderError: it is no safetensors file, or a damaged one.
    """
    from safetensors import SafetensorError

    load: Callable[[Path], dict[str, Any]]
    if as_arrays:
        from safetensors.numpy import load_file as load
    else:
        from safetensors.torch import load_file as load
    try:
        with path.open("rb") as file:
            begin = file.read(9)
        header = int.from_bytes(begin[:8], "little")
        if len(begin) < 9 or begin[8:] != b"{" or not 0 < header <= min(LARGEST_HEADER, path.stat().st_size):
            raise ModelFolderError(
                f"{path} is not a safetensors file{_likeness(begin)}; only safetensors are read, never pickles."
            )
        return load(path)
    except (OSError, SafetensorError, KeyError, TypeError) as error:  # the last two at types that NumPy lacks
        raise ModelFolderError(f"{path} is damaged ({error}); copy the whole model folder again.") from error


def _likeness(begin: bytes) -> str:
    """What a file that is not safetensors looks like."""
    if begin.startswith(b"\x80"):
        return " (it begins as a pickle does)"
    return " (it begins as a zip archive does)" if begin.startswith(b"PK") else ""


def read_model(folder: Path) -> tuple[Any, ModelConfig]:
    """A model with its weights, on the host, ready to answer: torch's, or of `chainrule.autograd`, as its family is.

    Raises:
        ModelFolderError: anything in the folder is missing, damaged, or does not fit the rest.
    """
    verify(folder)
    config = read_config(folder)
    try:
        builder = _builder(config)
        as_arrays = arrays.is_of_arrays(builder)
        weights = read_weights(folder / WEIGHTS, as_arrays=as_arrays)
        put_together = arrays.with_weights if as_arrays else _with_weights
        return put_together(builder, config.arguments, weights), config
    except UnknownNameError as error:
        raise ModelFolderError(f"{folder / CONFIG} names an architecture this version lacks: {error}") from error
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ModelFolderError(
            f"{folder / WEIGHTS} does not fit {CONFIG} ({reason}); copy the whole model folder again."
        ) from error


def _with_weights(
    builder: "Callable[..., nn.Module]", arguments: Mapping[str, Any], weights: Mapping[str, Any]
) -> "nn.Module":
    import torch

    # Without storage first: a configuration may ask for more memory than there is.
    with torch.device("meta"):
        model = builder(**arguments)
    model.load_state_dict(weights, strict=True, assign=True)
    return model.eval().requires_grad_(requires_grad=False)
