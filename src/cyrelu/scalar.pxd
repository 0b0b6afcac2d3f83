# The mathematics: each formula of the package, once, for one element.
#
#     from cyrelu cimport scalar        # compiled into your own loop; nothing to link
#
# The forms are chosen so that compilers turn them into selects (vector code, no branches on x)
# and so that vector and scalar code agree bit for bit: a NaN in x comes back as it is, a factor
# of exactly 0 selects +0.0, a factor of exactly 1 selects the value it would multiply.

from cython cimport floating


cdef inline floating scaled(floating factor, floating value) noexcept nogil:
    """factor * value, but 0 and 1 select: a dead unit blocks even an inf or a NaN."""
    if factor == 0:
        return 0
    return value if factor == 1 else factor * value


cdef inline floating leaky_relu(floating x, floating negative_slope) noexcept nogil:
    # Computed before the choice: compilers do not vectorise a product inside the conditional.
    cdef floating below = scaled(negative_slope, x)
    return below if x <= 0 else x


cdef inline floating leaky_relu_backward(
    floating grad, floating x, floating negative_slope, floating at_zero
) noexcept nogil:
    cdef floating below = scaled(negative_slope, grad)
    cdef floating at = scaled(at_zero, grad)
    cdef floating up_to_zero = at if x == 0 else below
    cdef floating result = up_to_zero if x <= 0 else grad
    return result if x == x else x


cdef inline floating leaky_relu_grad(
    floating x, floating negative_slope, floating at_zero
) noexcept nogil:
    return leaky_relu_backward[floating](1, x, negative_slope, at_zero)


# ReLU is Leaky ReLU with slope 0: inlined, the constant folds away.

cdef inline floating relu(floating x) noexcept nogil:
    return leaky_relu[floating](x, 0)


cdef inline floating relu_grad(floating x, floating at_zero) noexcept nogil:
    return leaky_relu_grad[floating](x, 0, at_zero)


cdef inline floating relu_backward(floating grad, floating x, floating at_zero) noexcept nogil:
    return leaky_relu_backward[floating](grad, x, 0, at_zero)
