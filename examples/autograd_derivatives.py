# /// script
# requires-python = ">=3.11"
# dependencies = ["autograd", "cyrelu"]
# ///
"""The functions as primitives of HIPS autograd, with their first and second derivatives."""

import autograd.numpy as np
from autograd import elementwise_grad, grad
from autograd.extend import defvjp, primitive
from autograd.test_util import check_grads

import cyrelu

relu = primitive(cyrelu.relu)
relu_backward = primitive(cyrelu.relu_backward)
leaky_relu = primitive(cyrelu.leaky_relu)
leaky_relu_backward = primitive(cyrelu.leaky_relu_backward)

# A backward pass is linear in the gradient, and its derivative in x is 0 but where it jumps.
defvjp(relu, lambda _, x: lambda g: relu_backward(g, x))
defvjp(
    relu_backward,
    lambda _, g, x: lambda h: relu_backward(h, x),
    lambda _, g, x: lambda h: np.zeros_like(x),
)
defvjp(leaky_relu, lambda _, x, slope: lambda g: leaky_relu_backward(g, x, slope), argnums=[0])
defvjp(
    leaky_relu_backward,
    lambda _, g, x, slope: lambda h: leaky_relu_backward(h, x, slope),
    lambda _, g, x, slope: lambda h: np.zeros_like(x),
    argnums=[0, 1],
)


def loss(weights, x, y):
    return np.mean((relu(x @ weights[0]) @ weights[1] - y) ** 2)


def main():
    random = np.random.RandomState(0)
    x, y = random.randn(200, 3), random.randn(200, 1)
    weights = [random.randn(3, 16), random.randn(16, 1)]
    before = loss(weights, x, y)
    for _ in range(100):
        weights = [w - 0.05 * g for w, g in zip(weights, grad(loss)(weights, x, y), strict=True)]
    print(f"loss {before:.3f}, after 100 steps {loss(weights, x, y):.3f}")

    points = np.array([-2.0, 0.5, 3.0])
    print(
        "derivative of leaky_relu**2:", elementwise_grad(lambda x: leaky_relu(x, 0.1) ** 2)(points)
    )
    check_grads(lambda x: leaky_relu(x, 0.1) ** 2, modes=["rev"], order=2)(points)
    check_grads(lambda x: relu(x) ** 2, modes=["rev"], order=2)(points)
    print("first and second derivatives agree with differences")


if __name__ == "__main__":
    main()
