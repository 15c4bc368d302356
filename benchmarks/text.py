"""Fine-tuning BERT at MiniLM-L6's size on hotel reviews as they are, beside Hugging Face's `Trainer` with its defaults.

    pip install --group benchmark-text
    python -m benchmarks.text                               # speed: both learn from the same texts in turns
    python -m benchmarks.text --seeds 3                     # and accuracy: both learn from all texts, with three seeds
    python -m benchmarks.text --seeds 3 --learn-from 2048   # from so many, since the Trainer takes hours for all

Both begin with MiniLM's published weights and cut a text after 512 tokens. The Trainer's defaults are batches of 8,
float32, each batch padded to its longest text, AdamW, three epochs; ours are the recipe's, with four epochs where
accuracies are compared: the recipe's two were chosen for English, of which the weights know more. A turn is an epoch
over the same texts, so that both read as many real tokens. The peak is measured in every round before and after ours,
since the machine's speed drifts; each share is of the higher of its own round's two. Operations are those that each
does over real tokens, forward and backward: ours computes the last layer at the first token of each text alone. What
its share were if the whole layer counted, as model FLOPs utilisation counts (Chowdhery et al., "PaLM", arXiv
2204.02311), stands beside.
"""

import argparse
import csv
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from benchmarks.apart import apart
from benchmarks.turns import in_turns, print_table
from chainrule import api
from chainrule.data.catalog import open_dataset
from chainrule.data.dataset import Dataset, Examples
from chainrule.data.order import EpochOrder
from chainrule.data.own_files import read_own
from chainrule.data.published import published_model
from chainrule.data.text_tokens import TextsOf
from chainrule.recipes.bert_building import build_bert_classifier
from chainrule.recipes.bert_classify import BertClassify
from chainrule.recipes.record import setting_of
from chainrule.recipes.settings import make
from chainrule.runtime.devices import Compute, resolve_compute
from chainrule.runtime.draws import reseed_all
from chainrule.runtime.memory import keep_freed_memory
from chainrule.runtime.peak import measure_peak
from chainrule.training.options import RunOptions

if TYPE_CHECKING:
    from chainrule.data.splits import Split

DATASET, LONGEST = "chnsenticorp-hotel", 512
SETTINGS = {"from_": "minilm-l6", "max_length": LONGEST, "from_nothing": False}


def learner_of(compute: Compute, texts: int) -> Any:
    """Ours, over the first so many training texts."""
    recipe = make(BertClassify, SETTINGS)
    with compute.active():
        learner: Any = build_bert_classifier(recipe, setting_of(recipe, RunOptions(dataset=DATASET), compute)).learner
    lengths = learner.batches.train.lengths[:texts]
    order = EpochOrder(examples=texts, batch_size=recipe.fitting.batch_size, seed=0, lengths=lengths)
    learner.batches = replace(learner.batches, order=order)
    learner.learning_rate = lambda _: recipe.fitting.learning_rate
    return learner


def left_out_of_the_last_layer(learner: Any, texts: int) -> float:
    """Operations that ours leaves out over the first so many texts, in both passes where the whole network learns."""
    lengths = torch.as_tensor(learner.batches.train.lengths[:texts])
    *_, last = learner.model.bert.encoder.layers()
    tokens = int(lengths.sum())
    return 3 * (float(last.flops(tokens, lengths.square().sum())) - last.flops_at_first(tokens, texts))


def our_turn(compute: Compute, texts: int) -> Callable[[], None]:
    """An epoch of ours, in a process of its own."""
    keep_freed_memory()  # as a run does
    learner = learner_of(compute, texts)
    steps, done = learner.batches.order.steps_per_epoch, iter(range(10**9))

    def turn() -> None:
        with compute.active():
            for _ in range(steps):
                number = next(done)
                reseed_all(0, "step", number)
                learner.step(number)

    return turn


def trainer_of(texts: list[str], labels: list[int], folder: str, *, seed: int, epochs: float) -> Any:
    """Hugging Face's Trainer with its defaults, over these texts."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers

    transformers.logging.set_verbosity_error()
    source = published_model("minilm-l6")
    tokenizer = transformers.BertTokenizer.from_pretrained(source)
    ids = tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"]
    rows = [{"input_ids": one, "labels": label} for one, label in zip(ids, labels, strict=True)]
    transformers.set_seed(seed)
    trainer = transformers.Trainer(
        model=transformers.BertForSequenceClassification.from_pretrained(source),
        args=transformers.TrainingArguments(
            output_dir=folder,
            use_cpu=True,
            seed=seed,
            num_train_epochs=epochs,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=rows,
        data_collator=transformers.DataCollatorWithPadding(tokenizer),
    )
    trainer.remove_callback(transformers.trainer_callback.PrinterCallback)
    return trainer


def their_turn(texts: int, folder: str) -> Callable[[], None]:
    """An epoch of the Trainer's, in a process of its own."""
    train = open_dataset(DATASET).split("train")
    chosen = np.arange(texts)
    trainer = trainer_of(train.texts(chosen), train.labels()[chosen].tolist(), folder, seed=0, epochs=1)
    return lambda: trainer.train() and None


