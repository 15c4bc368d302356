import os
import statistics
import subprocess
import sys
import warnings
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.models import attention_products
from chainrule.models import bert as bert_module
from chainrule.models.attention import attend
from chainrule.models.attention_products import attend_by_products, groups_of
from chainrule.models.bert import bert
from chainrule.models.bert_classifier import bert_classifier
from chainrule.models.hub_bert import read_bert
from chainrule.models.packing import packing_of
from tests.models.mixed_texts import mixed_texts

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import transformers


def packed(rows):
    """Lists of ids as one tensor, and their lengths."""
    return torch.tensor([token for row in rows for token in row]), torch.tensor([len(row) for row in rows])


def padded(rows):
    """Lists of ids as transformers takes them."""
    longest = max(map(len, rows))
    return {
        "input_ids": torch.tensor([row + [0] * (longest - len(row)) for row in rows]),
        "attention_mask": torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows]),
    }


def of_real(states, rows):
    """The states of real tokens, one text after another."""
    return torch.cat([state[: len(row)] for state, row in zip(states, rows, strict=True)])


def test_the_last_states_of_minilm_are_those_of_transformers(minilm):
    read = read_bert(minilm)
    ours = bert(**read.arguments).eval()
    read.give_to(ours)
    theirs = transformers.BertModel.from_pretrained(minilm).eval()
    rows = [read.tokenizer.encode(text).ids for text in mixed_texts()]
    rows = sorted((row[:511] + row[-1:] if len(row) > 512 else row for row in rows), key=len)
    assert [len(row) for row in rows][-2:] == [512, 512]
    for batch in (rows[:100], rows[100:180], rows[180:-3], rows[-3:]):  # little padding for transformers
        with torch.no_grad():
            hidden, pooled = ours(*packed(batch))
            expected = theirs(**padded(batch))
        torch.testing.assert_close(hidden, of_real(expected.last_hidden_state, batch), rtol=0, atol=2e-5)
        torch.testing.assert_close(pooled, expected.pooler_output, rtol=0, atol=2e-5)


