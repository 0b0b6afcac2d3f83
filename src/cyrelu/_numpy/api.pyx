# The public functions: their signatures and what they promise. How a call is done stands in
# _call.pyx, the formulas in scalar.pxd.

from cyrelu._loops.operations cimport (
    LEAKY_RELU,
    LEAKY_RELU_BACKWARD,
    LEAKY_RELU_GRAD,
    RELU,
    RELU_BACKWARD,
    RELU_GRAD,
)
from cyrelu._numpy.call cimport call


def relu(
    x, /, out=None, *, where=True, casting="same_kind", order="K", dtype=None, subok=True
):
    """Rectified linear unit: x where x > 0, else 0.

    Parameters
    ----------
    x : array_like, any shape
        Input; float32 or float64, or a type that NumPy casts to them safely (bool, integers,
        float16).
    out : ndarray, optional
        Where the result goes; `x` itself for in place. Its shape is that of the result. A new
        array by default.
    where, casting, order, dtype, subok : optional
        As for every NumPy ufunc (`numpy.ufunc`).

    Returns
    -------
    ndarray or scalar
        `out`, or a new array of the shape of `x`; float32 for float32 input, float64 for float64.
        A scalar if `x` is one. Other array types (pandas, xarray, dask, masked arrays) come back
        as themselves.

    Raises
    ------
    TypeError
        If `x` or `dtype` is of another type (complex, object, string, datetime), or `out` of one
        that the result does not cast to.
    ValueError
        If `out` is read-only or of the wrong shape.

    See Also
    --------
    leaky_relu : Lets a small slope through below zero.
    relu_grad, relu_backward : The derivative, and its product with a gradient.

    Notes
    -----
    ======= ===== ========== ===== ====
    x       x > 0 +0.0, -0.0 x < 0 NaN
    relu(x) x     +0.0       +0.0  NaN
    ======= ===== ========== ===== ====

    The same bits for every length, memory layout and number of threads; subnormals are kept, and
    no floating-point warning is raised. It equals ``np.maximum(x, 0)``, but for the sign of zero,
    which NumPy leaves open.

    The definition is that of Nair and Hinton [1]_.

    References
    ----------
    .. [1] V. Nair and G. E. Hinton, "Rectified Linear Units Improve Restricted Boltzmann
       Machines", ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> import cyrelu
    >>> x = np.array([1.0, -10.0, 0.0, 15.0, -20.0])
    >>> cyrelu.relu(x)
    array([ 1.,  0.,  0., 15.,  0.])
    >>> cyrelu.relu(x, out=x) is x
    True
    """
    return call(RELU, None, x, None, None, out, where, casting, order, dtype, subok)


