"""Many agents side by side, as a learner sees them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


class Outcome(NamedTuple):
    """What one step of all agents brought; each is (groups, agents)."""

    rewards: "Tensor"
    terminated: "Tensor"
    """Whether the episode ended by the environment's own rules."""
    truncated: "Tensor"
    """Whether it was cut off; never both."""
    counts: "Tensor"
    """Whether the agent did the step; where not, its episode had ended before, and it began a new one instead."""


@runtime_checkable
class World(Protocol):
    """Agents in groups; those of a group are at different places of one scene.

    A maze is a scene in which many agents walk. Where observations are vectors, each is a scene of one place for
    itself. As in Gymnasium's own vector environments an agent whose episode has ended begins a new one in the next
    step, whatever its action: so what is seen after a step is always the state that the step led to.
    """

    actions: int
    """How many there are, ≥ 2."""
    groups: int
    agents: int
    """In each group."""
    reward_scale: float
    """By which the environment's rewards were multiplied."""
    scenes_stay: bool
    """Whether scenes change in `begin` alone."""

    def begin(self) -> None:
        """Begins all episodes anew where scenes stay; otherwise episodes simply go on."""
        ...

    def scenes(self) -> "Tensor":
        """What there is to be seen, (groups, …); not to be changed."""
        ...

    def places(self) -> "Tensor":
        """The place of each agent in its scene, (groups, agents) int64."""
        ...

    def step(self, actions: "Tensor") -> Outcome:
        """One step of every agent; actions are (groups, agents) int64."""
        ...

    def state_dict(self) -> Mapping[str, Any]:
        """Everything needed to go on."""
        ...

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes back to a state.

        Raises:
            ResumeError: an environment that is not ours does not repeat itself.
        """
        ...
