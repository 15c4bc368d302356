"""The named sets of pictures, from archives of the tests' own making."""

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from chainrule.data import catalog, origins, store
from chainrule.data.dataset import Dataset
from chainrule.data.downloads import Unavailable
from chainrule.data.entry import Entry
from chainrule.data.picture_sets import THINGS
from chainrule.data.splits import SPLITS, example_digest, split_code
from chainrule.errors import OriginError


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def converted(entry: Entry, content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch, sha: str) -> Dataset:
    """A data set from an archive of the test's own making."""
    file = dataclasses.replace(entry.files[0], sha256=sha)
    entry = dataclasses.replace(entry, files=(file,))
    (folder / file.name).write_bytes(content)
    monkeypatch.setenv("CHAINRULE_DATA_PATH", str(folder))
    catalog._convert(entry)
    dataset = store.open_dataset(catalog.key(entry))
    assert dataset is not None
    return dataset


def tar_gz(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w:gz") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return sink.getvalue()


def test_cifar10_from_an_archive_of_its_format(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = np.random.default_rng(3)
    names = [*(f"data_batch_{i}.bin" for i in range(1, 6)), "test_batch.bin"]
    pixels = generator.integers(0, 256, (6, 7, 3, 32, 32), np.uint8)
    labels = generator.integers(0, 10, (6, 7), np.uint8)
    files = {"cifar-10-batches-bin/readme.html": b"<html>", "cifar-10-batches-bin/batches.meta.txt": b"airplane\n"}
    for name, pictures, classes in zip(names, pixels, labels, strict=True):
        rows = [bytes([label]) + picture.tobytes() for label, picture in zip(classes, pictures, strict=True)]
        files[f"cifar-10-batches-bin/{name}"] = b"".join(rows)
    content = tar_gz(files)
    ours = converted(catalog.describe("cifar10"), content, tmp_path, monkeypatch, sha256(content))
    assert (ours.picture_shape, ours.classes) == ((3, 32, 32), THINGS)
    test = ours.split("test")
    assert np.array_equal(test.pictures(), pixels[5])
    assert np.array_equal(test.labels(), labels[5])
    flat = pixels[:5].reshape(-1, 3, 32, 32)
    validation = [split_code(example_digest(p.tobytes())) == SPLITS.index("validation") for p in flat]
    assert 0 < sum(validation) < 35
    assert np.array_equal(ours.split("validation").pictures(), flat[validation])
    assert np.array_equal(ours.split("train").pictures(), flat[np.logical_not(validation)])
    assert np.array_equal(ours.split("train").labels(), labels[:5].reshape(-1)[np.logical_not(validation)])


def jpeg(colour: tuple[int, int, int]) -> bytes:
    sink = io.BytesIO()
    picture = Image.new("RGB", (32, 32), colour)
    picture.paste((255, 255, 255), (0, 0, 16, 8))
    picture.save(sink, "JPEG")
    return sink.getvalue()


@pytest.mark.parametrize("top", ["", "CIFAR-10-images-d7d0561/"])
def test_cifar10_jpeg_is_known_by_its_pictures_however_packed(
    empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, top: str
) -> None:
    files = {
        "train/cat/0001.jpg": jpeg((3, 200, 5)),
        "test/ship/0000.jpg": jpeg((3, 7, 200)),
        "train/truck/0002.jpg": jpeg((200, 7, 5)),
    }
    lines = sorted(f"{sha256(content)}  {path}" for path, content in files.items())
    entry = catalog.describe("cifar10-jpeg")
    archive = tar_gz({f"{top}README.md": b"#", **{top + path: content for path, content in files.items()}})
    ours = converted(entry, archive, tmp_path, monkeypatch, sha256("\n".join(lines).encode()))
    assert ours.rows.column("label").to_pylist() == [3, 8, 9]
    assert ours.split_codes.tolist().count(SPLITS.index("test")) == 1
    expected = [np.asarray(Image.open(io.BytesIO(content))).transpose(2, 0, 1) for content in files.values()]
    assert np.array_equal(np.stack(ours.rows.column("picture").to_pylist()), np.stack(expected).reshape(3, -1))


def test_other_pictures_are_refused(empty_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever they stand; a bad archive in the cache goes, and does not hide a good one."""

    def refuse(*_: object, **__: object) -> None:
        raise Unavailable("no network")

    monkeypatch.setattr(origins, "download", refuse)
    content = jpeg((1, 2, 3))
    archive = tar_gz({"train/cat/0001.jpg": content})
    expected = sha256(f"{sha256(content)}  train/cat/0001.jpg".encode())
    kept = empty_cache / "downloads" / "cifar10-jpeg.tar.gz"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(tar_gz({"train/dog/0001.jpg": content}))
    entry = catalog.describe("cifar10-jpeg")
    with pytest.raises(OriginError) as caught:
        converted(entry, archive, tmp_path, monkeypatch, "0" * 64)
    assert f"CHAINRULE_DATA_PATH {tmp_path}/cifar10-jpeg.tar.gz: SHA-256 {expected[:12]}… where " in str(caught.value)
    assert list((empty_cache / "datasets").iterdir()) == []
    assert not kept.exists()
    kept.write_bytes(archive[:99])
    assert converted(entry, archive, tmp_path, monkeypatch, expected).rows.column("label").to_pylist() == [3]
