"""Integrated gradients by hand and complete, and what is known of a text."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import api
from chainrule.errors import ModelFolderError
from chainrule.inference.attribution import explain_text, integrated_gradients, log_odds
from chainrule.inference.texts import TextPredictor
from chainrule.models.text_attention import text_attention, text_transformer

TIME, SIZE, TOKENS, CLASSES = 7, 10, 17, 3
ARGUMENTS = {"vocabulary_size": TOKENS, "runs": 0, "longest_run": 2, "size": SIZE, "longest": 11, "classes": CLASSES}


def test_integrated_gradients_of_a_square_are_known():
    # f = Σ c x²: the gradient 2 c x, on the way from b to x on average c (x + b).
    torch.manual_seed(1)
    x, b, c = torch.randn(3, TIME, SIZE, dtype=torch.float64)
    found = integrated_gradients(lambda between: (c * between.square()).sum(dim=(1, 2)), x, b, steps=5)
    torch.testing.assert_close(found, (x - b) * c * (x + b))


def test_log_odds_are_those_of_the_probability():
    scores = torch.randn(5, CLASSES, dtype=torch.float64)
    p = scores.softmax(dim=1)[:, 1]
    torch.testing.assert_close(log_odds(scores, 1), (p / (1 - p)).log())
    torch.testing.assert_close(log_odds(scores + 9, 1), log_odds(scores, 1))


def models():
    own = {"heads": 5, "inner_size": 13, "layers": 2}
    return {
        "one layer": text_attention(**ARGUMENTS, heads=5),
        "additive": text_attention(**ARGUMENTS, attention="additive", hidden_size=3),
        "transformer": text_transformer(**ARGUMENTS, **own),
        "transformer, first": text_transformer(**ARGUMENTS, **own, pooling="first", norm_first=False),
    }


@settings(deadline=None, max_examples=5)
@given(st.integers(0, 2**31))
@pytest.mark.parametrize("kind", models())
def test_attributions_add_up_to_the_difference(kind, seed):
    torch.manual_seed(seed)
    model = models()[kind].eval().requires_grad_(requires_grad=False)
    tokens = torch.randint(2, TOKENS, (1, TIME))
    scores = model(tokens, torch.tensor([TIME]))
    found = explain_text(model, tokens, tuple("abcdefg"), ("x", "y", "z"), scores.softmax(1)[0].double().numpy())
    assert found.best == int(scores.argmax())
    assert found.log_odds == pytest.approx(float(log_odds(scores, found.best)), abs=1e-5)
    unknown = model(torch.ones_like(tokens), torch.tensor([TIME]))
    assert found.log_odds_of_nothing == pytest.approx(float(log_odds(unknown, found.best)), abs=1e-5)
    difference = found.log_odds - found.log_odds_of_nothing
    assert found.attributions.sum() == pytest.approx(difference, rel=0.02, abs=5e-3)
    places = TIME + ("first" in kind)
    queries = 1 if kind == "additive" else places
    heads = 1 if kind == "additive" else 5
    assert [layer.shape for layer in found.attention] == [(heads, queries, places)] * (1 + ("transformer" in kind))
    for layer in found.attention:
        np.testing.assert_allclose(layer.sum(axis=2), 1, rtol=1e-5)


def test_unknown_tokens_give_nothing():
    model = models()["transformer"].eval()
    tokens = torch.tensor([[2, 1, 5, 1, 1, 9, 1]])
    found = explain_text(model, tokens, tuple("abcdefg"), ("x", "y", "z"), np.array([0.2, 0.5, 0.3]))
    assert found.best == 1
    assert (found.attributions[[1, 3, 4, 6]] == 0).all()
    assert (found.attributions[[0, 2, 5]] != 0).all()


def test_a_trained_model_explains_any_text(trained):
    predictor = api.load(trained("transformer-text"))
    for text, pieces in (("很好 nice", ("很", "好", "nice")), ("", ("",)), ("😀 ", ("😀",))):
        found = predictor.explain(text)
        assert "".join(found.tokens) == "".join(pieces)
        assert len(found.attributions) == len(found.tokens)
        assert found.attention[0].shape[2] == len(found.tokens) + 1
        assert found.probabilities.max() == pytest.approx(predictor.predict([text])[0]["probability"])
    assert len(predictor.explain("很好" * 500).attributions) == 200


def test_a_model_without_attention_says_so_before_it_answers(trained, tmp_path, monkeypatch):
    def answer(*_):
        raise AssertionError

    monkeypatch.setattr(TextPredictor, "predict", answer)
    with pytest.raises(ModelFolderError) as caught:
        api.predict(trained("sentiment"), ["很好"], explain=tmp_path / "explained")
    assert str(caught.value) == (
        "this model has no attention to draw; those of attention-text, transformer-text and bert-classify have."
    )
