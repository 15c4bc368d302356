"""The chain rule over whole graphs: depth, branches, accumulation, memory, and what cannot be."""

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest
import torch

import chainrule.autograd as ag
from chainrule.errors import GraphError, OperandError


def leaf(*values):
    return ag.Tensor(np.array(values), requires_grad=True)


def test_the_chain_rule_by_hand():
    x, w, b = leaf(2.0), leaf(-3.0), leaf(1.0)
    y = (x * w + b) ** 2  # (−6 + 1)²
    y.backward()
    assert y.item() == 25.0
    assert (x.grad.item(), w.grad.item(), b.grad.item()) == (2 * -5 * -3, 2 * -5 * 2, 2 * -5)


def test_paths_that_meet_add_up():
    x = leaf(3.0)
    a = x * 2
    b = a * x  # 2 x²
    (a * b + a).backward()  # 4 x³ + 2 x
    assert x.grad.item() == 12 * 9 + 2


def test_a_graph_of_many_branches_is_torchs():
    drawn = np.random.default_rng(0).normal(size=(5, 3))
    own, other = leaf(*drawn), torch.tensor(drawn, requires_grad=True)

    def branches(x, tanh):
        values = [x]
        for number in range(40):
            values.append(tanh(values[number // 2] * values[-1] + values[number // 3]))
        return values[-1].sum() + values[20].sum()

    branches(own, ag.tanh).backward()
    branches(other, torch.tanh).backward()
    np.testing.assert_allclose(own.grad, other.grad.numpy(), rtol=1e-10)


def test_a_graph_100_000_deep():
    x = leaf(1.0)
    y = x
    for _ in range(100_000):
        y = -y
    y.backward(retain_graph=True)
    assert x.grad.item() == 1.0
    del y  # a graph that is thrown away must not be unwound by recursion either
    gc.collect()


def test_gradients_accumulate_over_calls_into_the_same_array():
    x = leaf(1.0, 2.0)
    (x * x).sum().backward()
    first = x.grad
    (x * 3).sum().backward()
    assert x.grad is first
    np.testing.assert_array_equal(x.grad, [2 + 3, 4 + 3])
    x.backward(np.array([1.0, 10.0]))
    np.testing.assert_array_equal(x.grad, [5 + 1, 7 + 10])


def test_no_two_gradients_are_one_array():
    x, w, upstream = leaf(1.0, 2.0), leaf(3.0, 4.0), np.array([5.0, 6.0])
    y = x + w
    y.retain_grad()
    y.backward(upstream)
    for tensor in (x, w, y):
        np.testing.assert_array_equal(tensor.grad, [5.0, 6.0])
    x.grad *= 100
    np.testing.assert_array_equal(w.grad, [5.0, 6.0])
    np.testing.assert_array_equal(y.grad, [5.0, 6.0])
    np.testing.assert_array_equal(upstream, [5.0, 6.0])


def test_a_gradient_can_be_changed_even_where_it_was_repeated():
    x = leaf(1.0, 2.0, 3.0)
    x.sum().backward()
    x.grad *= 2
    np.testing.assert_array_equal(x.grad, [2.0, 2.0, 2.0])


def test_the_gradient_of_one_number_is_an_array():
    x = leaf(2.0).sum()
    y = ag.Tensor(3.0, requires_grad=True)
    (x.detach() * y).backward()
    assert type(y.grad) is np.ndarray
    assert y.grad.shape == ()
    y.grad += 1
    assert y.grad.item() == 3.0


def test_what_was_computed_keeps_its_gradient_only_if_asked():
    x = leaf(2.0)
    a = x * 3
    b = a * a
    a.retain_grad()
    b.backward(np.ones(1))
    assert (a.grad.item(), x.grad.item(), b.grad) == (12.0, 36.0, None)
    x.retain_grad()  # a leaf keeps its own anyway


def test_a_tensor_that_is_gone_keeps_no_gradient():
    x = leaf(2.0)
    a = x * 3
    b = a * a
    a.retain_grad()
    del a
    b.backward()
    assert x.grad.item() == 36.0


def test_a_gradient_stops_where_none_is_wanted_any_more():
    x, w = leaf(2.0), leaf(3.0)
    a = x * 3
    a.requires_grad = False
    loss = a * w
    assert "t1 = multiply" in loss.graph().dot
    loss.backward()
    assert x.grad is None
    assert w.grad.item() == 6.0


def test_mixed_types_give_each_its_own():
    x, w = ag.Tensor(np.ones((2, 3), np.float32), requires_grad=True), leaf(1.0, 2.0, 3.0)
    (x * w).sum().backward()
    assert (x.grad.dtype, w.grad.dtype) == (np.float32, np.float64)
    np.testing.assert_array_equal(w.grad, [2.0, 2.0, 2.0])


# Without recording


def test_under_no_grad_nothing_is_recorded_and_after_it_again():
    x = leaf(2.0)
    with ag.no_grad():
        assert not (x * 2).requires_grad
        with ag.no_grad():
            assert not (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert (x * 2).requires_grad
    with pytest.raises(OperandError), ag.no_grad():
        x.reshape(7)
    assert (x * 2).requires_grad


def test_no_grad_decorates():
    @ag.no_grad()
    def double(x):
        return x * 2

    assert not double(double(leaf(2.0))).requires_grad
    assert (leaf(2.0) * 2).requires_grad


def test_no_grad_is_of_one_thread():
    seen = []
    with ag.no_grad():
        thread = threading.Thread(target=lambda: seen.append((leaf(2.0) * 2).requires_grad))
        thread.start()
        thread.join()
    assert seen == [True]


def test_detached_values_have_no_past():
    x = leaf(2.0)
    y = (x * 3).detach()
    assert not y.requires_grad
    (y * x).backward()
    assert x.grad.item() == 6.0


# Memory


def big():
    return np.ones(1_000_000)


@pytest.mark.parametrize(
    ("operation", "kept"),
    [
        (lambda x: x + 1, False),
        (lambda x: -x, False),
        (lambda x: x.sum(), False),
        (lambda x: x.mean(), False),
        (lambda x: x.relu(), False),
        (lambda x: x.tanh(), False),
        (lambda x: x.sigmoid(), False),
        (lambda x: x.softmax(0), False),
        (lambda x: ag.concatenate(x, x), False),
        (lambda x: x[[1, 2]], False),
        (lambda x: x * 2, False),
        (lambda x: x * x, True),
        (lambda x: x.abs(), True),
    ],
)
def test_a_value_stays_only_where_a_gradient_needs_it(operation, kept):
    x = leaf(1.0) * big()
    y = operation(x)
    still = weakref.ref(x.data)
    del x
    assert (still() is not None) == kept
    y.sum().backward()
    assert still() is None


def test_values_go_while_backpropagation_passes_them():
    x = ag.Tensor(big(), requires_grad=True)
    size = x.data.nbytes
    tracemalloc.start()
    try:
        y = x
        for _ in range(20):
            y = (y * 0.5).tanh()
        kept = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        y.sum().backward()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A tanh keeps its value. A product with a number keeps the number, and a sum nothing.
    assert 20 * size <= kept < 21 * size
    assert peak < 25 * size
    assert 2 * size <= after < 3 * size  # y and x.grad


# What cannot be


def test_a_second_time_through_the_same_graph():
    x = leaf(2.0)
    y = x * x
    z = y * 3
    z.backward()
    for again in (z, y, y + 1):
        with pytest.raises(GraphError) as caught:
            again.backward()
        assert str(caught.value) == (
            "the graph was freed by a backward before, with the values that its gradients need; call that one with "
            "retain_graph=True."
        )
    assert x.grad.item() == 12.0


def test_a_second_time_where_the_graph_was_kept():
    x = leaf(2.0)
    y = x * x * 3
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.item() == 24.0
    with pytest.raises(GraphError):
        y.backward()


@pytest.mark.parametrize("make", [lambda: ag.Tensor([1.0]) * 2, lambda: ag.Tensor(1.0), lambda: leaf(2.0).detach()])
def test_nothing_was_recorded(make):
    with pytest.raises(GraphError) as caught:
        make().backward()
    assert str(caught.value) == (
        "backward was called on a tensor that nothing was recorded of; compute it from tensors with "
        "requires_grad=True, and not under no_grad."
    )


def test_several_values_need_a_gradient_of_their_shape():
    y = leaf(1.0, 2.0) * 2
    with pytest.raises(OperandError) as caught:
        y.backward()
    assert str(caught.value) == (
        "backward was called on (2,) values and needs a single one; take their sum or mean, or give the gradient by "
        "each."
    )
    with pytest.raises(OperandError) as caught:
        y.backward(np.ones(3))
    assert str(caught.value) == "backward was given a gradient of (3,) and needs (2,), its tensor's."


def test_no_gradient_to_retain():
    with pytest.raises(GraphError) as caught:
        ag.Tensor(1.0).retain_grad()
    assert str(caught.value) == "retain_grad was called on a tensor that requires no gradient, and so gets none."
