# /// script
# requires-python = ">=3.11"
# dependencies = ["cyrelu-payoff", "scipy"]
#
# [tool.uv.sources]
# cyrelu-payoff = { path = "scipy_callable_module" }
# ///
"""SciPy: an integrand with a rectifier in it, compiled, so that quad calls no Python.

A call option pays relu(price - strike), and its value is what it pays in the mean. Needs a
compiler: the module in examples/scipy_callable_module has to be built and installed first.
"""

import ctypes
import time
from math import exp, log, pi, sqrt

import cyrelu_payoff
from scipy import LowLevelCallable
from scipy.integrate import quad
from scipy.special import ndtr

PRICE, STRIKE, VOLATILITY = 100.0, 110.0, 0.2  # one year, no interest
option = (ctypes.c_double * 3)(PRICE, STRIKE, VOLATILITY)
compiled = LowLevelCallable.from_cython(
    cyrelu_payoff, "expected_payoff", ctypes.cast(option, ctypes.c_void_p)
)


def in_python(z):
    price = PRICE * exp(VOLATILITY * z - VOLATILITY**2 / 2)
    return max(0.0, price - STRIKE) * exp(-z * z / 2) / sqrt(2 * pi)


def value(integrand):
    kink = log(STRIKE / PRICE) / VOLATILITY + VOLATILITY / 2  # below it, the option pays nothing
    return quad(integrand, -12, 12, points=[kink])[0]


def seconds(integrand):
    start = time.perf_counter()
    for _ in range(200):
        value(integrand)
    return (time.perf_counter() - start) / 200


d = log(PRICE / STRIKE) / VOLATILITY + VOLATILITY / 2
closed_form = PRICE * ndtr(d) - STRIKE * ndtr(d - VOLATILITY)  # Black and Scholes, 1973
print(f"by quad: {value(compiled):.10f}; in closed form: {closed_form:.10f}")
print(f"seconds: in Python {seconds(in_python):.6f}, compiled {seconds(compiled):.6f}")
