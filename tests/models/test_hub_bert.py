import json
import pickle
import warnings

import pytest
import torch
from safetensors.torch import load_file, save_file

from chainrule.errors import ModelFolderError
from chainrule.models.bert import bert
from chainrule.models.bert_classifier import bert_classifier
from chainrule.models.bert_tokens import SPECIAL
from chainrule.models.folder import ModelConfig, write_model
from chainrule.models.hub_bert import hub_config, read_bert
from tests.models.mixed_texts import mixed_texts

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import transformers

SIZES = {"vocabulary_size": 7, "hidden_size": 6, "layers": 2, "heads": 3, "inner_size": 5, "positions": 11}
ARGUMENTS = {**SIZES, "segments": 2, "activation": "gelu", "epsilon": 1e-12}


def described(**changed):
    config = {**hub_config({**ARGUMENTS, "dropout": 0.1}, ("no", "yes")), "model_type": "bert", **changed}
    return json.dumps({name: value for name, value in config.items() if value is not ...})


@pytest.fixture
def folder(tmp_path):
    """A tiny BERT in the hub's form."""
    torch.manual_seed(0)
    (tmp_path / "config.json").write_text(described())
    (tmp_path / "vocab.txt").write_text("\n".join([*SPECIAL, "好", "ok"]) + "\n")
    save_file(bert(**ARGUMENTS).state_dict(), tmp_path / "model.safetensors")
    return tmp_path


def rewritten(folder, change):
    """Writes the tensors as `change` makes them of the present ones."""
    tensors = {name: value.clone() for name, value in load_file(folder / "model.safetensors").items()}
    save_file(change(tensors), folder / "model.safetensors")
    return tensors


def refused(folder, *texts):
    with pytest.raises(ModelFolderError) as raised:
        read_bert(folder)
    for text in texts:
        assert text in str(raised.value)
    assert "\n" not in str(raised.value)


def assert_gives(folder, tensors):
    read = read_bert(folder)
    model = bert(**read.arguments)
    read.give_to(model)
    for name, value in model.state_dict().items():
        assert torch.equal(value, tensors[name].float()), name
    return read


def test_names_with_and_without_the_prefix_and_old_ones(folder):
    tensors = rewritten(folder, lambda tensors: tensors)
    assert assert_gives(folder, tensors).notes == ()
    older = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}

    def old(name):
        for new, before in older.items():
            name = name.replace(new, before)
        return f"bert.{name}"

    head = {"cls.predictions.bias": torch.ones(7), "classifier.weight": torch.ones(2, 6)}
    counter = {"bert.embeddings.position_ids": torch.arange(11)[None]}
    rewritten(folder, lambda tensors: {**{old(name): value for name, value in tensors.items()}, **head, **counter})
    (note,) = assert_gives(folder, tensors).notes
    assert note.endswith("has heads for other tasks, which were left aside: classifier.weight, cls.predictions.bias.")


def test_half_precision_is_read_and_a_pooler_may_be_missing(folder):
    halves = {}
    rewritten(folder, lambda tensors: halves.update({n: v.half() for n, v in tensors.items()}) or halves)
    assert_gives(folder, halves)
    rewritten(folder, lambda tensors: {name: value for name, value in tensors.items() if "pooler" not in name})
    read = read_bert(folder)
    assert read.notes[0].endswith("has no pooler; one with fresh weights learns in its place.")
    model = bert(**read.arguments)
    before = model.pooler.dense.weight.clone()
    read.give_to(model)
    assert torch.equal(model.pooler.dense.weight, before)


def test_tensors_that_do_not_fit_are_named(folder):
    tensors = rewritten(folder, lambda tensors: {**tensors, "encoder.layer.2.output.dense.bias": torch.ones(6)})
    refused(folder, "holds tensors that config.json knows nothing of: encoder.layer.2.output.dense.bias.")
    first = "encoder.layer.0.attention.self.query.weight"
    save_file({name: value for name, value in tensors.items() if ".self." not in name}, folder / "model.safetensors")
    refused(folder, "lacks tensors that config.json asks for: encoder.layer.0.attention.self.key.bias,", "and 9 more.")
    save_file({**tensors, first: torch.ones(6, 5)}, folder / "model.safetensors")
    refused(folder, f"holds {first} of 6x5, and config.json asks for 6x6.")
    save_file({**tensors, first: torch.ones(6, 6, dtype=torch.int8)}, folder / "model.safetensors")
    refused(folder, f"holds {first} in int8; weights are needed in float32, float16 or bfloat16.")
    save_file({**tensors, first: torch.full((6, 6), torch.nan)}, folder / "model.safetensors")
    refused(folder, f"holds values in {first} that are not finite; copy the checkpoint again.")


def test_a_tensor_under_both_of_its_names_is_not_chosen_from(folder):
    rewritten(folder, lambda tensors: {**tensors, "embeddings.LayerNorm.gamma": torch.ones(6)})
    refused(folder, "holds embeddings.LayerNorm.weight under two names; copy the checkpoint again.")


def test_a_vocabulary_that_was_cut_off_is_told_of(folder):
    (folder / "vocab.txt").write_text("\n".join(SPECIAL))
    (note,) = read_bert(folder).notes
    assert note == f"{folder} has vectors for 7 tokens, and its tokenizer knows 5."


