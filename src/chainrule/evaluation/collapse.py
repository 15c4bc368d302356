"""What goes wrong between two networks that learn against each other, told in a sentence."""

from collections.abc import Mapping

FEW = 0.5  # share of the classes, below which a generator has collapsed
NARROW = 0.01  # recall
FAINT = 1e-5  # norm of the generator's gradient
ADVICE = "try --objective relativistic with a larger --penalty, or a lower --learning-rate"


def collapse(figures: Mapping[str, float], classes: int) -> str | None:
    """Names the collapse that figures of a training or an evaluation show; None where they show none.

    Args:
        figures: those of `generator_gradient_norm`, `classes_covered` and `recall` that are known.
        classes: how many ought to be made.
    """
    norm = figures.get("generator_gradient_norm")
    if norm is not None and norm < FAINT:
        return (
            f"the generator's gradient has vanished (its norm is {norm:.1e}), so it learns nothing more from the "
            f"discriminator; {ADVICE}."
        )
    covered = figures.get("classes_covered")
    if covered is not None and covered < FEW * classes:
        return (
            f"the generator has collapsed: of {classes} classes it makes {covered:.0f}; {ADVICE}, or a larger "
            "--batch-size."
        )
    recall = figures.get("recall")
    if recall is not None and recall < NARROW:
        return (
            f"the generator makes next to nothing of the variety there is (recall {recall:.3f}); {ADVICE}, or train "
            "longer."
        )
    return None
