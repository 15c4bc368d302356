"""A user's folder of pictures, with a folder for each class."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from chainrule.data.known_hashes import recall_sha256, remember_sha256
from chainrule.data.own_classes import picture_classes
from chainrule.data.own_pictures import BATCH_BYTES, TRAIN, About, Part, choose_shape, write_pictures
from chainrule.data.pictures import SUFFIXES, Shape, picture_header, read_picture
from chainrule.data.splits import SPLITS
from chainrule.data.taught import Taught
from chainrule.errors import ColumnError, FileFormatError
from chainrule.runtime import progress
from chainrule.runtime.files import sha256_file

VALIDATION, TEST = SPLITS.index("validation"), SPLITS.index("test")
SPLIT_FOLDERS = {
    "train": TRAIN,
    "training": TRAIN,
    "validation": VALIDATION,
    "valid": VALIDATION,
    "val": VALIDATION,
    "test": TEST,
    "testing": TEST,
}


@dataclass(frozen=True)
class Picture:
    """One file, not yet opened."""

    path: Path
    label: str
    split: int
    """Its place in `SPLITS`; "train" where the folders do not say."""


@dataclass(frozen=True)
class Folder:
    """The pictures below a folder, and how many other things are there."""

    path: Path
    pictures: Sequence[Picture]
    passed_over: Mapping[str, int]

    def sha256(self) -> str:
        """Of the pictures' places and contents; they are read only where one changed since they were last."""
        paths = [self.path, *(picture.path for picture in self.pictures)]
        if known := recall_sha256(paths):
            return known
        digest, all_readable = hashlib.sha256(), True
        with progress.bar("reading pictures", total=len(self.pictures), unit="pictures") as advance:
            for picture in self.pictures:
                place = picture.path.relative_to(self.path).as_posix()
                try:
                    content = sha256_file(picture.path)
                except OSError:
                    content, all_readable = "unreadable", False
                digest.update(f"{place}\0{content}\n".encode("utf-8", "surrogateescape"))
                advance(1)
        if all_readable:
            remember_sha256(paths, digest.hexdigest())
        return digest.hexdigest()


def open_folder(path: Path) -> Folder:
    """Finds the pictures: `CLASS/…/picture`, or `train/CLASS/…/picture` beside validation and test.

    Hidden files are passed over; links are not followed out of the folder.
    """
    tops = [top.name for top in path.iterdir() if top.is_dir() and not top.name.startswith(".")]
    published = TRAIN in map(SPLIT_FOLDERS.get, tops) and all(top in SPLIT_FOLDERS for top in tops)
    root = path.resolve()
    passed_over: Counter[str] = Counter()
    pictures = []
    for file in _files(path, passed_over):
        *folders, _ = file.relative_to(path).parts
        split = SPLIT_FOLDERS[folders.pop(0)] if published and folders else TRAIN
        if file.suffix.lower() not in SUFFIXES:
            passed_over["with no picture's name"] += 1
        elif not folders:
            passed_over["outside of the classes' folders"] += 1
        elif not file.is_file() or not file.resolve().is_relative_to(root):
            passed_over["that are links out of the folder or no files"] += 1
        else:
            pictures.append(Picture(file, folders[0], split))
    return Folder(path, pictures, passed_over)


def _files(path: Path, passed_over: Counter[str]) -> Iterator[Path]:
    """All files below a folder in a fixed order, without hidden ones."""
    for parent, folders, names in os.walk(path, onerror=lambda _: passed_over.update(["in closed folders"])):
        linked = [name for name in folders if Path(parent, name).is_symlink()]
        passed_over.update({"that are links to folders": len(linked)})
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith("."))


def picture_files(path: Path) -> Iterator[Path]:
    """The pictures below a folder, by their names, in a fixed order."""
    return (file for file in _files(path, Counter()) if file.suffix.lower() in SUFFIXES)


def convert_folder(folder: Folder, wanted: Shape | None, *, key: str, sha256: str, like: Taught | None = None) -> None:
    """Writes the data set `key`.

    Args:
        folder: the pictures.
        wanted: their shape; None for their own where all are of one size and small.
        key: what the data set is kept as.
        sha256: of the pictures.
        like: what a model was taught that is to score the pictures.

    Raises:
        ColumnError: there are less than two classes, or too many, or the name of one is no UTF-8.
        DataError: no picture is left, or one is of a class that `like` has not.
    """
    labels = {picture.label for picture in folder.pictures}
    if wrong := [label for label in labels if _in_utf_8(label) != label]:
        raise ColumnError(
            f"{folder.path}: the name of the folder {_in_utf_8(min(wrong))!r} is not UTF-8, so nothing can call the "
            "class by it; rename it."
        )
    names, indices = picture_classes(folder.path, labels, like)
    shape, notes = _shape(folder, wanted)
    others = [f"{count:,} {what}" for what, count in sorted(folder.passed_over.items()) if count]
    if others:
        notes += (f"Files passed over: {', '.join(others)}.",)
    about = About(path=folder.path, sha256=sha256, classes=names, shape=shape, notes=notes, is_scored=like is not None)
    write_pictures(_parts(folder, about, indices), about, key=key)


def _in_utf_8(name: str) -> str:
    """A file's name, with question marks for what no encoding can write."""
    return name.encode("utf-8", "replace").decode()


def _shape(folder: Folder, wanted: Shape | None) -> tuple[Shape, tuple[str, ...]]:
    sizes, channels = set(), {1}
    for picture in folder.pictures:
        try:
            count, *size = picture_header(picture.path)
        except FileFormatError:
            continue
        sizes.add((size[0], size[1]))
        channels.add(count)
    return choose_shape(wanted, sizes, grey=channels == {1})


def _parts(folder: Folder, about: About, indices: Mapping[str, int]) -> Iterator[Part]:
    channels, height, width = about.shape
    step = max(1, BATCH_BYTES // (channels * height * width))
    with progress.bar("converting", total=len(folder.pictures), unit="pictures") as advance:
        for start in range(0, len(folder.pictures), step):
            part = Part([], [], [])
            for picture in folder.pictures[start : start + step]:
                advance(1)
                try:
                    pixels = read_picture(picture.path, about.shape)
                except FileFormatError as error:
                    place = picture.path.relative_to(folder.path).as_posix()
                    reason = str(error).removeprefix(str(picture.path))
                    about.unreadable.append(_in_utf_8(place) + reason)
                    continue
                part.pixels.append(pixels)
                part.labels.append(indices[picture.label])
                part.published.append(picture.split)
            yield part
