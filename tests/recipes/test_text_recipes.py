"""The settings of attention-text and transformer-text: what is refused, and what becomes of the rest."""

import pytest

from chainrule.errors import OptionError
from chainrule.recipes.attention_text import AttentionText
from chainrule.recipes.text_settings import TextSettings
from chainrule.recipes.transformer_text import TransformerText


@pytest.mark.parametrize(
    ("kind", "settings", "sentence"),
    [
        (TransformerText, {"size": 10, "heads": 3}, "--size 10 cannot be cut into --heads 3; take a multiple of 3."),
        (
            AttentionText,
            {"size": 9, "heads": 3},
            "--positions sinusoidal needs pairs of values, and --size is 9; take an even number.",
        ),
        (
            TransformerText,
            {"size": 15, "heads": 3, "positions": "rotary"},
            "--positions rotary turns pairs of values, and a head has 5; take an even number for each.",
        ),
        (AttentionText, {"hidden_size": 7}, "--hidden-size is for --attention additive; leave it out."),
        (AttentionText, {"attention": "additive", "heads": 2}, "--heads is for --attention self; leave it out."),
        (
            AttentionText,
            {"attention": "additive", "pooling": "first"},
            "--pooling is for --attention self; leave it out.",
        ),
        (TransformerText, {"word_vectors": False, "runs": 7}, "--runs is for --word-vectors; leave it out."),
        (TransformerText, {"layers": 0}, "--layers is 0; it must be from 1 to 1,000,000,000."),
        (TransformerText, {"attention_dropout": 1.0}, "--attention-dropout is 1.0; it must be from 0 to 0.99."),
    ],
)
def test_what_cannot_be_or_does_nothing_is_refused(kind, settings, sentence):
    with pytest.raises(OptionError) as caught:
        kind(**settings)
    assert str(caught.value) == sentence


def test_additive_attention_takes_vectors_of_any_size():
    settings = AttentionText(attention="additive", size=9)
    assert settings.arguments["size"] == 9
    assert not {"heads", "positions", "pooling", "longest"} & settings.arguments.keys()


def test_what_the_models_are_told():
    settings = TransformerText(
        texts=TextSettings(tokenizer="characters", max_length=17), norm="post", word_vectors=False
    )
    told = settings.arguments
    assert (told["longest"], told["longest_run"], told["norm_first"], told["runs"]) == (17, 3, False, 0)
    assert TransformerText(texts=TextSettings(tokenizer="words")).arguments["longest_run"] == 2
