import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from chainrule import api
from chainrule.cli.train import training
from chainrule.errors import ModelFolderError, OptionError, ResumeError
from chainrule.inference.texts import load_text_predictor
from chainrule.models.folder import read_weights
from chainrule.models.hub_bert import read_bert
from chainrule.recipes.bert_building import rate_of_layers
from chainrule.recipes.bert_classify import BertClassify
from chainrule.recipes.record import band_setting, command_line
from chainrule.recipes.settings import make, settings_of
from chainrule.training.options import RunOptions
from tests.cli import schemas
from tests.recipes.building import COMPUTE, build, steps

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import transformers

RECIPE = "bert-classify"
TEXTS = ["这本书很有趣", "great, 房间很好", "awful 退货 [SEP]", "", "broken " * 90]


def test_settings_go_by_what_is_taken_over_where_they_are_not_given():
    taught, untaught = BertClassify(), BertClassify(from_="nothing")
    assert (taught.layers, taught.texts.vocabulary_size, taught.layer_rate) == (None, None, 0.9)
    assert (untaught.layers, untaught.hidden_size, untaught.heads, untaught.layer_rate) == (4, 256, 4, 1.0)
    assert untaught.texts.vocabulary_size == 8000
    assert taught.fitting.learning_rate < untaught.fitting.learning_rate
    for recipe in (taught, untaught, BertClassify(from_=Path("/a/run"))):
        written = json.loads(json.dumps(settings_of(recipe), default=str))
        assert make(BertClassify, written) == recipe


def test_a_band_and_a_command_hold_what_was_given_alone():
    assert band_setting(BertClassify(), RunOptions()) == {"dataset": "movie-reviews"}
    untaught = make(BertClassify, {"from_": "nothing", "layers": 2, "max_length": 64})
    held = {"dataset": "movie-reviews", "from_": "nothing", "layers": 2, "max_length": 64}
    assert band_setting(untaught, RunOptions()) == held
    command = "chainrule train bert-classify --from=nothing --max-length=64 --layers=2"
    assert command_line(untaught, RunOptions()) == command
    assert command_line(BertClassify(from_nothing=False), RunOptions()).endswith("bert-classify --no-from-nothing")
    assert band_setting(BertClassify(from_nothing=False), RunOptions()) == {"dataset": "movie-reviews"}


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"layers": 2}, "--layers is for --from nothing; what is taken over has sizes and a vocabulary of its own."),
        ({"hidden_size": 8}, "--hidden-size is for --from nothing;"),
        ({"heads": 2}, "--heads is for --from nothing;"),
        ({"vocabulary_size": 90}, "--vocabulary-size is for --from nothing;"),
        ({"from_": "nothing", "frozen_layers": 1}, "--frozen-layers is for what --from takes over, and --from nothing"),
        ({"from_": "nothing", "frozen_epochs": 0.5}, "--frozen-epochs is for what --from takes over, and --from"),
        ({"from_": "nothing", "from_nothing": False}, "--no-from-nothing leaves out what would stand beside a run"),
        ({"from_": "nothing", "heads": 3}, "--heads is 3; it must divide --hidden-size, which is 256."),
        ({"from_": "nothing", "layers": 0}, "--layers is 0; it must be from 1 to 1,000,000,000."),
        ({"layer_rate": 1.5}, "--layer-rate is 1.5; it must be greater than 0 and at most 1."),
        ({"dropout": 1.0}, "--dropout is 1.0; it must be from 0 to 0.99."),
        ({"max_length": 2}, "--max-length is 2; it must be from 3 to 1,000,000,000."),
        ({"from_": 3}, "--from is 3; it must be one of 'minilm-l6', 'nothing' or a path."),
    ],
)
def test_what_is_idle_or_out_of_range_is_refused(settings, sentence):
    with pytest.raises(OptionError) as caught:
        make(BertClassify, settings)
    assert str(caught.value).startswith(sentence)


