"""ReLU and Leaky ReLU for NumPy: compiled, exact, threaded, with their gradients."""

from cyrelu import ufuncs
from cyrelu._api import (
    leaky_relu,
    leaky_relu_backward,
    leaky_relu_grad,
    relu,
    relu_backward,
    relu_grad,
)
from cyrelu._config import show_config
from cyrelu._threads import get_num_threads, num_threads, set_num_threads

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
