# cython: freethreading_compatible=True
"""An integrand for scipy.LowLevelCallable.from_cython."""

from libc.math cimport exp

from cyrelu.scalar cimport relu

cdef struct Option:
    double price, strike, volatility


cdef api double expected_payoff(double z, void* user_data) noexcept nogil:
    """What the option pays at this standard normal z, times the density of z."""
    cdef Option* option = <Option*> user_data
    cdef double v = option.volatility
    return relu(option.price * exp(v * z - v * v / 2) - option.strike) * density(z)


cdef double density(double z) noexcept nogil:
    return exp(-z * z / 2) / 2.5066282746310002  # sqrt(2 * pi); M_PI is not in every math.h