def their_accuracy(train: Examples, test: Examples, folder: str, *, seed: int, epochs: float) -> float:
    """On the test split, after training on the training split."""
    trainer = trainer_of(list(TextsOf(train)), train.labels().tolist(), folder, seed=seed, epochs=epochs)
    trainer.train()
    model = trainer.model.eval()
    tokenizer = trainer.data_collator.tokenizer
    texts, right = list(TextsOf(test)), 0
    labels = torch.from_numpy(test.labels())
    for start in range(0, len(texts), 32):
        part = slice(start, start + 32)
        batch = tokenizer(texts[part], truncation=True, max_length=LONGEST, padding=True, return_tensors="pt")
        with torch.no_grad():
            right += int((model(**batch).logits.argmax(dim=1) == labels[part]).sum())
    return right / len(texts)


def of_so_many(dataset: Dataset, texts: int, path: Path) -> Dataset:
    """Training texts evenly spaced over the split, a fifth as many of validation, all test texts: as a user's file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        counts: dict[Split, int] = {"train": texts, "validation": -(-texts // 5), "test": 10**9}
        for split, count in counts.items():
            part = dataset.split(split)
            chosen = np.linspace(0, len(part) - 1, min(count, len(part))).astype(np.int64)
            names = [(dataset.classes or ())[label] for label in part.labels()[chosen]]
            writer.writerows(zip(part.texts(chosen), names, strict=True))
    return read_own(path, kind="text")


def print_accuracies(seeds: int, our_epochs: float, epochs: float, learn_from: int | None, folder: Path) -> None:
    """Both on the test split, after training on the training split, seed by seed."""
    dataset = open_dataset(DATASET)
    data: dict[str, Any] = {"dataset": DATASET}
    if learn_from is not None:
        dataset = of_so_many(dataset, learn_from, folder / "few.csv")
        data = {"data": folder / "few.csv"}
    train, test = dataset.split("train"), dataset.split("test")
    both: list[tuple[float, float]] = []
    for seed in range(seeds):
        output = folder / f"ours-{seed}"
        ours = api.train("bert-classify", **data, seed=seed, output=output, epochs=our_epochs, **SETTINGS)
        theirs = their_accuracy(train, test, str(folder / f"theirs-{seed}"), seed=seed, epochs=epochs)
        both.append((ours["value"], theirs))
        print(f"seed {seed}: chainrule {ours['value']:.4f}, Trainer {theirs:.4f}")
    ours_mean, theirs_mean = np.mean(both, axis=0)
    told = f"from {len(train):,} texts, on {len(test):,} test texts"
    print(f"mean of {seeds}: chainrule {ours_mean:.4f}, Trainer {theirs_mean:.4f}, {told}")


def shares(flops: float, times: list[float], peaks: list[float]) -> str:
    """Of each round's peak, the median and the range."""
    found = [flops / time / peak for time, peak in zip(times, peaks, strict=True)]
    return f"{statistics.median(found):.1%} [{min(found):.1%}, {max(found):.1%}]"


def main() -> None:
    """Prints the table, real tokens a second and the share of the peak, and accuracies where they are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--texts", type=int, default=256, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=0, help="with which both learn, to compare accuracies")
    parser.add_argument("--our-epochs", type=float, default=4, help="of ours then")
    parser.add_argument("--epochs", type=float, default=3, help="of the Trainer then")
    parser.add_argument("--learn-from", type=int, help="texts of the training split in place of all")
    given = parser.parse_args([] if __name__ != "__main__" else None)
    if given.learn_from is not None and (given.learn_from < 1 or not given.seeds):
        parser.error("--learn-from is for --seeds, and at least 1.")
    compute = resolve_compute()
    with tempfile.TemporaryDirectory() as folder:
        with compute.active():
            learner = learner_of(compute, given.texts)
            tokens = int(learner.batches.train.lengths[: given.texts].sum())
            steps = range(learner.batches.order.steps_per_epoch)
            done = sum(float(learner.step(number).flops) for number in steps)
            whole = done + left_out_of_the_last_layer(learner, given.texts)
            del learner
            found: list[float] = []
            turns = {
                "peak before": lambda: found.append(measure_peak(compute.device)),
                f"chainrule, {compute.precision}": apart(partial(our_turn, compute, given.texts), compute),
                "peak after": lambda: found.append(measure_peak(compute.device)),
                "Trainer, fp32": apart(partial(their_turn, given.texts, folder), compute),
            }
            print(f"\nan epoch of {given.texts:,} texts, {tokens:,} real tokens, {compute.threads} threads")
            seconds = in_turns(turns, rounds=given.rounds)
        del seconds["peak before"], seconds["peak after"]
        peaks = list(map(max, found[2::2], found[3::2]))  # the first two are of the round that does not count
        print_table(seconds)
        for (name, times), flops in zip(seconds.items(), (done, whole), strict=True):
            print(
                f"{name}: {tokens / statistics.median(times):,.0f} real tokens a second, "
                f"{flops / statistics.median(times) / 1e9:.0f} GFLOP/s, {shares(flops, times, peaks)} of the peak"
            )
        print(f"with the whole last layer counted ours had {shares(whole, next(iter(seconds.values())), peaks)}")
        print(f"peak: {statistics.median(peaks) / 1e9:.0f} [{min(peaks) / 1e9:.0f}, {max(peaks) / 1e9:.0f}] GFLOP/s")
        if given.seeds:
            print_accuracies(given.seeds, given.our_epochs, given.epochs, given.learn_from, Path(folder))


if __name__ == "__main__":
    main()