def theirs_like(arguments):
    """A BertModel of transformers with the sizes that these arguments mean."""
    config = transformers.BertConfig(
        vocab_size=arguments["vocabulary_size"],
        hidden_size=arguments["hidden_size"],
        num_hidden_layers=arguments["layers"],
        num_attention_heads=arguments["heads"],
        intermediate_size=arguments["inner_size"],
        max_position_embeddings=arguments["positions"],
        type_vocab_size=arguments["segments"],
        hidden_act=arguments["activation"],
        layer_norm_eps=arguments["epsilon"],
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return transformers.BertModel(config)


CONFIGURATIONS = st.fixed_dictionaries(
    {
        "vocabulary_size": st.just(41),
        "positions": st.just(43),
        "heads": st.integers(1, 5),
        "hidden_size": st.integers(1, 7),  # of each head, at first
        "layers": st.integers(1, 3),
        "inner_size": st.integers(1, 23),
        "segments": st.integers(1, 3),
        "activation": st.sampled_from(["gelu", "gelu_new", "relu"]),
        "epsilon": st.sampled_from([1e-12, 1e-5]),
    }
)


WAYS = st.sampled_from(["groups", "fused", "at first"])


@given(CONFIGURATIONS, st.lists(st.integers(1, 37), min_size=1, max_size=5), st.integers(0, 2**20), WAYS)
@settings(deadline=None, max_examples=60)
def test_any_configuration_equals_transformers_with_all_gradients(sizes, lengths, seed, way):
    torch.manual_seed(seed)
    arguments = {**sizes, "hidden_size": 2 * sizes["heads"] * sizes["hidden_size"]}
    # In float64, where a small variance does not enlarge what rounding differs in.
    ours, theirs = bert(**arguments).double(), theirs_like(arguments).double()
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    theirs.load_state_dict(ours.state_dict())  # strictly: the names are the same
    rows = [torch.randint(1, 41, (length,)).tolist() for length in lengths]
    with pytest.MonkeyPatch.context() as patched:
        if way == "fused":  # what a GPU does
            patched.setattr(bert_module, "packing_of", lambda *x: packing_of(*x)._replace(groups=None))
        hidden, pooled = ours(*packed(rows), at_first=way == "at first")
    expected = theirs(**padded(rows))
    vectors = expected.last_hidden_state
    vectors = vectors[:, 0] if way == "at first" else of_real(vectors, rows)
    torch.testing.assert_close(hidden, vectors, rtol=1e-7, atol=1e-8)
    torch.testing.assert_close(pooled, expected.pooler_output, rtol=1e-7, atol=1e-8)
    weights = torch.randn_like(hidden), torch.randn_like(pooled)
    ((hidden * weights[0]).sum() + (pooled * weights[1]).sum()).backward()
    ((vectors * weights[0]).sum() + (expected.pooler_output * weights[1]).sum()).backward()
    for name, parameter in theirs.named_parameters():
        torch.testing.assert_close(ours.get_parameter(name).grad, parameter.grad, rtol=1e-6, atol=1e-7, msg=name)


LENGTHS = [1, 5, 5, 49, 64, 70, 70, 5]  # 70 fills five vectors, 49 and 64 four, the others one


def test_neighbours_of_about_one_length_are_computed_together(monkeypatch):
    monkeypatch.setattr(attention_products, "PLACES", 2 * 64**2)  # two of 64 places, and thirty-two of 16
    groups = groups_of(LENGTHS)
    assert [group.lengths for group in groups] == [(1, 5, 5), (49, 64), (70,), (70,), (5,)]
    assert [group.width for group in groups] == [16, 64, 80, 80, 16]
    ends = [0, 11, 124, 194, 264, 269]
    assert [group.tokens for group in groups] == [slice(*pair) for pair in pairwise(ends)]
    assert groups[0].spread.view(3, 16)[:, :6].tolist() == [[0] * 6, [1, 2, 3, 4, 5, 5], [6, 7, 8, 9, 10, 10]]
    assert groups[0].places.tolist() == [0, 16, 17, 18, 19, 20, 32, 33, 34, 35, 36]
    assert groups[2].spread.tolist() == [*range(70), *[69] * 10]
    assert groups_of([64, 64])[0][1:] == (64, slice(0, 128), None, None)
    assert groups_of([64, 63])[0].spread.tolist() == [*range(127), 126]


@pytest.mark.parametrize("places", [1, 2 * 64**2, 2**18])
def test_attention_by_products_is_attention_with_all_gradients(places, monkeypatch):
    monkeypatch.setattr(attention_products, "PLACES", places)
    torch.manual_seed(0)
    heads, size = 3, 5
    projected, weights = torch.randn(269, 3 * heads * size).double(), torch.randn(269, heads * size).double()

    def plainly(rows):
        cut = [text.view(1, len(text), 3, heads, size).permute(2, 0, 3, 1, 4) for text in rows.split(LENGTHS)]
        return torch.cat([attend(*each)[0][0].transpose(0, 1).flatten(1) for each in cut])

    both = []
    for attention in (lambda rows: attend_by_products(rows, heads, groups_of(LENGTHS)), plainly):
        leaf = projected.clone().requires_grad_()
        gathered = attention(leaf)
        both.append([gathered, *torch.autograd.grad((gathered * weights).sum(), leaf)])
    for one, other in zip(*both, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
    few = projected[:8].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda rows: attend_by_products(rows, heads, groups_of([4, 1, 3])), few)


@pytest.fixture(params=[True, False], ids=["oneDNN", "torch"])
def softmax_by(request, monkeypatch):
    """Both softmaxes that bfloat16 has: the one of this processor, and torch's where oneDNN has none."""
    if not request.param:
        monkeypatch.setattr(attention_products, "onednn_takes_bfloat16", lambda: False)


def test_the_softmax_in_half_precision_is_onednns_where_it_has_one(monkeypatch):
    scores, asked = torch.randn(3, 5, 16).bfloat16(), []
    scores[:, :, 11:] = -torch.inf
    expected = torch.softmax(scores.double(), dim=-1)
    to_onednn = torch.Tensor.to_mkldnn
    monkeypatch.setattr(torch.Tensor, "to_mkldnn", lambda given: asked.append(1) or to_onednn(given))
    for has_one in {attention_products.onednn_takes_bfloat16(), False}:
        monkeypatch.setattr(attention_products, "onednn_takes_bfloat16", lambda has_one=has_one: has_one)
        asked.clear()
        found = attention_products.softmax(scores)
        assert bool(asked) is has_one
        assert found.layout is torch.strided
        assert (found[:, :, 11:] == 0).all()
        torch.testing.assert_close(found.double(), expected, rtol=2**-7, atol=0)


def test_a_processor_whose_onednn_has_no_such_softmax_takes_torchs():
    told = """
import torch
from chainrule.models.attention_products import attend_by_products, groups_of, onednn_takes_bfloat16
gathered = attend_by_products(torch.randn(40, 30).bfloat16(), 5, groups_of([40]))
print(onednn_takes_bfloat16(), bool(gathered.isfinite().all()))
"""
    older = os.environ | {"ONEDNN_MAX_CPU_ISA": "AVX2"}
    done = subprocess.run([sys.executable, "-c", told], env=older, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.usefixtures("softmax_by")
@pytest.mark.parametrize("places", [1, 2**18])
def test_in_half_precision_gradients_stay_near(places, monkeypatch):
    monkeypatch.setattr(attention_products, "PLACES", places)
    torch.manual_seed(0)
    heads, size = 3, 8
    projected, weights = torch.randn(269, 3 * heads * size).double(), torch.randn(269, heads * size).double()
    found = []
    for kind in (torch.float64, torch.bfloat16):
        leaf = projected.to(kind).requires_grad_()
        gathered = attend_by_products(leaf, heads, groups_of(LENGTHS))
        found.append([gathered, *torch.autograd.grad((gathered * weights.to(kind)).sum(), leaf)])
    for exact, near in zip(*found, strict=True):
        assert near.dtype == torch.bfloat16
        torch.testing.assert_close(near.double(), exact, rtol=2e-2, atol=2e-2)


@pytest.mark.usefixtures("softmax_by")
@pytest.mark.parametrize("length", [500, 512])  # in bfloat16 256 + 1 is 256
def test_in_half_precision_the_softmax_still_adds_up_in_single(length):
    alike = torch.zeros(length, 3, 8, dtype=torch.bfloat16)  # every score is 0, so that every weight is 1 / length
    alike[:, 2] = 1.0
    gathered = attend_by_products(alike.flatten(1), 1, groups_of([length]))
    torch.testing.assert_close(gathered, torch.ones_like(gathered), rtol=2**-8, atol=0)


@pytest.mark.parametrize("heads", [1, 5])
@pytest.mark.parametrize("length", [40, 64])
def test_what_attention_is_given_stays_as_it_is(heads, length):
    given = torch.randn(length, 3 * 10)
    before = given.clone()
    attend_by_products(given, heads, groups_of([length]))
    assert torch.equal(given, before)


def small(**changed):
    sizes = {"vocabulary_size": 31, "hidden_size": 10, "layers": 3, "heads": 5, "inner_size": 7, "positions": 67}
    return bert_classifier(classes=3, **{**sizes, **changed})


@given(lengths=st.lists(st.integers(1, 66), min_size=2, max_size=6), seed=st.integers(0, 100))
@settings(deadline=None, max_examples=25)
def test_a_text_is_read_alike_whatever_texts_are_beside_it(lengths, seed):
    torch.manual_seed(seed)
    model = small().double().eval()
    rows = [torch.randint(31, (length,)).tolist() for length in lengths]
    together = model(*packed(rows))
    alone = torch.cat([model(*packed([row])) for row in rows])
    torch.testing.assert_close(together, alone, rtol=1e-10, atol=1e-10)


def test_where_tokens_belong():
    packing = packing_of(torch.tensor([2, 3]), 5)
    assert packing.longest == 3
    assert packing.starts.tolist() == [0, 2]
    assert packing.positions.tolist() == [0, 1, 0, 1, 2]
    assert packing.places.tolist() == [0, 1, 3, 4, 5]
    assert packing.spread.view(2, 3).tolist() == [[0, 1, 1], [2, 3, 4]]
    assert packing_of(torch.tensor([3, 3]), 6).spread is None


def test_operations_are_those_of_products_counted_by_torch():
    from torch.utils.flop_counter import FlopCounterMode

    model, rows = small(), [[1] * 32, [2] * 32]  # no padding, which torch would count
    with FlopCounterMode(display=False) as counter:
        scores = model(*packed(rows))
    assert float(model.forward_flops(*packed(rows))) == counter.get_total_flops()
    with FlopCounterMode(display=False) as counter:
        scores.sum().backward()
    forward = float(model.forward_flops(*packed(rows)))
    assert float(model.training_flops(*packed(rows))) == forward + counter.get_total_flops() == 3 * forward


def test_operations_of_frozen_parts_are_not_counted():
    model, rows = small(), packed([[1] * 32])
    layer, head = float(model.bert.encoder.layer[0].flops(32, torch.tensor(32 * 32))), 2 * (100 + 30)
    last = model.bert.encoder.layer[2].flops_at_first(32, 1)
    assert last < layer / 3
    assert float(model.training_flops(*rows)) == 3 * (2 * layer + last + head)
    model.bert.embeddings.requires_grad_(False)
    model.bert.encoder.layer[0].requires_grad_(False)
    assert float(model.training_flops(*rows)) == layer + 2 * layer + 3 * last + 3 * head
    model.bert.requires_grad_(False)
    assert float(model.training_flops(*rows)) == 2 * layer + last + 3 * head


@pytest.mark.parametrize("lengths", [[1, 7, 66, 7], [5, 5], [3]])
@pytest.mark.parametrize("layers", [1, 3])
def test_at_the_first_tokens_alone_all_is_the_same_with_all_gradients(layers, lengths):
    torch.manual_seed(0)
    model = small(layers=layers).bert.double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    rows = packed([torch.randint(31, (length,)).tolist() for length in lengths])
    starts, weights, both = rows[1].cumsum(0) - rows[1], torch.randn(len(lengths), 10).double(), []
    for at_first in (False, True):
        hidden, pooled = model(*rows, at_first=at_first)
        gradients = torch.autograd.grad((pooled * weights).sum(), list(model.parameters()))
        both.append([hidden if at_first else hidden[starts], pooled, *gradients])
    for one, other in zip(*both, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("at_first", [False, True])
def test_half_precision_stays_near(minilm, at_first):
    read = read_bert(minilm)
    model = bert(**read.arguments).eval()
    read.give_to(model)
    rows = packed([read.tokenizer.encode(text).ids for text in mixed_texts(30)[:11]])
    learned = [each for name, each in model.named_parameters() if not name.endswith("key.bias")]  # whose gradient is 0
    both = []
    for precision in (torch.float32, torch.bfloat16):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            hidden, pooled = model(*rows, at_first=at_first)
        assert hidden.dtype == precision
        gradients = torch.autograd.grad(pooled.float().square().sum(), learned)
        both.append((hidden.detach(), pooled.detach(), gradients))
    (exact, exact_texts, exact_gradients), (near, near_texts, near_gradients) = both
    likeness = torch.nn.functional.cosine_similarity(exact, near.float(), dim=1)
    assert float(likeness.min()) > 0.99
    assert float((exact_texts - near_texts).norm() / exact_texts.norm()) < 0.012
    errors = [float((a - b).norm() / a.norm()) for a, b in zip(exact_gradients, near_gradients, strict=True)]
    assert statistics.median(errors) < 0.015


def test_sizes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="10 values cannot be cut into 3 heads"):
        small(heads=3)


def test_read_from_its_vectors_on_it_says_the_same_and_shows_the_weights_of_transformers(minilm):
    read = read_bert(minilm)
    model = bert_classifier(classes=2, **read.arguments).eval()
    read.give_to(model.bert)
    theirs = transformers.BertModel.from_pretrained(minilm, attn_implementation="eager").eval()
    row = read.tokenizer.encode("Worthy of the gong, 好!").ids
    tokens, lengths = packed([row, row[:1] + row[:0:-1]])
    with torch.no_grad():
        vectors = model.embed(tokens.view(2, -1))
        scores, weights = model.read(vectors, lengths, need_weights=True)
        torch.testing.assert_close(scores, model(tokens, lengths), rtol=0, atol=1e-5)
        expected = theirs(input_ids=tokens.view(2, -1), output_attentions=True).attentions
    assert len(weights) == len(expected) == 6
    for found, wanted in zip(weights, expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5)
