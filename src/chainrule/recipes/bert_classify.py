"""`bert-classify`: BERT, published or one's own, taught to classify texts."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from chainrule.errors import OptionError
from chainrule.evaluation.band import Band
from chainrule.recipes.bert_settings import LAYER_RATE, BertTexts
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.setting_types import flag_of
from chainrule.recipes.supervised import (
    AT_LEAST_0,
    COUNT,
    POSITIVE,
    SHARE,
    Classifying,
    Fitting,
    check_ranges,
)

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement

Group = TypeVar("Group", BertTexts, Fitting)

NOTHING = "nothing"
OF_SOURCE: Any = None  # a setting that goes by what --from names where it is not given

SIZES = {"layers": 4, "hidden_size": 256, "heads": 4}
VOCABULARY = 8000
TAUGHT = Fitting(batch_size=32, epochs=2, learning_rate=1e-4, weight_decay=0.01)
UNTAUGHT = Fitting(batch_size=32, epochs=4, learning_rate=5e-4, weight_decay=0.01)

EXPECTED: tuple[Band, ...] = (
    Band(
        setting={"dataset": "movie-reviews"},
        metric="accuracy",
        mean=0.8591,
        standard_deviation=0.0047,
        seeds=3,
        machine="1 core of an AMD EPYC (Zen 5), bf16, another training on the other core",
        seconds=101,
        command="chainrule train bert-classify --no-from-nothing --seed SEED",
        baseline=("TF-IDF with logistic regression", 0.7572),
    ),
)


@dataclass(frozen=True, kw_only=True)
class BertClassify:
    """BERT that classifies texts."""

    name: ClassVar[str] = "bert-classify"
    summary: ClassVar[str] = "BERT that classifies texts"
    dataset: ClassVar[str] = "movie-reviews"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    preset: ClassVar[str] = "from_"
    """The setting that the defaults of others go by."""

    from_: Literal["minilm-l6", "nothing"] | Path = "minilm-l6"
    """What it begins with: the published English weights `minilm-l6`; a folder with a BERT in the hub's form
    (config.json, model.safetensors, and tokenizer.json or vocab.txt) or a finished run of bert-classify; or `nothing`,
    for fresh weights and a tokenizer of the training texts."""
    texts: BertTexts = BertTexts()
    """How texts are read and cut."""
    layers: int | None = None
    """Of a network from nothing (4), ≥ 1."""
    hidden_size: int | None = None
    """Values of each vector of a network from nothing (256), ≥ 1."""
    heads: int | None = None
    """Ways of attention of a network from nothing (4), which divide the hidden size."""
    dropout: float = 0.1
    """Share of the values silenced in training, in [0, 0.99]."""
    layer_rate: float = OF_SOURCE
    """Learning rate of each layer as a share of the layer's above it (0.9; 1 from nothing), in (0, 1]."""
    frozen_layers: int = 0
    """Layers, the lowest ones and the embeddings, that stay as they were taken over, ≥ 0."""
    frozen_epochs: float = 0.0
    """Epochs in which the new head alone learns, ≥ 0."""
    from_nothing: bool = True
    """Whether the same training of fresh weights stands beside it in the report."""
    classifying: Classifying = Classifying()
    """What is asked of the classifier."""
    fitting: Fitting = Fitting(
        batch_size=OF_SOURCE,
        epochs=OF_SOURCE,
        least_steps=OF_SOURCE,
        learning_rate=OF_SOURCE,
        warmup=OF_SOURCE,
        decay=OF_SOURCE,
        weight_decay=OF_SOURCE,
    )
    """How the model is fitted."""

    def __post_init__(self) -> None:
        """Puts the settings where none are given, and refuses values out of range and those that do nothing."""
        check_ranges(self, layers=COUNT, hidden_size=COUNT, heads=COUNT, dropout=SHARE)
        check_ranges(self, layer_rate=(POSITIVE[0], 1.0), frozen_layers=AT_LEAST_0, frozen_epochs=AT_LEAST_0)
        own: dict[str, Any] = {"layer_rate": LAYER_RATE}
        if self.is_from_nothing:
            self._check_from_nothing()
            own = {**SIZES, "layer_rate": 1.0}
        else:
            self._check_taken_over()
        filled: dict[str, Any] = {name: value for name, value in own.items() if getattr(self, name) is None}
        if self.is_from_nothing:
            filled["texts"] = _filled(self.texts, {"vocabulary_size": VOCABULARY})
        filled["fitting"] = _filled(self.fitting, vars(UNTAUGHT if self.is_from_nothing else TAUGHT))
        for name, value in filled.items():
            object.__setattr__(self, name, value)
        if self.is_from_nothing and self.sizes["hidden_size"] % self.sizes["heads"]:
            raise OptionError(f"--heads is {self.heads}; it must divide --hidden-size, which is {self.hidden_size}.")

    @property
    def sizes(self) -> dict[str, int]:
        """Of a network from nothing."""
        return {name: getattr(self, name) for name in SIZES}

    @property
    def is_from_nothing(self) -> bool:
        """Whether it begins with fresh weights and a tokenizer of its own."""
        return self.from_ == NOTHING

    def _check_from_nothing(self) -> None:
        for name in ("frozen_layers", "frozen_epochs"):
            if getattr(self, name):
                raise OptionError(
                    f"{flag_of(name)} is for what --from takes over, and --from nothing takes nothing; leave it out."
                )
        if not self.from_nothing:
            raise OptionError(
                "--no-from-nothing leaves out what would stand beside a run that takes something over, and --from "
                "nothing does not; leave it out."
            )

    def _check_taken_over(self) -> None:
        given = {name: getattr(self, name) for name in SIZES} | {"vocabulary_size": self.texts.vocabulary_size}
        for name, value in given.items():
            if value is not None:
                raise OptionError(
                    f"{flag_of(name)} is for --from nothing; what is taken over has sizes and a vocabulary of its "
                    "own. Leave it out."
                )

    def build(self, setting: Setting) -> Assembly:
        """Takes over what --from names, or makes fresh weights and trains the tokenizer on the training split."""
        from chainrule.recipes.bert_building import build_bert_classifier

        return build_bert_classifier(self, setting)

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """Accuracy, beside TF-IDF with logistic regression, and beside the same training from nothing."""
        from chainrule.recipes.text_classification import judge_text_classifier

        nothing = self._nothing(setting, model_folder.parent)
        return judge_text_classifier(setting, self.texts, model_folder, rows, nothing=nothing)

    def _nothing(self, setting: Setting, run: Path) -> Path | None:
        """The model that the same training makes of fresh weights; None where it is not wanted or not at hand."""
        from chainrule.recipes.bert_building import build_bert_classifier
        from chainrule.recipes.from_nothing import trained_from_nothing

        folder = run / "from-nothing"
        is_at_hand = setting.sha256 is None or folder.is_dir()  # a finished run is not trained again
        if self.is_from_nothing or not self.from_nothing or not is_at_hand:
            return None
        alone = replace(self, frozen_layers=0, frozen_epochs=0.0, layer_rate=1.0)
        return trained_from_nothing(lambda own: build_bert_classifier(alone, own, fresh=True), setting, folder)


def _filled(group: Group, own: dict[str, Any]) -> Group:
    """A group of settings with these where none are given."""
    return replace(group, **{name: value for name, value in own.items() if getattr(group, name) is None})
