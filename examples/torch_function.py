# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu", "torch"]
# ///
"""PyTorch: the functions as torch.autograd.Function, on the tensors' own memory."""

import time

import torch

import cyrelu


def shared(*tensors):
    """The tensors' memory as arrays."""
    return [tensor.detach().numpy() for tensor in tensors]


class LeakyRelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, slope):
        ctx.save_for_backward(x)
        ctx.slope = slope
        out = torch.empty_like(x)
        source, target = shared(x, out)
        cyrelu.leaky_relu(source, slope, out=target)
        return out

    @staticmethod
    def backward(ctx, grad):
        [x] = ctx.saved_tensors
        return LeakyReluBackward.apply(grad, x, ctx.slope), None


class LeakyReluBackward(torch.autograd.Function):
    """A function of its own, so that it has a derivative, too; that is linear in the gradient."""

    @staticmethod
    def forward(ctx, grad, x, slope):
        ctx.save_for_backward(x)
        ctx.slope = slope
        out = torch.empty_like(x)
        gradient, source, target = shared(grad, x, out)
        cyrelu.leaky_relu_backward(gradient, source, slope, out=target)
        return out

    @staticmethod
    def backward(ctx, grad):
        [x] = ctx.saved_tensors
        return LeakyReluBackward.apply(grad, x, ctx.slope), torch.zeros_like(x), None


def seconds(function, x, grad):
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        function(x).backward(grad)
        best = min(best, time.perf_counter() - start)
        x.grad = None
    return best


def main():
    torch.manual_seed(0)
    x = torch.randn(1000, 1000, requires_grad=True)
    grad = torch.randn(1000, 1000)
    own = torch.nn.functional.leaky_relu(x, 0.1)
    print("same result:", torch.equal(LeakyRelu.apply(x, 0.1), own))

    points = torch.tensor([-2.0, -0.5, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
    print("first derivative:", torch.autograd.gradcheck(LeakyRelu.apply, (points, 0.1)))
    print("second derivative:", torch.autograd.gradgradcheck(LeakyRelu.apply, (points, 0.1)))

    functions = {
        "PyTorch": lambda x: torch.nn.functional.leaky_relu(x, 0.1),
        "cyrelu": lambda x: LeakyRelu.apply(x, 0.1),
    }
    times = {name: seconds(function, x, grad) for name, function in functions.items()}
    print("seconds:", ", ".join(f"{name} {value:.5f}" for name, value in times.items()))


if __name__ == "__main__":
    main()
