"""A learner's state as files: arrays in safetensors, the rest in JSON; no pickle.

torch's and NumPy's arrays go to a file each, so that a learner in NumPy alone never loads torch.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import CheckpointError

TORCH, NUMPY = "torch", "numpy"
REFERENCE = "$array"  # the key that stands in the JSON where an array stood
FILES = {TORCH: "tensors.safetensors", NUMPY: "arrays.safetensors"}
SKELETON = "state.json"


def _is_tensor(value: object) -> bool:
    # Asking torch itself would import it.
    return any(f"{kind.__module__}.{kind.__qualname__}" == "torch.Tensor" for kind in type(value).__mro__)


def copy_tree(value: Any) -> Any:
    """A copy on the host that later updates do not touch."""
    if _is_tensor(value):
        # contiguous() comes first: a strided copy would keep its strides, which safetensors refuses.
        return value.detach().cpu().contiguous().clone()
    if isinstance(value, np.ndarray):
        return np.array(value, order="C")
    if isinstance(value, Mapping):
        return {key: copy_tree(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [copy_tree(item) for item in value]
    return value


def take_apart(tree: Mapping[str, Any]) -> tuple[Any, dict[str, dict[str, Any]]]:
    """A tree as JSON values that refer to its arrays, and those arrays by kind and path.

    Raises:
        TypeError: a key is not a string, or is the one that stands for an array.
    """
    arrays: dict[str, dict[str, Any]] = {TORCH: {}, NUMPY: {}}

    def skeleton(value: Any, path: str) -> Any:
        kind = TORCH if _is_tensor(value) else NUMPY if isinstance(value, np.ndarray) else None
        if kind:
            arrays[kind][path] = value
            return {REFERENCE: [kind, path]}
        if isinstance(value, Mapping):
            for key in value:
                if not isinstance(key, str) or key == REFERENCE:
                    raise TypeError(f"the state's keys must be strings other than {REFERENCE!r}; {path} has {key!r}")
            return {key: skeleton(item, f"{path}/{key}") for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [skeleton(item, f"{path}/{number}") for number, item in enumerate(value)]
        return value

    return skeleton(tree, ""), arrays


def put_together(value: Any, arrays: Mapping[str, Mapping[str, Any]]) -> Any:
    """The tree that `take_apart` took apart.

    Raises:
        KeyError: an array is missing.
    """
    if isinstance(value, dict):
        if value.keys() == {REFERENCE}:
            kind, path = value[REFERENCE]
            return arrays[kind][path]
        return {key: put_together(item, arrays) for key, item in value.items()}
    return [put_together(item, arrays) for item in value] if isinstance(value, list) else value


def write_tree(folder: Path, tree: Mapping[str, Any]) -> None:
    """Writes a tree that `copy_tree` made into an existing folder.

    Raises:
        TypeError: a leaf is neither an array nor a JSON value, or a key is not a string.
    """
    skeleton, arrays = take_apart(tree)
    # Python's JSON keeps every float exactly and also knows NaN and infinities.
    (folder / SKELETON).write_text(json.dumps(skeleton), encoding="utf-8")
    if arrays[TORCH]:
        from safetensors.torch import save_file

        save_file(arrays[TORCH], folder / FILES[TORCH])
    if arrays[NUMPY]:
        from safetensors.numpy import save_file as save_numpy_file

        save_numpy_file(arrays[NUMPY], folder / FILES[NUMPY])


def read_tree(folder: Path) -> Any:
    """Reads what `write_tree` wrote, arrays on the host.

    Raises:
        CheckpointError: the files are damaged.
    """
    loaded = {kind: _load(kind, folder / name) for kind, name in FILES.items() if (folder / name).exists()}
    try:
        return put_together(json.loads((folder / SKELETON).read_text(encoding="utf-8")), loaded)
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"the state in {folder} is damaged ({error}); resume from another run.") from error


def _load(kind: str, path: Path) -> dict[str, Any]:
    load: Callable[[Path], dict[str, Any]]
    if kind == TORCH:
        from safetensors.torch import load_file as load
    else:
        from safetensors.numpy import load_file as load
    from safetensors import SafetensorError

    try:
        return load(path)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is damaged ({error}); resume from another checkpoint.") from error
