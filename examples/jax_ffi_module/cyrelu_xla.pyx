# cython: freethreading_compatible=True
"""cyrelu's kernels as foreign functions of XLA, in capsules for jax.ffi.register_ffi_target."""

from cpython.pycapsule cimport PyCapsule_New
from cyrelu.kernels cimport leaky_relu_backward_f32, leaky_relu_f32

cdef extern from *:
    """
    #include "xla/ffi/api/ffi.h"

    using Array = xla::ffi::Buffer<xla::ffi::F32>;
    using Result = xla::ffi::ResultBuffer<xla::ffi::F32>;

    static void (*forward)(const float*, float*, Py_ssize_t, float);
    static void (*backward)(const float*, const float*, float*, Py_ssize_t, float, float);

    static xla::ffi::Error run_forward(Array x, Result out, float slope) {
        forward(x.typed_data(), out->typed_data(), (Py_ssize_t) x.element_count(), slope);
        return xla::ffi::Error::Success();
    }

    static xla::ffi::Error run_backward(Array grad, Array x, Result out, float slope) {
        Py_ssize_t n = (Py_ssize_t) x.element_count();
        backward(grad.typed_data(), x.typed_data(), out->typed_data(), n, slope, 1);
        return xla::ffi::Error::Success();
    }

    XLA_FFI_DEFINE_HANDLER(
        forward_handler, run_forward,
        xla::ffi::Ffi::Bind().Arg<Array>().Ret<Array>().Attr<float>("slope"));
    XLA_FFI_DEFINE_HANDLER(
        backward_handler, run_backward,
        xla::ffi::Ffi::Bind().Arg<Array>().Arg<Array>().Ret<Array>().Attr<float>("slope"));
    """
    void (*forward)(const float*, float*, Py_ssize_t, float) noexcept nogil
    void (*backward)(
        const float*, const float*, float*, Py_ssize_t, float, float
    ) noexcept nogil
    void* forward_handler
    void* backward_handler

forward = leaky_relu_f32
backward = leaky_relu_backward_f32
leaky_relu = PyCapsule_New(<void*> forward_handler, NULL, NULL)
leaky_relu_backward = PyCapsule_New(<void*> backward_handler, NULL, NULL)
