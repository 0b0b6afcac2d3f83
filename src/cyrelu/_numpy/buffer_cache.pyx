# The buffer of a large result, cached for the next one.
#
# malloc returns large buffers to the kernel, which clears every page of the next one: that takes
# longer than the computation (relu on 1e8 float32: 83 ms into a new array, 25 into an existing
# one). So the last large buffer that was freed is cached. Meanwhile it is offered to the kernel
# (MADV_FREE), which takes its pages when memory is short: also where a control group limits it. The
# kernel cannot take the buffer's address space. So nothing is cached while the process has a limit
# of that, nor on systems without MADV_FREE.
#
# This is a NEP 49 memory handler, active only while a result is allocated; each array remembers the
# handler that will free it.

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport SIZE_MAX
from libc.string cimport memcpy, memset

from cyrelu._platform.atomics cimport exchange_pointer
from cyrelu._platform.memory cimport CAN_OFFER, address_space_is_limited, offer

from cyrelu._platform import settings

cdef extern from "numpy/arrayobject.h":
    ctypedef struct PyDataMemAllocator:
        void* ctx
        void* (*malloc)(void* ctx, size_t size) noexcept nogil
        void* (*calloc)(void* ctx, size_t count, size_t size) noexcept nogil
        void* (*realloc)(void* ctx, void* data, size_t size) noexcept nogil
        void (*free)(void* ctx, void* data, size_t size) noexcept nogil
    ctypedef struct PyDataMem_Handler:
        char[127] name
        cnp.uint8_t version
        PyDataMemAllocator allocator
    object PyDataMem_SetHandler(object handler)
    object PyDataMem_GetHandler()
    PyObject* PyDataMem_DefaultHandler
    PyObject* PyArray_HANDLER(cnp.ndarray array)

cnp.import_array()

cdef struct Buffer:  # the header, before the data
    size_t size  # of the data; at least as much as the array needs
    bint is_reused

cdef enum:
    HEADER_BYTES = 64  # a cache line: the alignment of the data stays

max_cached_bytes = settings.max_cached_bytes() if CAN_OFFER else 0
cdef void* cached = NULL  # a Buffer, or none
cdef object numpys = <object> PyDataMem_DefaultHandler
cdef PyDataMemAllocator* system = &(
    <PyDataMem_Handler*> PyCapsule_GetPointer(numpys, "mem_handler")
).allocator
cdef PyDataMem_Handler functions
memset(&functions, 0, sizeof(functions))
memcpy(functions.name, <const char*> b"cyrelu", 6)
functions.version = 1
functions.allocator.malloc = allocate
functions.allocator.calloc = allocate_zeros
functions.allocator.realloc = reallocate
functions.allocator.free = release
handler = PyCapsule_New(&functions, "mem_handler", NULL)


cdef object start_caching():
    """The handler before; None, and nothing done, where it is one that the user chose."""
    if max_cached_bytes == 0 or PyDataMem_GetHandler() is not numpys:
        return None
    return PyDataMem_SetHandler(handler)


cdef int stop_caching(object before) except -1:
    if before is not None:
        PyDataMem_SetHandler(before)
    return 0


cdef bint is_reused(cnp.ndarray array) noexcept:
    if PyArray_HANDLER(array) != <PyObject*> handler:
        return False
    return buffer_of(cnp.PyArray_BYTES(array)).is_reused


cdef inline Buffer* buffer_of(void* data) noexcept nogil:
    return <Buffer*> (<char*> data - HEADER_BYTES)


cdef inline void* data_of(Buffer* buffer, size_t size, bint is_reused) noexcept nogil:
    """The data of a buffer new from the system, or NULL where it is NULL."""
    if buffer == NULL:
        return NULL
    buffer.size, buffer.is_reused = size, is_reused
    return <char*> buffer + HEADER_BYTES


cdef void free_buffer(Buffer* buffer) noexcept nogil:
    if buffer != NULL:
        system.free(system.ctx, buffer, buffer.size + HEADER_BYTES)


cdef bint put(Buffer* buffer) noexcept nogil:
    """Cache this one, and free the one before; whether there was one."""
    cdef Buffer* before = <Buffer*> exchange_pointer(&cached, buffer)
    free_buffer(before)
    return before != NULL


cpdef bint empty_cache() noexcept nogil:
    return put(NULL)


cdef Buffer* new_buffer(size_t size) noexcept nogil:
    if size > SIZE_MAX - HEADER_BYTES:
        return NULL
    cdef Buffer* buffer = <Buffer*> system.malloc(system.ctx, size + HEADER_BYTES)
    if buffer == NULL and empty_cache():  # there may be room now
        buffer = <Buffer*> system.malloc(system.ctx, size + HEADER_BYTES)
    return buffer


cdef void* allocate(void* _, size_t size) noexcept nogil:
    cdef Buffer* buffer
    if size >= MIN_CACHED_BYTES:
        buffer = <Buffer*> exchange_pointer(&cached, NULL)
        if buffer != NULL and size <= buffer.size and buffer.size - size <= size // 4:
            return data_of(buffer, buffer.size, True)
        if buffer != NULL:
            put(buffer)
    return data_of(new_buffer(size), size, False)


cdef void* allocate_zeros(void* _, size_t count, size_t size) noexcept nogil:
    if size != 0 and count > (SIZE_MAX - HEADER_BYTES) // size:
        return NULL
    cdef Buffer* buffer = <Buffer*> system.calloc(system.ctx, 1, count * size + HEADER_BYTES)
    if buffer == NULL and empty_cache():
        buffer = <Buffer*> system.calloc(system.ctx, 1, count * size + HEADER_BYTES)
    return data_of(buffer, count * size, False)


cdef void* reallocate(void* _, void* data, size_t size) noexcept nogil:
    if data == NULL:
        return data_of(new_buffer(size), size, False)
    if size > SIZE_MAX - HEADER_BYTES:
        return NULL
    cdef void* buffer = system.realloc(system.ctx, buffer_of(data), size + HEADER_BYTES)
    if buffer == NULL and empty_cache():
        buffer = system.realloc(system.ctx, buffer_of(data), size + HEADER_BYTES)
    return data_of(<Buffer*> buffer, size, False)


cdef void release(void* _, void* data, size_t size) noexcept nogil:
    if data == NULL:
        return
    cdef Buffer* buffer = buffer_of(data)
    if (
        MIN_CACHED_BYTES <= buffer.size <= max_cached_bytes
        and not address_space_is_limited()
        and offer(<char*> data, buffer.size)
    ):
        put(buffer)
    else:
        free_buffer(buffer)


def get_cached_bytes():
    """The size of the buffer that is cached now; 0 without one."""
    cdef Buffer* buffer = <Buffer*> exchange_pointer(&cached, NULL)
    cdef size_t size = 0
    if buffer != NULL:
        size = buffer.size
        put(buffer)
    return size


def get_max_cached_bytes():
    """The size of the largest buffer that is cached; None where the system has no MADV_FREE."""
    return max_cached_bytes if CAN_OFFER else None