def test_the_command_line_tells_names_from_folders(monkeypatch):
    from cyclopts import App

    made = []
    monkeypatch.setattr(api, "run", lambda recipe, _, **__: made.append(recipe.from_) or {})
    monkeypatch.setattr("chainrule.cli.train.of_report", lambda *_, **__: "")
    app = App(name="train")
    app.command(training(BertClassify), name=RECIPE)
    for words in ([], ["--from", "nothing"], ["--from", "minilm-l6"], ["--from", "./nothing"], ["--from=/a/b"]):
        app([RECIPE, *words], result_action="return_value")
    assert made == ["minilm-l6", "nothing", "minilm-l6", Path("./nothing"), Path("/a/b")]


def test_rates_fall_from_the_head_down():
    rate = rate_of_layers(0.5, 3)
    names = ("classifier.weight", "bert.pooler.dense.bias", "bert.encoder.layer.2.output.dense.weight")
    assert [rate(name) for name in names] == [1.0, 1.0, 0.5]
    assert rate("bert.encoder.layer.0.attention.self.query.weight") == 0.125
    assert rate("bert.embeddings.LayerNorm.weight") == 0.0625


@pytest.fixture
def source(trained):
    return trained(RECIPE)


@pytest.fixture
def others(small_settings, source):
    """The settings of a run that takes over another's network."""
    own = small_settings[RECIPE]
    kept = {name: value for name, value in own.items() if name not in {"layers", "hidden_size", "heads"}}
    del kept["vocabulary_size"]
    return {**kept, "from_": source, "max_length": 100, "frozen_epochs": 0.2, "learning_rate": 1e-3}


def parts_of(assembly):
    state = assembly.learner.model.state_dict()
    return {name: value.clone() for name, value in state.items()}


def test_what_is_taken_over_is_frozen_at_first_and_the_lowest_layers_for_good(source, others):
    assembly = build(RECIPE, {**others, "frozen_layers": 1})
    held = read_bert(source / "model")
    before = parts_of(assembly)
    for name, value in held.weights.items():
        assert torch.equal(before[f"bert.{name}"], value), name
    assert assembly.data["from"]["sha256"] == held.sha256
    head = ("classifier.weight", "classifier.bias")
    steps(assembly, 0, 1, 2)  # a fifth of an epoch of 14 steps
    after = parts_of(assembly)
    assert {name for name in before if not torch.equal(before[name], after[name])} == set(head)
    steps(assembly, 3)
    last = parts_of(assembly)
    still = {name for name in before if torch.equal(before[name], last[name])}
    assert still == {name for name in before if name.startswith(("bert.embeddings.", "bert.encoder.layer.0."))}


@pytest.fixture
def of_few_words(others, tmp_path):
    """The settings of a run over texts of which most tokens of its source's vocabulary are absent; the texts."""
    words, path = {"good": "很好，喜欢", "bad": "很差，失望"}, tmp_path / "few.csv"
    texts = {f"{said} {number}": label for number in range(80) for label, said in words.items()}
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in texts.items()))
    return {**others, "data": path, "frozen_epochs": 0.0}, list(texts)


def test_the_vectors_of_tokens_rest_that_no_text_of_training_has(source, of_few_words):
    settings, texts = of_few_words
    assembly, name = build(RECIPE, settings), "bert.embeddings.word_embeddings.weight"
    held = read_bert(source / "model").tokenizer
    occurring = sorted({number for encoding in held.encode_batch(texts) for number in encoding.ids})
    before = parts_of(assembly)[name]
    steps(assembly, *range(9))
    changed = (parts_of(assembly)[name] != before).any(dim=1)
    assert changed.nonzero()[:, 0].tolist() == occurring
    assert len(occurring) < len(before) / 2
    sentence = f"{len(occurring)} of the vocabulary's {len(before)} tokens occur in the train texts; "
    assert sentence + "the vectors of the others rest." in assembly.data["notes"]
    vocabulary = assembly.learner.model.eval().bert.embeddings.word_embeddings
    assert torch.equal(vocabulary(torch.arange(len(before)))[~changed], before[~changed])
    shapes = {tuple(each["exp_avg"].shape) for each in assembly.learner.state_dict()["optimizer"].values()}
    assert (len(occurring), before.shape[1]) in shapes