def test_a_pickle_is_never_read_and_the_sentence_says_how_to_convert_it(folder):
    (folder / "model.safetensors").rename(folder / "kept")
    refused(folder, "holds no model.safetensors; give a folder of a checkpoint in the hub's form, or a run")
    (folder / "model.safetensors.index.json").write_text("{}")
    refused(folder, "holds its weights in several files; save them as one model.safetensors.")
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    refused(
        folder,
        "holds its weights in pytorch_model.bin alone, a pickle, which could run any program and is never read;",
        f"transformers.AutoModel.from_pretrained('{folder}').save_pretrained('{folder}-safetensors')",
    )
    (folder / "pytorch_model.bin").rename(folder / "model.safetensors")
    refused(folder, "is not a safetensors file (it begins as a pickle does); only safetensors are read, never pickles.")


def test_hostile_headers_are_refused(folder):
    (folder / "model.safetensors").write_bytes((2**40).to_bytes(8, "little") + b"{" + b" " * 100)
    refused(folder, "is not a safetensors file; only safetensors are read")
    (folder / "model.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}")
    refused(folder, "lacks tensors that config.json asks for: embeddings.LayerNorm.bias,", "more.")
    header = b'{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    refused(folder, "model.safetensors is damaged")


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"model_type": "roberta"}, "describes a model of type 'roberta'; one of type 'bert' is needed."),
        ({"position_embedding_type": "relative_key"}, "to 'relative_key'; only 'absolute' is built here."),
        ({"position_embedding_type": ["absolute"]}, "to ['absolute']; only 'absolute' is built here."),
        ({"is_decoder": True}, "sets is_decoder to True; only False is built here."),
        ({"hidden_size": 10**12}, "sets hidden_size to 1000000000000; it must be from 1 to 1,048,576."),
        ({"num_hidden_layers": 10**6}, "sets num_hidden_layers to 1000000; it must be from 1 to 512."),
        ({"num_attention_heads": 0}, "sets num_attention_heads to 0; it must be from 1"),
        ({"vocab_size": "7"}, "sets vocab_size to '7'; it must be from 1"),
        ({"num_attention_heads": 4}, "has 4 heads, which do not divide its 6 values."),
        ({"hidden_act": "swish"}, "names the activation 'swish'; known are gelu, gelu_new, relu."),
        ({"hidden_act": ["gelu"]}, "names the activation ['gelu']"),
        ({"layer_norm_eps": -1}, "sets layer_norm_eps to -1; it must be between 0 and 1."),
        ({"vocab_size": 8}, "holds embeddings.word_embeddings.weight of 7x6, and config.json asks for 8x6."),
        ({"num_hidden_layers": ...}, "lacks tensors that config.json asks for: encoder.layer.10."),
    ],
)
def test_configurations_of_another_kind_are_refused(folder, changed, text):
    (folder / "config.json").write_text(described(**changed))
    refused(folder, text)


def test_a_tokenizer_of_another_checkpoint_is_refused(folder):
    with (folder / "vocab.txt").open("a") as file:
        file.write("more\n")
    refused(folder, "has a token number 7, and config.json has vectors for the numbers below 7; copy both from")


def test_what_is_no_folder_or_not_whole_is_refused(folder):
    refused(folder / "none", "none is not a folder; give one that holds config.json and model.safetensors.")
    (folder / "config.json").write_text("[]")
    refused(folder, "config.json describes a model of type None; one of type 'bert' is needed.")
    (folder / "SHA256SUMS").write_text("")
    refused(folder, "SHA256SUMS does not list config.json; copy the whole model folder again.")


def test_the_fingerprint_is_that_of_every_file_read(folder):
    before = read_bert(folder).sha256
    (folder / "other").write_text("not read")
    assert read_bert(folder).sha256 == before
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    assert read_bert(folder).sha256 != before


def test_saved_by_us_it_loads_in_transformers_unchanged(minilm, tmp_path):
    read = read_bert(minilm)
    arguments = {**read.arguments, "dropout": 0.1, "classes": 2}
    model = bert_classifier(**arguments).eval()
    read.give_to(model.bert)
    config = ModelConfig(
        family="bert", arguments=arguments, task="text-classification", recipe="bert-classify", classes=("bad", "good")
    )
    files = {"tokenizer.json": read.tokenizer.to_str()}
    write_model(tmp_path, model, config, files, hub_config(arguments, config.classes))
    texts = mixed_texts(25)[:16]
    rows = [read.tokenizer.encode(text).ids for text in texts]
    tokens, lengths = torch.tensor([token for row in rows for token in row]), torch.tensor([len(row) for row in rows])
    theirs = transformers.BertTokenizer.from_pretrained(tmp_path)(texts, padding=True, return_tensors="pt")
    base = transformers.BertModel.from_pretrained(tmp_path).eval()
    whole = transformers.BertForSequenceClassification.from_pretrained(tmp_path).eval()
    assert whole.config.id2label == {0: "bad", 1: "good"}
    assert whole.config.label2id == {"bad": 0, "good": 1}
    with torch.no_grad():
        hidden, _ = model.bert(tokens, lengths)
        expected = base(**theirs).last_hidden_state
        torch.testing.assert_close(hidden, expected[theirs["attention_mask"].bool()], rtol=0, atol=2e-5)
        torch.testing.assert_close(model(tokens, lengths), whole(**theirs).logits, rtol=0, atol=2e-5)
    again = read_bert(tmp_path)
    assert again.arguments == read.arguments
    assert all(torch.equal(again.weights[name], value) for name, value in read.weights.items())