def leaky_relu(
    x,
    /,
    negative_slope=0.01,
    out=None,
    *,
    where=True,
    casting="same_kind",
    order="K",
    dtype=None,
    subok=True,
):
    """Leaky rectified linear unit: x where x > 0, else negative_slope * x.

    Parameters
    ----------
    x : array_like, any shape
        Input; float32 or float64, or a type that NumPy casts to them safely (bool, integers,
        float16).
    negative_slope : float or array_like, default 0.01
        Slope below zero: any real number, or an array that broadcasts against `x` (one slope for
        each channel makes it PReLU). A Python number takes the dtype of a floating `x`; beside bool
        or
        integers it makes the result float64, as in NumPy.
    out : ndarray, optional
        Where the result goes; `x` itself for in place. Its shape is that of the result. A new
        array by default.
    where, casting, order, dtype, subok : optional
        As for every NumPy ufunc (`numpy.ufunc`).

    Returns
    -------
    ndarray or scalar
        `out`, or a new array; float32 for float32 input, float64 for float64. A scalar if all
        inputs are. Other array types (pandas, xarray, dask, masked arrays) come back as
        themselves.

    Raises
    ------
    TypeError
        If `x`, `negative_slope` or `dtype` is of another type (complex, object, string,
        datetime), or `out` of one that the result does not cast to.
    ValueError
        If the shapes do not broadcast, or `out` is read-only or of the wrong shape.

    See Also
    --------
    relu : The same with a slope of 0, bit for bit.
    leaky_relu_grad, leaky_relu_backward : The derivative, and its product with a gradient.

    Notes
    -----
    ============= ===== ========== ========= ====
    x             x > 0 +0.0, -0.0 x < 0     NaN
    leaky_relu(x) x     a * x      a * x     NaN
    ============= ===== ========== ========= ====

    with a the slope; the product is rounded once, in the dtype of the result. A slope of 0 gives
    +0.0 rather than a product, so ``leaky_relu(-inf, 0)`` is 0. The same bits for every length,
    memory layout and number of threads; subnormals are kept, and no floating-point warning is
    raised. The NumPy equivalent is ``np.where(x > 0, x, negative_slope * x)``.

    The definition is that of Maas, Hannun and Ng [1]_.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier Nonlinearities Improve Neural Network
       Acoustic Models", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import cyrelu
    >>> cyrelu.leaky_relu(np.array([1.0, -10.0, 0.0, 15.0, -20.0]))
    array([ 1. , -0.1,  0. , 15. , -0.2])

    One slope for each column:

    >>> cyrelu.leaky_relu(np.array([[-1.0, -1.0], [2.0, 2.0]]), np.array([0.5, 0.25]))
    array([[-0.5 , -0.25],
           [ 2.  ,  2.  ]])
    """
    return call(
        LEAKY_RELU, None, x, negative_slope, None, out, where, casting, order, dtype, subok
    )


def relu_grad(
    x,
    /,
    out=None,
    *,
    at_zero=1.0,
    where=True,
    casting="same_kind",
    order="K",
    dtype=None,
    subok=True,
):
    """Derivative of relu: 1 where x > 0, at_zero at 0, else 0.

    Parameters
    ----------
    x : array_like, any shape
        Input of the forward pass; float32 or float64, or a type that NumPy casts to them safely
        (bool, integers, float16).
    out : ndarray, optional
        Where the result goes; `x` itself for in place. Its shape is that of the result. A new
        array by default.
    at_zero : float or array_like, default 1.0
        The value at +0.0 and -0.0, where the derivative does not exist. 0 is the convention of
        PyTorch, TensorFlow and scikit-learn.
    where, casting, order, dtype, subok : optional
        As for every NumPy ufunc (`numpy.ufunc`).

    Returns
    -------
    ndarray or scalar
        `out`, or a new array; float32 for float32 input, float64 for float64. A scalar if all
        inputs are. Other array types (pandas, xarray, dask, masked arrays) come back as
        themselves.

    Raises
    ------
    TypeError
        If `x`, `at_zero` or `dtype` is of another type (complex, object, string, datetime), or
        `out` of one that the result does not cast to.
    ValueError
        If the shapes do not broadcast, or `out` is read-only or of the wrong shape.

    See Also
    --------
    relu : The function itself.
    relu_backward : The product with a gradient, in one pass.

    Notes
    -----
    ============ ===== ========== ===== ====
    x            x > 0 +0.0, -0.0 x < 0 NaN
    relu_grad(x) 1     at_zero    +0.0  NaN
    ============ ===== ========== ===== ====

    The same bits for every length, memory layout and number of threads. The NumPy equivalent is
    ``np.heaviside(x, at_zero)``. The rectifier is that of Nair and Hinton [1]_.

    References
    ----------
    .. [1] V. Nair and G. E. Hinton, "Rectified Linear Units Improve Restricted Boltzmann
       Machines", ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> import cyrelu
    >>> cyrelu.relu_grad(np.array([2.0, 0.0, -2.0]))
    array([1., 1., 0.])
    >>> cyrelu.relu_grad(np.array([2.0, 0.0, -2.0]), at_zero=0)
    array([1., 0., 0.])
    """
    return call(RELU_GRAD, None, x, None, at_zero, out, where, casting, order, dtype, subok)