@pytest.mark.parametrize("change", [{"frozen_layers": 1}, {"shard": True}])
def test_none_rests_where_none_learns_or_the_parameters_are_divided_otherwise(of_few_words, change):
    assembly = build(RECIPE, of_few_words[0], **change)
    assert assembly.learner.model.bert.embeddings.word_embeddings.resting is None
    assert not [note for note in assembly.data["notes"] if "rest" in note]


def test_each_layer_has_its_rate(others):
    optimizer = build(RECIPE, {**others, "layer_rate": 0.5}).learner.optimizer
    assert sorted({group["rate"] for group in optimizer.param_groups}) == [0.125, 0.25, 0.5, 1.0]
    with COMPUTE.active():
        assert {group["weight_decay"] for group in optimizer.param_groups} == {0.0, 0.01}


def test_the_report_has_the_same_training_from_nothing_beside_it(others, tmp_path):
    report = api.train(RECIPE, **others, output=tmp_path / "run")
    schemas.check_report(report)
    beside = next(score for score in report["baselines"] if score["name"] == "the same training from nothing")
    assert report["from_nothing"] == {"value": beside["value"], "interval": beside["interval"]}
    again = api.evaluate(tmp_path / "run")
    assert (again["value"], again["from_nothing"]) == (report["value"], report["from_nothing"])
    taken, fresh = (read_bert(tmp_path / "run" / place) for place in ("model", "from-nothing"))
    assert taken.arguments == fresh.arguments
    assert taken.tokenizer.to_str() == fresh.tokenizer.to_str()
    assert not torch.equal(*(each.weights["embeddings.word_embeddings.weight"] for each in (taken, fresh)))
    shutil.rmtree(tmp_path / "run" / "from-nothing")
    assert "from_nothing" not in api.evaluate(tmp_path / "run")


def test_training_from_nothing_can_be_left_out(others, tmp_path):
    report = api.train(RECIPE, **others, from_nothing=False, output=tmp_path / "run")
    assert "from_nothing" not in report
    assert not (tmp_path / "run" / "from-nothing").exists()
    assert "peak_share" in report
    names = [score["name"] for score in report["baselines"]]
    assert names == ["majority class", "TF-IDF with logistic regression"]


def test_a_run_goes_on_from_a_source_that_was_named_from_its_own_place(source, others, tmp_path, monkeypatch):
    monkeypatch.chdir(source.parent)
    relative = {**others, "from_": Path(source.name), "from_nothing": False}
    report = api.train(RECIPE, **relative, output=tmp_path / "run")
    assert json.loads((tmp_path / "run" / "run.json").read_text())["configuration"]["from_"] == str(source)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run" / "report.json").unlink()
    assert api.resume(tmp_path / "run")["value"] == report["value"]


def test_a_run_does_not_go_on_from_another_source(source, others, tmp_path):
    copy = Path(shutil.copytree(source / "model", tmp_path / "copy"))
    (copy / "SHA256SUMS").unlink()  # as a folder of the hub
    api.train(RECIPE, **{**others, "from_": copy, "from_nothing": False}, output=tmp_path / "run")
    (tmp_path / "run" / "report.json").unlink()
    settings = json.loads((copy / "tokenizer_config.json").read_text())
    (copy / "tokenizer_config.json").write_text(json.dumps({**settings, "other": 1}))
    with pytest.raises(ResumeError, match="the model that .* began with has changed since"):
        api.resume(tmp_path / "run")


