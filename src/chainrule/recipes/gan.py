"""`gan`: a generative adversarial network that makes pictures like those it is shown."""

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from chainrule.errors import DataError, OptionError
from chainrule.evaluation.band import Band
from chainrule.recipes.contract import Assembly, ScoredFile, Setting
from chainrule.recipes.supervised import AT_LEAST_0, COUNT, POSITIVE, SHARE, Fitting, check_numbers, check_ranges

if TYPE_CHECKING:
    from chainrule.evaluation.judgement import Judgement

CLASS_SIZE = 32  # values that a class is told in
LATENT_SIZE_OF_ARTICLE = 100
MOMENTUM, SECOND_MOMENTUM = 0.0, 0.9  # of Adam, as in the paper's beginning
RATE, RATE_WITHOUT_PENALTIES = 3e-3, 3e-4
CRITIC_UPDATES = 5  # as in the paper on the Wasserstein distance
EVALUATIONS = 20  # a run
MOST_IN_EVALUATION = 2000  # pictures

EXPECTED = (
    Band(
        setting={"dataset": "fashion-mnist"},
        metric="frechet_distance",
        mean=0.2702,
        standard_deviation=0.0556,
        seeds=5,
        machine="1 core of an AMD EPYC (Zen 4), bf16, other work beside it",
        seconds=776,
        command="chainrule train gan --seed SEED",
        baseline=("normal distribution of each class's pixels", 3.694),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Gan:
    """Two networks that learn against each other: one makes pictures, one tells them from real ones."""

    name: ClassVar[str] = "gan"
    summary: ClassVar[str] = "generative adversarial network that makes pictures"
    dataset: ClassVar[str] = "fashion-mnist"
    expected: ClassVar[tuple[Band, ...]] = EXPECTED

    objective: Literal["standard", "wasserstein", "relativistic"] = "relativistic"
    """What the two minimise; `wasserstein` clips the critic's weights."""
    network: Literal["residual", "article"] = "residual"
    """`residual` is R3GAN's, scaled down; `article` has the dense layers of many first tutorials."""
    conditional: bool = False
    """Whether both networks are told the class."""
    widths: tuple[int, ...] = (96, 48)
    """Channels of each stage of `residual`, the lowest resolution first; each has twice that of the one before."""
    blocks: int = 1
    """Residual blocks of each stage, ≥ 1."""
    group_size: int = 16
    """Channels that a 3x3 convolution sees together, ≥ 1; where it does not divide twice a width, the largest
    number that divides both."""
    patch: int = 2
    """Pixels a side of the squares that `residual` takes pictures as, ≥ 1."""
    latent_size: int = 64
    """Values of a latent vector of `residual`, ≥ 1."""
    batch_size: int = 64
    """Real pictures an update, ≥ 1, and as many made ones."""
    epochs: float = 7
    """Times every training picture is seen, > 0."""
    least_steps: int = 1000
    """Updates there are at least, so that a small data set is seen often enough, ≥ 1."""
    learning_rate: float | None = None
    """The highest of both networks, > 0; 3e-3 in `relativistic` and 3e-4 otherwise where it is not given."""
    warmup: float = 0.05
    """Share of the steps in which the learning rate rises, in [0, 0.99]; then it falls along half a cosine."""
    penalty: float = 1.0
    """γ, the weight of R₁ and R₂, the squared slopes of the score, in `relativistic`; ≥ 0."""
    penalty_every: int = 4
    """Updates from one with the penalty to the next, where it counts as often more; ≥ 1."""
    largest_weight: float = 0.01
    """To which the critic's weights are clipped in `wasserstein`, > 0."""
    discriminator_updates: int | None = None
    """An update of the generator; 5 in `wasserstein` and 1 otherwise where it is not given."""
    averaging: float = 0.03
    """Half-life of the averaged weights of the generator, as a share of the steps done, in [0, 0.99]."""

    def __post_init__(self) -> None:
        """Refuses values out of range."""
        check_numbers("widths", self.widths or (0,))
        check_ranges(self, blocks=COUNT, group_size=COUNT, patch=COUNT, latent_size=COUNT, batch_size=COUNT)
        check_ranges(self, least_steps=COUNT, penalty_every=COUNT, discriminator_updates=COUNT)
        check_ranges(self, epochs=POSITIVE, learning_rate=POSITIVE, largest_weight=POSITIVE, penalty=AT_LEAST_0)
        check_ranges(self, warmup=SHARE, averaging=SHARE)
        self._refuse_idle()

    @property
    def turns(self) -> int:
        """Updates of the discriminator an update of the generator."""
        return self.discriminator_updates or (CRITIC_UPDATES if self.objective == "wasserstein" else 1)

    @property
    def fitting(self) -> Fitting:
        """How both networks are fitted; without penalties a large learning rate ends in pictures all black."""
        rate = self.learning_rate or (RATE if self.objective == "relativistic" else RATE_WITHOUT_PENALTIES)
        return Fitting(
            batch_size=self.batch_size,
            epochs=self.epochs / self.turns,
            least_steps=self.least_steps,
            learning_rate=rate,
            warmup=self.warmup,
            decay="cosine",
            clip_norm=None,
        )

    def _refuse_idle(self) -> None:
        """Refuses settings that this objective or network does nothing with."""
        idle: dict[str, tuple[str, ...]] = {}
        if self.objective != "relativistic":
            idle["--objective relativistic"] = ("penalty", "penalty_every")
        if self.objective != "wasserstein":
            idle["--objective wasserstein"] = ("largest_weight",)
        if self.network == "article":
            idle["--network residual"] = ("widths", "blocks", "group_size", "patch", "latent_size")
        defaults = {field.name: field.default for field in fields(self)}
        for place, names in idle.items():
            for name in names:
                if getattr(self, name) != defaults[name]:
                    raise OptionError(f"--{name.replace('_', '-')} is for {place}; leave it out.")

    def generator_arguments(self, shape: tuple[int, int, int], classes: int) -> tuple[str, dict[str, Any]]:
        """The generator as the model folder names it.

        Raises:
            OptionError: pictures of this shape cannot be divided as the settings say.
        """
        from chainrule.models.gan_block import lowest_resolution

        channels, height, width = shape
        common = {"channels": channels, "height": height, "width": width, "classes": classes * self.conditional}
        if self.network == "article":
            return "gan-article", {**common, "latent_size": LATENT_SIZE_OF_ARTICLE}
        square = self.patch << (len(self.widths) - 1)
        try:
            lowest_resolution(height, width, square)
        except ValueError as error:
            raise OptionError(
                f"--patch and --widths divide pictures into squares of {square}x{square} pixels, and those of "
                f"{height}x{width} cannot be divided so; give a smaller patch or fewer widths."
            ) from error
        return "gan-residual", {
            **common,
            "class_size": CLASS_SIZE * self.conditional,
            "patch": self.patch,
            "widths": list(self.widths),
            "blocks": self.blocks,
            "group_size": self.group_size,
            "latent_size": self.latent_size,
        }

    def build(self, setting: Setting) -> Assembly:
        """Makes two networks with fresh weights, and the classifier in whose features pictures are compared."""
        from chainrule.data.opening import open_examples
        from chainrule.data.order import EpochOrder
        from chainrule.evaluation.manifold import FEWEST
        from chainrule.models.folder import ModelConfig, write_model
        from chainrule.recipes.adversaries import adversaries
        from chainrule.recipes.sampling import album_of, validation_figures
        from chainrule.runtime.processes import ALONE
        from chainrule.training.loop import Selection

        dataset = open_examples(setting.dataset, setting.data, kind="pictures")
        train, held_out = dataset.split("train"), dataset.split("validation")
        classes = dataset.classes or ()
        for name in ("validation", "test"):
            if (count := len(dataset.split(name))) < FEWEST:
                raise DataError(
                    f"the {name} split has {count} pictures, and a Fréchet distance needs at least {FEWEST}; give more."
                )
        assert dataset.picture_shape is not None  # noqa: S101 - a data set of pictures
        family, arguments = self.generator_arguments(dataset.picture_shape, len(classes))
        config = ModelConfig(
            family=family,
            arguments=arguments,
            task="image-generation",
            recipe=self.name,
            classes=classes,
        )
        judge = validation_figures(train, held_out, setting, conditional=self.conditional, most=MOST_IN_EVALUATION)
        per_epoch = EpochOrder(examples=len(train), batch_size=self.batch_size, seed=setting.seed).steps_per_epoch
        steps = setting.steps or self.fitting.steps(per_epoch)
        learner = adversaries(self, setting, train, config, steps=steps, judge=judge)
        return Assembly(
            learner=learner,
            steps=steps,
            evaluate_every=-(-steps // EVALUATIONS),
            selection=Selection("frechet_distance", higher_is_better=False),
            save_model=lambda folder: write_model(folder, learner.average, config, {}),
            data=dataset.summary(),
            processes=ALONE,
            observe=lambda run: album_of(
                run, learner.average, len(classes), setting, steps=steps, conditional=self.conditional
            ),
        )

    def judge(self, setting: Setting, model_folder: Path, rows: ScoredFile | None = None) -> "Judgement":
        """The Fréchet distance, beside a normal distribution of each class's pixels."""
        from chainrule.recipes.sampling import judge_samples

        return judge_samples(setting, model_folder, rows)
