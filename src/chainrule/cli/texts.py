"""Results as people read them."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from chainrule.cli.output import aligned
from chainrule.recipes.setting_types import flag_of

Entries = Sequence[Mapping[str, Any]]
NONE = "—"


def recipes(entries: Entries) -> str:
    """The table of recipes."""
    rows = [("RECIPE", "WHAT IT IS", "DATA BY DEFAULT")]
    rows += [(entry["recipe"], entry["summary"], entry["data"]) for entry in entries]
    return aligned(rows)


def runs(entries: Entries) -> str:
    """A table of runs for each recipe: the result, then the settings in which they differ."""
    if not entries:
        return "There is no run.\n"
    return "\n".join(
        f"RECIPE {recipe}\n" + runs_of_a_recipe([entry for entry in entries if entry["recipe"] == recipe])
        for recipe in dict.fromkeys(entry["recipe"] for entry in entries)
    )


def runs_of_a_recipe(entries: Entries) -> str:
    """The table of runs of one recipe."""
    settings = list(entries[0]["settings"])
    flags = list(map(flag_of, settings))
    rows = [("RUN", "DATA", "METRIC", "VALUE", "INTERVAL", "STEPS", "SECONDS", "STATE", *flags)]
    for one in entries:
        interval = NONE if one["interval"] is None else f"[{', '.join(map(shown, one['interval']))}]"
        figures = (shown(one["metric"]), shown(one["value"]), interval, shown(one["steps"]), shown(one["seconds"]))
        state = "finished" if one["finished"] else "unfinished"
        rows.append((one["run"], one["dataset"], *figures, state, *(shown(one["settings"][name]) for name in settings)))
    return aligned(rows, right={3, 5, 6})


def curves(drawn: Mapping[str, Any]) -> str:
    """What each curve comes to at its last step, and below it where the picture is."""
    from chainrule.evaluation.wording import one_line

    figure = one_line(drawn["figure"].upper(), 40)
    rows: list[tuple[str, ...]] = [("RUNS", "STEPS", figure, "LOWEST", "HIGHEST", "SETTING")]
    for one in drawn["groups"]:
        values = (shown(one[key][-1]) for key in ("mean", "lowest", "highest"))
        rows.append((shown(len(one["runs"])), shown(one["steps"][-1]), *values, one["name"] or NONE))
    return f"{aligned(rows, right=range(5))}\n{drawn['output']}\n"


def predictions(answers: Entries, inputs: Sequence[str]) -> str:
    """One line an answer, and beside it the input where it was given in the call."""
    rows = []
    for answer, given in zip_longest(answers, inputs, fillvalue=None):
        figures = [shown(value) for value in (answer or {}).values()]
        rows.append((*figures, " ".join((given or "").split())))
    return aligned(rows)


def datasets(entries: Entries) -> str:
    """The table of data sets."""
    rows = [("DATA SET", "KIND", "CACHED", "WHAT IT IS")]
    for one in entries:
        rows += [(one["name"], one["kind"], "yes" if one["cached"] else "no", one["description"])]
    return aligned(rows)


def dataset(found: Mapping[str, Any]) -> str:
    """What a data set holds, without examples."""
    left_out = ", ".join(f"{count:,} {reason}" for reason, count in found["left_out"].items() if count)
    facts = [
        ("data set", found["name"]),
        ("content", found["description"]),
        ("rows", f"{found['rows']:,}"),
        ("splits", ", ".join(f"{count:,} {name}" for name, count in found["splits"].items())),
        ("left out", left_out or "nothing"),
        ("licence", found["licence"]),
        ("source", found["source"]),
        ("sha256", found["sha256"]),
        *(("note", note) for note in found["notes"]),
    ]
    if found["target"]:
        facts += [("target", ", ".join(f"{name} {shown(value)}" for name, value in found["target"].items()))]
    parts = [aligned(facts)]
    if found["class_counts"]:
        parts += [class_counts(found["class_counts"])]
    return "\n".join(parts)


def class_counts(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The table of classes, with the examples each has in each split."""
    splits = list(next(iter(counts.values())))
    rows = [("CLASS", *(split.upper() for split in splits))]
    rows += [(name, *(f"{of_split[split]:,}" for split in splits)) for name, of_split in counts.items()]
    return aligned(rows, right=range(1, len(splits) + 1))


def examples(found: Mapping[str, Any]) -> str:
    """A few examples of a data set: pictures below each other, all others in a table; its columns down if it is one."""
    some: Entries = found["examples"]
    if found["kind"] == "pictures":
        return "\n".join(aligned([[f"LABEL {one['label']}"], *([line] for line in one["picture"])]) for one in some)
    upright = found["kind"] == "table"
    rows = [[name if upright else name.upper() for name in some[0]]]
    rows += [[shown(value) for value in one.values()] for one in some]
    return aligned(list(zip(*rows, strict=True)), right=range(1, len(rows))) if upright else aligned(rows)