def test_what_does_not_fit_the_source_is_refused(source, others, trained):
    for changes, sentence in (
        ({"max_length": 300}, "--max-length is 300; the network of --from has 256 positions, so give less."),
        ({"frozen_layers": 3}, "--frozen-layers is 3; the network of --from has 2 layers."),
        (
            {"frozen_layers": 1, "frozen_epochs": 99.0},
            "--frozen-layers keeps layers as they are, and --frozen-epochs keeps all of them so; leave one out.",
        ),
        (
            {"layer_rate": 0.5, "frozen_epochs": 99.0},
            "--layer-rate is for layers that learn, and here none of them does; leave it out.",
        ),
        (
            {"layer_rate": 0.5, "frozen_layers": 2},
            "--layer-rate is for layers that learn, and here none of them does; leave it out.",
        ),
    ):
        with pytest.raises(OptionError) as caught:
            build(RECIPE, {**others, **changes})
        assert str(caught.value) == sentence
    with pytest.raises(ModelFolderError, match="describes a model of type 'text-lstm'; one of type 'bert' is needed"):
        build(RECIPE, {**others, "from_": trained("sentiment")})


def test_what_is_frozen_at_first_is_not_divided(others):
    from chainrule.recipes.record import setting_of
    from tests.recipes.building import recipe_and_options

    recipe, options = recipe_and_options(RECIPE, others)
    with pytest.raises(OptionError, match="--frozen-epochs changes during the run what is learned"):
        recipe.build(replace(setting_of(recipe, options, COMPUTE), shard=True))


def test_answers_are_those_of_transformers(source):
    theirs = transformers.BertForSequenceClassification.from_pretrained(source / "model").eval()
    tokenizer = transformers.BertTokenizer.from_pretrained(source / "model")
    batch = tokenizer(TEXTS, padding=True, truncation=True, return_tensors="pt")
    with torch.no_grad():
        expected = theirs(**batch).logits.softmax(dim=1)
    answers = api.load(source).predict(TEXTS)
    best = expected.max(dim=1)
    assert [answer["label"] for answer in answers] == [theirs.config.id2label[int(place)] for place in best.indices]
    assert [answer["probability"] for answer in answers] == pytest.approx(best.values.tolist(), abs=1e-6)


@pytest.mark.parametrize("text", ["great, 房间很好 😀", ""])
def test_an_explanation_is_as_sure_as_the_answer_and_adds_up(source, text):
    predictor = load_text_predictor(source / "model", COMPUTE)
    (answer,), found = predictor.predict([text]), predictor.explain(text)
    assert found.probabilities.max() == pytest.approx(answer["probability"])
    assert (found.tokens[0], found.tokens[-1]) == ("[CLS]", "[SEP]")
    count = len(found.tokens)
    assert [layer.shape for layer in found.attention] == [(2, count, count)] * 2
    assert found.attributions[[0, -1]] == pytest.approx(0, abs=1e-7)
    assert found.attributions.sum() == pytest.approx(found.log_odds - found.log_odds_of_nothing, abs=1e-4)


def test_tokens_that_the_weights_do_not_know_are_refused_in_a_sentence(source, tmp_path):
    from chainrule.models.folder import seal

    copy = Path(shutil.copytree(source / "model", tmp_path / "copy"))
    content = json.loads((copy / "tokenizer.json").read_text())
    content["model"]["vocab"]["好"] = 10**6
    (copy / "tokenizer.json").write_text(json.dumps(content))
    seal(copy)
    with pytest.raises(ModelFolderError, match="the model's preprocessing does not fit its weights"):
        load_text_predictor(copy, COMPUTE).predict(["好"])


def test_published_weights_learn(minilm, small_settings, tmp_path):
    settings = {"data": small_settings[RECIPE]["data"], "threads": 1, "steps": 2, "precision": "fp32"}
    report = api.train(RECIPE, **settings, from_nothing=False, frozen_layers=5, output=tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["data"]["from"] == {"run": str(minilm), "sha256": read_bert(minilm).sha256}
    assert record["configuration"]["from_"] == "minilm-l6"
    ours, published = (read_weights(folder / "model.safetensors") for folder in (tmp_path / "run/model", minilm))
    changed = {name for name, value in published.items() if not torch.equal(value, ours.get(f"bert.{name}", value))}
    assert changed
    assert all(name.startswith(("encoder.layer.5.", "pooler.")) for name in changed)
    assert report["steps"] == 2
