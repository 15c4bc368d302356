"""The classifier of texts against its parts put together by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from chainrule.models.text_lstm import NO_KEY, RunEmbedding, run_key, text_lstm

BATCH, TIME, INPUT, HIDDEN, CLASSES, TOKENS, LETTERS, LONGEST = 5, 11, 7, 3, 13, 17, 19, 4
LENGTHS = torch.tensor([11, 1, 6, 2, 9])


def tokens():
    ids = torch.arange(BATCH * TIME).reshape(BATCH, TIME) % (TOKENS - 2) + 2
    return ids.masked_fill(torch.arange(TIME) >= LENGTHS[:, None], 0)


def classifier(**changes):
    torch.manual_seed(3)
    sizes = {"vocabulary_size": TOKENS, "alphabet_size": LETTERS, "longest_token": LONGEST, "runs": 0}
    sizes |= {"embedding_size": INPUT, "hidden_size": HIDDEN, "classes": CLASSES}
    model = text_lstm(**{**sizes, **changes})
    # Token n is spelt with n % 4 + 1 letters, [PAD] with none.
    for token in range(1, TOKENS):
        for place in range(token % LONGEST + 1):
            model.spelling[token, place] = (token + 5 * place) % (LETTERS - 1) + 1
    model.spelling[0] = 0
    return model


def spelt(row, length, model):
    return [int(letter) for token in row[:length] for letter in model.spelling[token] if letter]


def test_keys_tell_runs_apart():
    pairs = [(a, b) for a in range(1, 5) for b in range(1, 5)]
    triples = [(a, b, c) for a in range(1, 5) for b, c in pairs]
    keys = [int(run_key([torch.tensor(part) for part in run], 4)) for run in [*pairs, *triples]]
    assert len(set(keys)) == len(keys)
    assert max(keys[: len(pairs)]) < min(keys[len(pairs) :])
    assert keys[0] == 1 * 5 + 1
    assert run_key([np.array(part) for part in zip(*triples, strict=True)], 4).tolist() == keys[len(pairs) :]


def test_runs_add_their_vectors_where_they_end():
    torch.manual_seed(1)
    embedding = RunEmbedding(tokens=nn.Embedding(TOKENS, INPUT), runs=nn.Embedding(5, INPUT), longest=3)
    runs = [(3, 4), (4, 3), (3, 4, 5)]
    embedding.keys[:3] = torch.tensor([int(run_key([torch.tensor(i) for i in run], TOKENS)) for run in runs])
    assert embedding.keys.tolist()[3:] == [NO_KEY, NO_KEY]
    assert embedding.keys.diff().ge(0).all()
    words, vectors = embedding.tokens.weight, embedding.runs.weight
    found = embedding(torch.tensor([[3, 4, 5, 4, 3], [4, 3, 4, 4, 3]]))
    expected = torch.stack(
        [
            torch.stack([words[3], words[4] + vectors[0], words[5] + vectors[2], words[4], words[3] + vectors[1]]),
            torch.stack([words[4], words[3] + vectors[1], words[4] + vectors[0], words[4], words[3] + vectors[1]]),
        ]
    )
    torch.testing.assert_close(found, expected)
    short = embedding(torch.tensor([[4], [3]]))
    torch.testing.assert_close(short[:, 0], words[[4, 3]])


def test_texts_are_spelt_without_gaps():
    model = classifier()
    letters, counts = model.spell(tokens(), LENGTHS)
    for row, length, found, count in zip(tokens(), LENGTHS, letters, counts, strict=True):
        expected = spelt(row, length, model)
        assert found.tolist() == expected + [0] * (letters.shape[1] - len(expected))
        assert count == len(expected)


def test_the_scores_are_those_of_both_readers():
    model = classifier(dropout=0.3, word_dropout=0.3).eval()
    scores = model(tokens(), LENGTHS)
    for row, length, found in zip(tokens(), LENGTHS, scores, strict=True):
        features = []
        for reader, ids in ((model.words, row[:length].tolist()), (model.characters, spelt(row, length, model))):
            for lstm, order in ((reader.lstm.forwards, ids), (reader.lstm.backwards, ids[::-1])):
                states = lstm(reader.embedding.tokens.weight[order])[0]
                features += [states.amax(dim=0), states.mean(dim=0)]
        torch.testing.assert_close(found, model.head(torch.cat(features)))


def test_padding_changes_nothing():
    model = classifier().eval()
    scores = model(tokens(), LENGTHS)
    wider = torch.cat([tokens(), torch.full((BATCH, 2), TOKENS - 1)], dim=1)
    torch.testing.assert_close(model(wider, LENGTHS), scores)
    alone = model(tokens()[2:3, :6], LENGTHS[2:3])
    torch.testing.assert_close(alone[0], scores[2])


def test_without_an_alphabet_tokens_are_read_alone_in_longer_runs():
    model = classifier(alphabet_size=0)
    assert model.characters is None
    assert model.words.embedding.longest == 3
    assert model(tokens(), LENGTHS).shape == (BATCH, CLASSES)


def test_every_parameter_learns():
    model = classifier(dropout=0.2, word_dropout=0.2).train()
    model(tokens(), LENGTHS).square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters() if parameter.requires_grad)


def test_the_vectors_of_runs_do_not_learn():
    model = classifier(runs=2)
    fixed = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert fixed == {f"{view}.embedding.runs.weight" for view in ("words", "characters")}
    assert model.words.embedding.runs.num_embeddings == 2
    assert model.characters.embedding.runs.num_embeddings == 4  # runs of two and of three


def test_dropped_words_become_unknown_in_training_alone():
    model = classifier(word_dropout=0.99)
    unknown = torch.where(tokens() > 0, 1, 0)
    model.train()
    torch.manual_seed(0)
    mostly = model.words(tokens(), LENGTHS)
    model.eval()
    assert not torch.allclose(model.words(tokens(), LENGTHS), mostly)
    # Of 29 real tokens at least 25 are dropped; texts without a survivor equal those of unknown words.
    same = torch.isclose(mostly, model.words(unknown, LENGTHS)).all(dim=1)
    assert same.sum() >= 3


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_half_precision_stays_close(precision):
    model = classifier().eval()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision is torch.bfloat16):
        scores = model(tokens(), LENGTHS)
    torch.testing.assert_close(scores.float(), model(tokens(), LENGTHS), rtol=0.05, atol=0.02)


def test_operations_are_counted_over_real_tokens_and_characters():
    model = classifier()
    one_step = 4 * HIDDEN * (INPUT + HIDDEN)  # multiply-adds of the four gates
    letters = sum(len(spelt(row, length, model)) for row, length in zip(tokens(), LENGTHS, strict=True))
    head = 2 * 4 * HIDDEN * CLASSES
    expected = 2 * (2 * one_step * (int(LENGTHS.sum()) + letters) + head * BATCH)
    assert model.forward_flops(tokens(), LENGTHS) == expected
