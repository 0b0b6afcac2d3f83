# Memory of large results, kept for the next one.
#
# malloc hands large blocks straight back to the kernel, which clears every page of the next one:
# that takes longer than the computation (relu on 1e8 float32: 83 ms into a new array, 25 into one
# that was there). So the last large block that was freed is kept. Meanwhile it is offered to the
# kernel (MADV_FREE), which takes its pages when memory is short. Where that cannot be said, nothing
# is kept.
#
# It is done by a handler of array memory, as NumPy provides for (NEP 49). It is in force only while
# a result is allocated, and each array remembers the handler that will free it.

cimport numpy as cnp
from cpython.object cimport PyObject
from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.stdint cimport SIZE_MAX
from libc.string cimport memcpy, memset

from cyrelu._shared cimport exchange_pointer

from cyrelu import _settings

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

cdef extern from *:
    """
    #if defined(__unix__) || defined(__APPLE__)
        #include <sys/mman.h>
        #include <unistd.h>
    #endif
    #ifdef MADV_FREE
        #define CYRELU_CAN_OFFER 1
        /* Lets the kernel take the whole pages within; whether it will. */
        static int cyrelu_offer(char* start, size_t size) {
            size_t page = (size_t) sysconf(_SC_PAGESIZE);
            size_t before = (page - (size_t) start % page) % page;
            return size > before
                && madvise(start + before, (size - before) / page * page, MADV_FREE) == 0;
        }
    #else
        #define CYRELU_CAN_OFFER 0
        #define cyrelu_offer(start, size) 0
    #endif
    """
    bint CAN_OFFER "CYRELU_CAN_OFFER"
    bint offer "cyrelu_offer"(char* start, size_t size) noexcept nogil

cnp.import_array()

cdef struct Block:  # what lies before the data
    size_t size  # of the data; at least as much as the array needs
    bint is_reused

cdef enum:
    HEADER_BYTES = 64  # a cache line: the data are aligned as they were

cdef size_t keep_bytes = _settings.keep_bytes() if CAN_OFFER else 0
cdef void* kept = NULL  # a Block, or none
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


cdef object begin_keeping():
    """The handler before; None, and nothing done, where it is one that the user chose."""
    if keep_bytes == 0 or PyDataMem_GetHandler() is not numpys:
        return None
    return PyDataMem_SetHandler(handler)


cdef int end_keeping(object before) except -1:
    if before is not None:
        PyDataMem_SetHandler(before)
    return 0


cdef bint is_reused(cnp.ndarray array) noexcept:
    if PyArray_HANDLER(array) != <PyObject*> handler:
        return False
    return block_of(cnp.PyArray_BYTES(array)).is_reused


cdef inline Block* block_of(void* data) noexcept nogil:
    return <Block*> (<char*> data - HEADER_BYTES)


cdef inline void* data_of(Block* block, size_t size, bint is_reused) noexcept nogil:
    """The data of a block new from the system, or NULL where it is NULL."""
    if block == NULL:
        return NULL
    block.size, block.is_reused = size, is_reused
    return <char*> block + HEADER_BYTES


cdef void free_block(Block* block) noexcept nogil:
    if block != NULL:
        system.free(system.ctx, block, block.size + HEADER_BYTES)


cdef void keep(Block* block) noexcept nogil:
    """Keep this one (or none) and no other."""
    free_block(<Block*> exchange_pointer(&kept, block))


cdef Block* new_block(size_t size) noexcept nogil:
    if size > SIZE_MAX - HEADER_BYTES:
        return NULL
    cdef Block* block = <Block*> system.malloc(system.ctx, size + HEADER_BYTES)
    if block == NULL and size >= LEAST_KEPT_BYTES:  # there may be room without the one that is kept
        keep(NULL)
        block = <Block*> system.malloc(system.ctx, size + HEADER_BYTES)
    return block


cdef void* allocate(void* _, size_t size) noexcept nogil:
    cdef Block* block
    if size >= LEAST_KEPT_BYTES:
        block = <Block*> exchange_pointer(&kept, NULL)
        if block != NULL and size <= block.size and block.size - size <= size // 4:
            return data_of(block, block.size, True)
        if block != NULL:
            keep(block)
    return data_of(new_block(size), size, False)


cdef void* allocate_zeros(void* _, size_t count, size_t size) noexcept nogil:
    if size != 0 and count > (SIZE_MAX - HEADER_BYTES) // size:
        return NULL
    cdef Block* block = <Block*> system.calloc(system.ctx, 1, count * size + HEADER_BYTES)
    return data_of(block, count * size, False)


cdef void* reallocate(void* _, void* data, size_t size) noexcept nogil:
    if data == NULL:
        return data_of(new_block(size), size, False)
    if size > SIZE_MAX - HEADER_BYTES:
        return NULL
    cdef void* block = system.realloc(system.ctx, block_of(data), size + HEADER_BYTES)
    return data_of(<Block*> block, size, False)


cdef void release(void* _, void* data, size_t size) noexcept nogil:
    if data == NULL:
        return
    cdef Block* block = block_of(data)
    if LEAST_KEPT_BYTES <= block.size <= keep_bytes and offer(<char*> data, block.size):
        keep(block)
    else:
        free_block(block)


def kept_bytes():
    """How many bytes are kept now, for tests."""
    cdef Block* block = <Block*> exchange_pointer(&kept, NULL)
    cdef size_t size = 0
    if block != NULL:
        size = block.size
        keep(block)
    return size


def set_keep_bytes(size_t size=keep_bytes):
    """Set up to how many bytes a block is kept, and free the one that is.

    For tests and benchmarks; users have the environment variable CYRELU_KEEP_BYTES.
    """
    global keep_bytes
    keep_bytes = size if CAN_OFFER else 0
    keep(NULL)


def keeping():
    """Up to how many bytes a block is kept; None where the system cannot be offered memory."""
    return keep_bytes if CAN_OFFER else None
