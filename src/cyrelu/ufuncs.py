"""The genuine NumPy ufuncs behind the functions of `cyrelu`.

Their inputs are positional: ``relu(x)``, ``leaky_relu(x, negative_slope)``,
``relu_grad(x, at_zero)``, ``leaky_relu_grad(x, negative_slope, at_zero)``,
``relu_backward(grad, x, at_zero)``, ``leaky_relu_backward(grad, x, negative_slope, at_zero)``.
They have no defaults for the factors; otherwise the functions give the same results sooner.
"""

from numpy import ufunc as _ufunc

from cyrelu._numpy.ufuncs import by_name as _by_name

relu: _ufunc = _by_name["relu"]
leaky_relu: _ufunc = _by_name["leaky_relu"]
relu_grad: _ufunc = _by_name["relu_grad"]
leaky_relu_grad: _ufunc = _by_name["leaky_relu_grad"]
relu_backward: _ufunc = _by_name["relu_backward"]
leaky_relu_backward: _ufunc = _by_name["leaky_relu_backward"]

__all__ = [
    "leaky_relu",
    "leaky_relu_backward",
    "leaky_relu_grad",
    "relu",
    "relu_backward",
    "relu_grad",
]