def leaky_relu_grad(
    x,
    /,
    negative_slope=0.01,
    out=None,
    *,
    at_zero=1.0,
    where=True,
    casting="same_kind",
    order="K",
    dtype=None,
    subok=True,
):
    """Derivative of leaky_relu: 1 where x > 0, at_zero at 0, else negative_slope.

    Parameters
    ----------
    x : array_like, any shape
        Input of the forward pass; float32 or float64, or a type that NumPy casts to them safely
        (bool, integers, float16).
    negative_slope : float or array_like, default 0.01
        Slope below zero: any real number, or an array that broadcasts against `x`.
    out : ndarray, optional
        Where the result goes; `x` itself for in place. Its shape is that of the result. A new
        array by default.
    at_zero : float or array_like, default 1.0
        The value at +0.0 and -0.0, where the derivative does not exist. `negative_slope` is the
        convention of PyTorch and TensorFlow.
    where, casting, order, dtype, subok : optional
        As for every NumPy ufunc (`numpy.ufunc`).

    Returns
    -------
    ndarray or scalar
        `out`, or a new array; float32 for float32 input, float64 for float64. A scalar if all
        inputs are. Other array types (pandas, xarray, dask, masked arrays) come back as
        themselves.

    Raises
    ------
    TypeError
        If `x`, `negative_slope`, `at_zero` or `dtype` is of another type (complex, object,
        string, datetime), or `out` of one that the result does not cast to.
    ValueError
        If the shapes do not broadcast, or `out` is read-only or of the wrong shape.

    See Also
    --------
    leaky_relu : The function itself.
    leaky_relu_backward : The product with a gradient, in one pass.

    Notes
    -----
    ================== ===== ========== ============== ====
    x                  x > 0 +0.0, -0.0 x < 0          NaN
    leaky_relu_grad(x) 1     at_zero    negative_slope NaN
    ================== ===== ========== ============== ====

    The same bits for every length, memory layout and number of threads. The NumPy equivalent is
    ``np.where(x < 0, negative_slope, np.heaviside(x, at_zero))``. The rectifier is that of Maas,
    Hannun and Ng [1]_.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier Nonlinearities Improve Neural Network
       Acoustic Models", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import cyrelu
    >>> cyrelu.leaky_relu_grad(np.array([2.0, 0.0, -2.0]))
    array([1.  , 1.  , 0.01])
    """
    return call(
        LEAKY_RELU_GRAD, None, x, negative_slope, at_zero, out, where, casting, order, dtype, subok
    )


def relu_backward(
    grad,
    x,
    /,
    out=None,
    *,
    at_zero=1.0,
    where=True,
    casting="same_kind",
    order="K",
    dtype=None,
    subok=True,
):
    """Gradient passed back through relu: grad where x > 0, at_zero * grad at 0, else 0.

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the output of `relu`. It broadcasts against `x`.
    x : array_like, any shape
        Input (not output) of the forward pass; float32 or float64, or a type that NumPy casts to
        them safely (bool, integers, float16).
    out : ndarray, optional
        Where the result goes; `grad` or `x` itself for in place. Its shape is that of the result.
        A new array by default.
    at_zero : float or array_like, default 1.0
        The derivative at +0.0 and -0.0, where it does not exist. 0 is the convention of PyTorch,
        TensorFlow and scikit-learn.
    where, casting, order, dtype, subok : optional
        As for every NumPy ufunc (`numpy.ufunc`).

    Returns
    -------
    ndarray or scalar
        `out`, or a new array: the gradient with respect to `x`; float32 if `grad` and `x` are,
        float64 if one of them is float64. A scalar if all inputs are. Other array types (pandas,
        xarray, dask, masked arrays) come back as themselves.

    Raises
    ------
    TypeError
        If `grad`, `x`, `at_zero` or `dtype` is of another type (complex, object, string,
        datetime), or `out` of one that the result does not cast to.
    ValueError
        If the shapes do not broadcast, or `out` is read-only or of the wrong shape.

    See Also
    --------
    relu : The forward pass.
    relu_grad : The derivative alone.

    Notes
    -----
    ====================== ===== ============== ===== ====
    x                      x > 0 +0.0, -0.0     x < 0 NaN
    relu_backward(grad, x) grad  at_zero * grad +0.0  NaN
    ====================== ===== ============== ===== ====

    It selects and never multiplies by a mask: an inf or NaN gradient at a dead unit is blocked.
    A factor of 0 selects +0.0, a factor of 1 `grad` as it is. The same bits for every length,
    memory layout and number of threads. The NumPy equivalent is
    ``np.where(x > 0, grad, np.where(x == 0, at_zero * grad, 0))``, which loses a NaN in `x`. The
    rectifier is that of Nair and Hinton [1]_.

    References
    ----------
    .. [1] V. Nair and G. E. Hinton, "Rectified Linear Units Improve Restricted Boltzmann
       Machines", ICML 2010.

    Examples
    --------
    >>> import numpy as np
    >>> import cyrelu
    >>> grad = np.array([10.0, 20.0, np.inf])
    >>> cyrelu.relu_backward(grad, np.array([2.0, 0.0, -2.0]))
    array([10., 20.,  0.])
    """
    return call(RELU_BACKWARD, grad, x, None, at_zero, out, where, casting, order, dtype, subok)


