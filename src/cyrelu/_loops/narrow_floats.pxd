# Floats of 16 bits, or fewer: an operation over them, by way of float, block by block. It is right
# for every formula; the operations that select have a loop for 16 bits of their own (floats16.pxd).

from libc.stdint cimport uint8_t, uint16_t

cimport cyrelu._loops.tags as tags
from cyrelu._loops.contiguous cimport run_floats
from cyrelu._loops.conversions cimport narrow, widen
from cyrelu._loops.operations cimport OPERAND_COUNT, OUT
from cyrelu._loops.tags cimport Factors, Floats16, NarrowFloats, Op
from cyrelu._loops.types cimport Operands, OperandSet

cdef enum:
    NARROW_BLOCK = 512  # elements that are converted at once


cdef inline void run_by_way_of_float(
    Op* op,
    Factors* factors,
    NarrowFloats* dtype,
    const Operands* operands,
    Py_ssize_t n,
    OperandSet arrays,
) noexcept nogil:
    cdef Py_ssize_t item = sizeof(uint16_t) if NarrowFloats in Floats16 else sizeof(uint8_t)
    cdef float[OPERAND_COUNT][NARROW_BLOCK] numbers
    cdef Operands block
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t m
    cdef int k
    for k in range(OPERAND_COUNT):
        block.data[k] = <char*> numbers[k]
    while start < n:
        m = min(n - start, <Py_ssize_t> NARROW_BLOCK)
        for k in range(OUT):
            if arrays >> k & 1:
                widen_all(dtype, operands.data[k] + start * item, numbers[k], m)
            elif start == 0 and operands.data[k] != NULL:
                widen_all(dtype, operands.data[k], numbers[k], 1)
        run_floats[Op, Factors, tags.Float32](NULL, NULL, NULL, &block, m, arrays)
        narrow_all(dtype, numbers[OUT], operands.data[OUT] + start * item, m)
        start += m


cdef inline void widen_all(
    NarrowFloats* dtype, const char* source, float* numbers, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if NarrowFloats in Floats16:
            numbers[i] = widen(dtype, (<const uint16_t*> source)[i])
        else:
            numbers[i] = widen(dtype, (<const uint8_t*> source)[i])


cdef inline void narrow_all(
    NarrowFloats* dtype, const float* numbers, char* to, Py_ssize_t n
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(n):
        if NarrowFloats in Floats16:
            (<uint16_t*> to)[i] = narrow(dtype, numbers[i])
        else:
            (<uint8_t*> to)[i] = <uint8_t> narrow(dtype, numbers[i])
