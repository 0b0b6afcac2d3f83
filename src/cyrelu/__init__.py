"""ReLU and Leaky ReLU for NumPy: compiled, exact, threaded, with their gradients."""

from cyrelu import ufuncs
from cyrelu._numpy.api import (
    leaky_relu,
    leaky_relu_backward,
    leaky_relu_grad,
    relu,
    relu_backward,
    relu_grad,
)
from cyrelu.config import get_num_threads, num_threads, set_num_threads, show_config

__version__ = "0.1.0"

__all__ = [
    "__version__",
    "get_num_threads",
    "leaky_relu",
    "leaky_relu_backward",
    "leaky_relu_grad",
    "num_threads",
    "relu",
    "relu_backward",
    "relu_grad",
    "set_num_threads",
    "show_config",
    "ufuncs",
]