def leaky_relu_backward(
    grad,
    x,
    /,
    negative_slope=0.01,
    out=None,
    *,
    at_zero=1.0,
    where=True,
    casting="same_kind",
    order="K",
    dtype=None,
    subok=True,
):
    """Gradient passed back through leaky_relu: grad times 1, at_zero or negative_slope.

    Parameters
    ----------
    grad : array_like
        Gradient with respect to the output of `leaky_relu`. It broadcasts against `x`.
    x : array_like, any shape
        Input (not output) of the forward pass; float32 or float64, or a type that NumPy casts to
        them safely (bool, integers, float16).
    negative_slope : float or array_like, default 0.01
        Slope below zero: any real number, or an array that broadcasts against `x`.
    out : ndarray, optional
        Where the result goes; `grad` or `x` itself for in place. Its shape is that of the result.
        A new array by default.
    at_zero : float or array_like, default 1.0
        The derivative at +0.0 and -0.0, where it does not exist. `negative_slope` is the
        convention of PyTorch and TensorFlow.
    where, casting, order, dtype, subok : optional
        As for every NumPy ufunc (`numpy.ufunc`).

    Returns
    -------
    ndarray or scalar
        `out`, or a new array: the gradient with respect to `x`; float32 if `grad` and `x` are,
        float64 if one of them is float64. A scalar if all inputs are. Other array types (pandas,
        xarray, dask, masked arrays) come back as themselves.

    Raises
    ------
    TypeError
        If `grad`, `x`, `negative_slope`, `at_zero` or `dtype` is of another type (complex,
        object, string, datetime), or `out` of one that the result does not cast to.
    ValueError
        If the shapes do not broadcast, or `out` is read-only or of the wrong shape.

    See Also
    --------
    leaky_relu : The forward pass.
    leaky_relu_grad : The derivative alone.

    Notes
    -----
    ============================ ===== ============== ===================== ====
    x                            x > 0 +0.0, -0.0     x < 0                 NaN
    leaky_relu_backward(grad, x) grad  at_zero * grad negative_slope * grad NaN
    ============================ ===== ============== ===================== ====

    It selects and never multiplies by a mask. A factor of 0 selects +0.0, a factor of 1 `grad` as
    it is. The same bits for every length, memory layout and number of threads. The NumPy
    equivalent is ``grad * np.where(x < 0, negative_slope, np.heaviside(x, at_zero))``, but for
    those selections. The rectifier is that of Maas, Hannun and Ng [1]_.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier Nonlinearities Improve Neural Network
       Acoustic Models", ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> import cyrelu
    >>> cyrelu.leaky_relu_backward(np.array([10.0, 20.0, 30.0]), np.array([2.0, 0.0, -2.0]))
    array([10. , 20. ,  0.3])
    """
    return call(
        LEAKY_RELU_BACKWARD,
        grad,
        x,
        negative_slope,
        at_zero,
        out,
        where,
        casting,
        order,
        dtype,
        subok,
    )


for function in list(globals().values()):
    if getattr(function, "__module__", None) == __name__:
        function.__module__ = "cyrelu"  # where users find it, in repr, help and pickles
del function