def comparison(found: Mapping[str, Any], *, colour: bool) -> str:
    """The table of layers, the first divergence marked; below it what is compared and, where all is well, that."""
    heads = ("LAYER", "KIND", "SHAPE", "VALUES", "GRADIENTS", "PARAMETERS' GRADIENTS", "")
    rows, fault = [heads], found["fault"]
    for row in found["layers"]:
        worst = max(row["parameters"].values(), key=lambda one: (not one["agrees"], one["relative"] or 0), default=None)
        marked = "◄ the first difference" if fault and fault["layer"] == row["layer"] else ""
        cells = (distance(one) for one in (row["value"], row["gradient"], worst))
        rows.append((row["layer"], row["kind"], " × ".join(map(str, row["shape"])), *cells, marked))
    table = aligned(rows, right={3, 4, 5})
    if colour:
        table = "".join(
            f"\x1b[1;31m{line[:-1]}\x1b[0m\n" if "◄" in line else line for line in table.splitlines(keepends=True)
        )
    lines = [
        "{recipe} on {data}: a batch of {examples:,}, in {precision}, seed {seed}.".format(**found),
        "The largest difference from torch of each layer's values, of the gradients by them and by its parameters; in",
        "brackets its share of the largest value.",
    ]
    if found["agrees"]:
        lines += [f"All {len(found['layers'])} layers agree: no share is above {found['tolerance']:g}."]
    return f"{table}\n" + "\n".join(lines) + "\n"


def distance(found: Mapping[str, Any] | None) -> str:
    """A difference, absolute and relative."""
    if found is None:
        return NONE
    return "not a number" if found["absolute"] is None else f"{found['absolute']:.1e} ({found['relative']:.0e})"


def diagnosis(found: Mapping[str, Any]) -> str:
    """The machine, then the table of data types."""
    versions, processor, memory = found["versions"], found["processor"], found["memory"]
    features = f" with {', '.join(processor['features'])}" if processor["features"] else ""
    devices = [(one["name"], f"{one['model']}, {size(one['memory'])}") for one in found["devices"]]
    disks = [f"{size(one['free'])} free for {one['purpose']} in {one['folder']}" for one in found["disks"]]
    facts = [
        *((name, version or "not installed") for name, version in versions.items()),
        ("platform", found["platform"]),
        ("processor", f"{processor['name']}, {processor['cores']} cores{features}"),
        ("memory", f"{size(memory['available'])} free of {size(memory['total'])}"),
        *((f"device {name}", told) for name, told in devices),
        *(("disk", told) for told in disks),
        ("auto means", " ".join(f"--{name} {value}" for name, value in found["compute"].items())),
        ("peak", NONE if found["peak"] is None else f"{rate(found['peak'])} GFLOP/s in products and convolutions"),
    ]
    return f"{aligned(facts)}\n{data_types(found['data_types'])}"


def data_types(entries: Entries) -> str:
    """The table of data types, and below it what there is to say of its speeds."""
    devices = list(entries[0]["speed"])
    heads = ("TYPE", "BITS", "LOWEST", "HIGHEST", "SMALLEST", "EPSILON", "DIGITS")
    rows = [(*heads, *(f"{device.upper()} G/S" for device in devices))]
    notes = [
        "SMALLEST: the smallest positive number of full precision.",
        "G/S: billions of additions and multiplications a second in products of matrices.",
    ]
    for entry in entries:
        name, speeds = entry["name"], entry["speed"]
        limits = [shown(entry[key], digits=3) for key in ("lowest", "highest", "smallest_normal", "epsilon")]
        rates = [rate(speeds[device]["operations_per_second"]) for device in devices]
        rows.append((name, str(entry["bits"]), *limits, str(entry["decimal_digits"]), *rates))
        for device, speed in speeds.items():
            if speed["reason"]:
                notes.append(f"{NONE} {speed['reason']}")
            elif speed["result"] not in {name, "float32"}:
                notes.append(f"{name} on {device}: summed in {speed['result']}.")
    return "\n".join([aligned(rows, right=range(1, len(rows[0]))), *notes]) + "\n"


def rate(operations: float | None) -> str:
    """Billions of operations a second."""
    return NONE if operations is None else f"{operations / 1e9:,.1f}"


def shown(value: object, *, digits: int = 4) -> str:
    """A value in few characters: numbers with so many digits, but small whole numbers in full."""
    if value is None:
        return NONE
    if isinstance(value, int | float) and not isinstance(value, bool):
        whole = float(value).is_integer() and abs(value) < 1e7
        return f"{value:,.0f}" if whole else f"{value:.{digits}g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(item)}" for name, item in value.items())
    return str(value)


def size(count: int | None) -> str:
    """Bytes in GiB."""
    return NONE if count is None else f"{count / 2**30:,.1f} GiB"
