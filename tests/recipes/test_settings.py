"""Settings by name: groups opened, types and ranges checked, and back again."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule import recipes
from chainrule.errors import OptionError, UnknownNameError
from chainrule.recipes.setting_types import brought_to_type
from chainrule.recipes.settings import changed_settings, make, setting_fields, setting_types, settings_of
from chainrule.training.options import RunOptions


@dataclass(frozen=True, kw_only=True)
class Pace:
    rate: float
    rounds: int = 3


@dataclass(frozen=True, kw_only=True)
class Plain:
    width: int = 8
    pace: Pace = Pace(rate=0.5)
    sizes: tuple[int, ...] = (3, 5)
    shade: Literal["light", "dark"] = "light"
    limit: float | None = 1.0


def test_groups_are_opened_in_their_place_with_the_recipes_defaults():
    fields = setting_fields(Plain)
    assert [(name, found.default) for name, found in fields.items()] == [
        ("width", 8),
        ("rate", 0.5),
        ("rounds", 3),
        ("sizes", (3, 5)),
        ("shade", "light"),
        ("limit", 1.0),
    ]
    types = setting_types(Plain)
    assert (types["rate"], types["rounds"], types["sizes"]) == (float, int, tuple[int, ...])


def test_what_is_set_goes_to_its_group_and_the_rest_stays():
    made = make(Plain, {"rate": 2, "sizes": [7], "limit": None})
    assert made == Plain(pace=Pace(rate=2.0), sizes=(7,), limit=None)
    assert settings_of(made) == {
        "width": 8,
        "rate": 2.0,
        "rounds": 3,
        "sizes": (7,),
        "shade": "light",
        "limit": None,
    }
    assert changed_settings(made) == {"rate": 2.0, "sizes": (7,), "limit": None}
    assert changed_settings(Plain()) == {}


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "width": st.integers(),
            "rate": st.floats(allow_nan=False),
            "sizes": st.lists(st.integers()).map(tuple),
            "shade": st.sampled_from(["light", "dark"]),
            "limit": st.none() | st.floats(allow_nan=False),
        },
    )
)
def test_settings_make_the_same_again(changes):
    made = make(Plain, changes)
    assert make(Plain, settings_of(made)) == made
    assert make(Plain, changed_settings(made)) == made
    assert changed_settings(made).keys() <= changes.keys()


@pytest.mark.parametrize("name", recipes.BUILT_IN)
def test_every_recipe_makes_itself_again(name):
    kind = recipes.find(name)
    assert make(kind, settings_of(kind())) == kind()
    assert changed_settings(kind()) == {}
    assert not setting_fields(kind).keys() & setting_fields(RunOptions).keys()
    assert setting_types(kind).keys() >= setting_fields(kind).keys()


def test_an_unknown_setting_is_told_the_nearest():
    with pytest.raises(UnknownNameError) as caught:
        make(Plain, {"widht": 3})
    assert str(caught.value) == "there is no setting named 'widht'; did you mean 'width'?"
    with pytest.raises(UnknownNameError) as caught:
        make(Plain, {"zzz": 3})
    assert str(caught.value) == (
        "there is no setting named 'zzz'; known are: limit, rate, rounds, shade, sizes, width."
    )


@pytest.mark.parametrize(
    ("wanted", "value", "brought"),
    [
        (int, np.int64(3), 3),
        (float, 3, 3.0),
        (float, np.float32(0.5), 0.5),
        (float | None, None, None),
        (int | float, 0.5, 0.5),
        (Path | None, "a/b", Path("a/b")),
        (Path, Path("a"), Path("a")),
        (tuple[int, ...], [1, np.int32(2)], (1, 2)),
        (tuple[str, ...], (), ()),
        (Literal["a", "b"], "b", "b"),
        (Annotated[int, "of the layer"], 3, 3),
        (bool, True, True),
        (dict[str, int], {"a": 1}, {"a": 1}),
    ],
)
def test_values_are_brought_to_their_type(wanted, value, brought):
    found = brought_to_type("width", value, wanted)
    assert found == brought
    assert type(found) is type(brought)


@pytest.mark.parametrize(
    ("wanted", "value", "sentence"),
    [
        (int, 1.5, "--hidden-size is 1.5; it must be a whole number."),
        (int, "1", "--hidden-size is '1'; it must be a whole number."),
        (int, True, "--hidden-size is True; it must be a whole number."),
        (int | None, "x", "--hidden-size is 'x'; it must be a whole number or None."),
        (float, None, "--hidden-size is None; it must be a number."),
        (float, "0.5", "--hidden-size is '0.5'; it must be a number."),
        (float, 10**400, f"--hidden-size is {10**400}; it must be a number."),
        (bool, 1, "--hidden-size is 1; it must be True or False."),
        (str, 1, "--hidden-size is 1; it must be a text."),
        (Path | None, 1, "--hidden-size is 1; it must be a path or None."),
        (tuple[int, ...], 8, "--hidden-size is 8; it must be a list, each item a whole number."),
        (tuple[str, ...], "ab", "--hidden-size is 'ab'; it must be a list, each item a text."),
        (tuple[int, ...], [1, "2"], "--hidden-size is [1, '2']; it must be a list, each item a whole number."),
        (Literal["a", "b"], "c", "--hidden-size is 'c'; it must be one of 'a', 'b'."),
        (Literal[1], True, "--hidden-size is True; it must be one of 1."),
        (Annotated[int, "x"], "1", "--hidden-size is '1'; it must be a whole number."),
    ],
)
def test_a_value_of_another_type_is_refused(wanted, value, sentence):
    with pytest.raises(OptionError) as caught:
        brought_to_type("hidden_size", value, wanted)
    assert str(caught.value) == sentence


def test_a_default_that_is_made_anew_counts_as_changed():
    @dataclass(frozen=True, kw_only=True)
    class Made:
        sizes: list[int] = field(default_factory=lambda: [1])

    assert changed_settings(Made()) == {"sizes": [1]}


OUT_OF_RANGE = {
    "batch_size": (0, "--batch-size is 0; it must be from 1 to 1,000,000,000."),
    "accumulate": (0, "--accumulate is 0; it must be from 1 to 1,000,000,000."),
    "epochs": (0, "--epochs is 0.0; it must be greater than 0 and at most 1,000,000,000."),
    "learning_rate": (
        float("nan"),
        "--learning-rate is nan; it must be greater than 0 and at most 1,000,000,000.",
    ),
    "clip_norm": (
        float("inf"),
        "--clip-norm is inf; it must be greater than 0 and at most 1,000,000,000.",
    ),
    "warmup": (1, "--warmup is 1.0; it must be from 0 to 0.99."),
    "weight_decay": (-0.1, "--weight-decay is -0.1; it must be from 0 to 1,000,000,000."),
    "dropout": (1, "--dropout is 1.0; it must be from 0 to 0.99."),
    "label_smoothing": (-1, "--label-smoothing is -1.0; it must be from 0 to 0.99."),
    "word_dropout": (float("nan"), "--word-dropout is nan; it must be from 0 to 0.99."),
    "crop": (1, "--crop is 1.0; it must be from 0 to 0.99."),
    "hidden_size": (0, "--hidden-size is 0; it must be from 1 to 1,000,000,000."),
    "embedding_size": (10**10, "--embedding-size is 10000000000; it must be from 1 to 1,000,000,000."),
    "max_length": (0, "--max-length is 0; it must be from 1 to 1,000,000,000."),
    "vocabulary_size": (2, "--vocabulary-size is 2; it must be from 3 to 1,000,000,000."),
    "hidden_sizes": ((3, 0), "--hidden-sizes holds 0; each must be from 1 to 1,000,000,000."),
    "widths": ((-1, 3), "--widths holds -1; each must be from 1 to 1,000,000,000."),
    "actions": (0, "--actions is 0; it must be from 1 to 1,000,000,000,000,000."),
    "discount": (1, "--discount is 1.0; it must be from 0 to 0.999."),
    "environments": (0, "--environments is 0; it must be from 1 to 1,000,000."),
    "exploration": (-1, "--exploration is -1.0; it must be from 0 to 1.0."),
    "exploration_end": (2, "--exploration-end is 2.0; it must be from 0 to 1.0."),
    "exploration_share": (2, "--exploration-share is 2.0; it must be from 0 to 1.0."),
    "averaging": (1, "--averaging is 1.0; it must be from 0 to 0.99."),
    "largest_weight": (0, "--largest-weight is 0.0; it must be greater than 0 and at most 1,000,000,000."),
    "latent_size": (0, "--latent-size is 0; it must be from 1 to 1,000,000,000."),
    "patch": (0, "--patch is 0; it must be from 1 to 1,000,000,000."),
    "penalty": (-1, "--penalty is -1.0; it must be from 0 to 1,000,000,000."),
}
OF_RECIPE = {
    "bert-classify": {
        "max_length": (2, "--max-length is 2; it must be from 3 to 1,000,000,000."),
        "vocabulary_size": (6, "--vocabulary-size is 6; it must be from 7 to 1,000,000,000."),
    },
    "q-learning": {
        "learning_rate": (float("nan"), "--learning-rate is nan; it must be greater than 0 and at most 1.0."),
        "exploration_end": (1.5, "--exploration-end is 1.5; it must be from 0 to 1.0."),
    },
}


@pytest.mark.parametrize("recipe", recipes.BUILT_IN)
def test_numbers_out_of_range_are_refused(recipe):
    kind = recipes.find(recipe)
    cases = {**OUT_OF_RANGE, **OF_RECIPE.get(recipe, {})}
    tried = {name: case for name, case in cases.items() if name in setting_fields(kind)}
    numbers = [name for name, wanted in setting_types(kind).items() if {int, float} & {wanted, *get_args(wanted)}]
    assert len(tried) >= min(8, len(numbers))
    for name, (value, sentence) in tried.items():
        with pytest.raises(OptionError) as caught:
            make(kind, {name: value})
        assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seed": -1}, "--seed is -1; it must be at least 0."),
        ({"steps": 0}, "--steps is 0; it must be from 1 to 1,000,000,000,000."),
        ({"steps": 10**400}, f"--steps is {10**400}; it must be from 1 to 1,000,000,000,000."),
        ({"threads": 0}, "--threads is 0; it must be from 1 to 512."),
        ({"threads": 100_000}, "--threads is 100000; it must be from 1 to 512."),
        ({"log_every": 0}, "--log-every is 0; it must be at least 1."),
        ({"evaluate_every": 0}, "--evaluate-every is 0; it must be at least 1."),
        ({"checkpoint_every": 0}, "--checkpoint-every is 0; it must be at least 1."),
        ({"keep_checkpoints": 0}, "--keep-checkpoints is 0; it must be at least 1."),
        ({"patience": 0}, "--patience is 0; it must be at least 1."),
        ({"device": "gpu"}, "--device is 'gpu'; it must be one of 'auto', 'cpu', 'cuda', 'mps'."),
        (
            {"dataset": "digits", "data": "own.csv"},
            "--dataset and --data exclude each other: give the name or your own file, not both.",
        ),
    ],
)
def test_options_out_of_range_are_refused(settings, sentence):
    with pytest.raises(OptionError) as caught:
        make(RunOptions, settings)
    assert str(caught.value) == sentence
