"""What the processes of a run tell each other, and what one alone does not."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from chainrule.errors import OptionError, ProcessLostError, ToldByAnother, UsageError
from chainrule.runtime.group import check_device, joined
from chainrule.runtime.processes import ALONE, VARIABLES, Processes, here
from tests.processes.crew import Crew, as_torchrun_says, in_processes

COUNT = 3


@pytest.fixture
def environment(monkeypatch):
    """Sets the environment to what is given, and nothing else of it."""

    def only(**names):
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in names.items():
            monkeypatch.setenv(name, str(value))

    only()
    return only


SECOND_OF_FIVE = {
    "RANK": 3,
    "WORLD_SIZE": 5,
    "LOCAL_RANK": 1,
    "LOCAL_WORLD_SIZE": 2,
    "MASTER_ADDR": "first.example",
    "MASTER_PORT": 29500,
}


def test_who_this_is_the_environment_says(environment):
    assert here() == ALONE == Processes(rank=0, count=1, local_rank=0, local_count=1)
    environment(**SECOND_OF_FIVE)
    assert here() == Processes(rank=3, count=5, local_rank=1, local_count=2)
    assert not here().is_first
    environment(**{**SECOND_OF_FIVE, "WORLD_SIZE": 1, "RANK": 0})
    assert here() == ALONE


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"LOCAL_RANK": ""},
            (
                "WORLD_SIZE is set in the environment and LOCAL_RANK is not; "
                "start several processes with torchrun, or unset WORLD_SIZE for one."
            ),
        ),
        (
            {"RANK": 5},
            (
                "the environment names no process: RANK=5, WORLD_SIZE=5, LOCAL_RANK=1, LOCAL_WORLD_SIZE=2; "
                "start several processes with torchrun."
            ),
        ),
        (
            {"WORLD_SIZE": "all"},
            (
                "the environment names no process: RANK=3, WORLD_SIZE=all, LOCAL_RANK=1, LOCAL_WORLD_SIZE=2; "
                "start several processes with torchrun."
            ),
        ),
    ],
)
def test_an_environment_that_does_not_fit_together_is_told(environment, changes, sentence):
    environment(**{**SECOND_OF_FIVE, **changes})
    with pytest.raises(UsageError) as caught:
        here()
    assert str(caught.value) == sentence


def test_one_process_exchanges_nothing_and_loads_no_torch():
    program = (
        "import sys, numpy\n"
        "from chainrule.runtime.group import joined\n"
        "from chainrule.runtime.processes import here\n"
        "with joined(here()) as alone:\n"
        "    arrays = [numpy.arange(3)]\n"
        "    assert alone.largest(7) == 7 and alone.gather(arrays) == [arrays]\n"
        "    value = object()\n"
        "    assert alone.on_first(lambda: value) is value\n"
        "    alone.add_up(None), alone.send(None)\n"
        "assert not [name for name in sys.modules if name.split('.')[0] in ('torch', 'safetensors')]\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


def exchange():
    with joined(here()) as processes:
        rank = processes.rank
        summed = torch.arange(5.0) * 10**rank
        processes.add_up(summed)
        sent = torch.full((4,), rank, dtype=torch.uint8)
        processes.send(sent)
        arrays = [np.full((rank, 2), rank, np.float32), np.array(rank), np.arange(rank + 2)[::-1]]
        return {
            "sum": summed.tolist(),
            "largest": processes.largest(10 * rank - 7),
            "told": processes.on_first(lambda: {"by": rank, "number": 0.1, "nothing": [None, float("inf")]}),
            "sent": sent.tolist(),
            "gathered": [[array.tolist() for array in hand] for hand in processes.gather(arrays)],
            "types": [str(array.dtype) for hand in processes.gather(arrays) for array in hand],
        }


def test_what_they_exchange():
    outcomes = in_processes(COUNT, exchange)
    for outcome in outcomes:
        assert outcome["sum"] == [0.0, 111.0, 222.0, 333.0, 444.0]
        assert outcome["largest"] == 13
        assert outcome["told"] == {"by": 0, "number": 0.1, "nothing": [None, float("inf")]}
        assert outcome["sent"] == [0, 0, 0, 0]
    first, *others = outcomes
    assert first["gathered"] == [[[], 0, [1, 0]], [[[1, 1]], 1, [2, 1, 0]], [[[2, 2], [2, 2]], 2, [3, 2, 1, 0]]]
    assert first["types"] == ["float32", "int64", "int64"] * COUNT
    assert all(other["gathered"] == [] for other in others)


def added(seed):
    with joined(here()) as processes:
        mine = torch.randn(10_007, generator=torch.Generator().manual_seed(seed + processes.rank))
        processes.add_up(mine)
        return mine.numpy().tobytes()


def test_a_sum_has_the_same_bytes_everywhere_and_every_time():
    assert len({*in_processes(COUNT, added, 3), *in_processes(COUNT, added, 3)}) == 1


def fails_in(ranks):
    """Which error this process raises, and whether it is the one to tell."""
    try:
        with joined(here()) as processes:
            if processes.rank in ranks:
                raise OptionError(f"a mistake of {processes.rank}")  # noqa: TRY301
            processes.largest(0)
    except (OptionError, ToldByAnother, ProcessLostError) as error:
        return str(error), error.is_for_this_process, error.exit_status
    return None


SILENT = ("another process of this run says what went wrong.", False, 0)


def test_what_one_alone_met_it_tells():
    assert in_processes(COUNT, fails_in, [1]) == [SILENT, ("a mistake of 1", True, 2), SILENT]


def test_what_all_met_the_first_tells():
    assert in_processes(COUNT, fails_in, [0, 1, 2]) == [("a mistake of 0", True, 2), SILENT, SILENT]


def waits_for_one_that_is_killed():
    try:
        with joined(here()) as processes:
            if processes.rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            processes.largest(0)
    except (ToldByAnother, ProcessLostError) as error:
        return str(error)


def test_where_one_is_killed_the_others_end_at_once_and_one_says_so():
    begun = time.monotonic()
    crew = Crew(COUNT, waits_for_one_that_is_killed)
    first, killed, last = (crew.wait(rank) for rank in range(COUNT))
    assert time.monotonic() - begun < 30
    assert killed == ("killed", -signal.SIGKILL)
    lost = (
        "a process of this run has ended or cannot be reached, so the others end too; every checkpoint that is "
        "written is whole, and `chainrule resume`, started in as many processes, goes on from the newest."
    )
    assert sorted([first, last]) == [("value", lost), ("value", SILENT[0])]


def joins_twice():
    sums = []
    for _ in range(2):
        with joined(here()) as processes:
            number = torch.tensor([processes.rank + 1])
            processes.add_up(number)
            sums.append(int(number))
    return sums


def test_a_program_may_train_more_than_once():
    assert in_processes(2, joins_twice) == [[3, 3], [3, 3]]


def joins_beside_a_group_of_its_own():
    torch.distributed.init_process_group("gloo")
    try:
        with joined(here()):
            return None
    except UsageError as error:
        return str(error)
    finally:
        torch.distributed.destroy_process_group()


def test_a_group_of_the_programs_own_is_in_the_way():
    assert (
        in_processes(2, joins_beside_a_group_of_its_own)
        == [
            (
                "this program has a process group of its own, and chainrule needs to make one; "
                "call torch.distributed.destroy_process_group() before."
            )
        ]
        * 2
    )


def test_processes_that_cannot_meet_are_told_where(environment, monkeypatch):
    from datetime import timedelta

    from chainrule.runtime import group

    monkeypatch.setattr(group, "TO_MEET", timedelta(seconds=1))
    environment(**as_torchrun_says(1, 2, 9))  # the discard port, which nobody listens on
    with pytest.raises(ProcessLostError) as caught, joined(here()):
        pass
    assert str(caught.value).startswith("process 1 of 2 cannot reach the others by way of 127.0.0.1:9 (")
    assert str(caught.value).endswith("); check that all of them were started and that the network lets them talk.")


def test_devices_for_several(monkeypatch):
    two = Processes(rank=1, count=2, local_rank=1, local_count=2)
    check_device("mps", ALONE)
    check_device("cpu", two)
    with pytest.raises(OptionError) as caught:
        check_device("mps", two)
    assert str(caught.value) == ("several processes do not compute on mps; give --device cpu, or start one process.")
    chosen = []
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_device("cuda", two)
    assert chosen == [1]
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(OptionError) as caught:
        check_device("cuda", two)
    assert str(caught.value) == (
        "2 processes were started on a machine with 1 GPUs; start as many as there are GPUs, or give --device cpu."
    )
