"""Actions of vector environments, looked at before they are taken."""

from torch import Tensor

from chainrule.environments.resets import NO_ACTION
from chainrule.errors import OptionError


def checked(actions: Tensor, count: int) -> Tensor:
    """The same actions, (environments,).

    Looking at them waits for the device, and on the CPU it costs one pass.

    Raises:
        OptionError: one is not in [0, count).
    """
    low, high = actions.aminmax()
    if int(low) < 0 or int(high) >= count:
        raise OptionError(NO_ACTION.format(count))
    return actions
