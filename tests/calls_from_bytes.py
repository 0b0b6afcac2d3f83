"""Decodes bytes into calls of the package: any dtypes, shapes, strides and overlaps.

The fuzzer runs these calls. Their arrays are views of a few buffers, with arbitrary offsets,
alignment and overlap. The buffers can be compared after the call.
"""

import functools
from dataclasses import dataclass, field

import numpy as np
from cases import CASES, FACTORS, bfloat16, sample

import cyrelu

SMALL, LARGE = 1 << 12, 1 << 20  # bytes of a buffer; LARGE reaches the strided path and threads
SIDES = {
    SMALL: [3, 1, 2, 0, 4, 5, 8, 17, 65, 129],
    LARGE: [300, 1100, 63, 64, 65, 3, 2, 17, 129, 9000, 30000, 1, 0],
}
BFLOAT16 = [np.dtype(bfloat16)] if bfloat16 else []
COMPUTED = ["f4", "f8", "f4", "f8", "f2", *BFLOAT16, "i1", "u2", "i4", "i8", "u8"]
DTYPES = [">f4", ">f8", ">i4", "f2", *BFLOAT16, "i1", "u2", "i4", "i8", "c8", "U1", "M8[s]", "V4"]
OUT_DTYPES = [">f4", ">f8", ">i4", "f2", *BFLOAT16, "i4"]


class Choices:
    """Choices made by bytes, one after another; the first option once no bytes are left."""

    def __init__(self, data):
        self.bytes = iter(data)

    def below(self, n):
        value = 0
        for _ in range(0, (n - 1).bit_length(), 8):
            value = value << 8 | next(self.bytes, 0)
        return value % n

    def among(self, choices):
        return choices[self.below(len(choices))]

    def once_in(self, n):
        return self.below(n) == n - 1


@dataclass
class Call:
    case: object
    as_ufunc: bool
    threads: int
    buffers: list
    operands: dict = field(default_factory=dict)
    keywords: dict = field(default_factory=dict)

    def __call__(self):
        call = self.case.call_ufunc if self.as_ufunc else self.case.call
        with cyrelu.num_threads(self.threads), np.errstate(all="ignore"):
            return call(self.operands, **self.keywords)

    @property
    def out(self):
        out = self.keywords.get("out")
        return out[0] if type(out) is tuple else out

    def __str__(self):
        given = {**self.operands, **self.keywords, "out": self.out}
        words = [f"{name}={self.described(value)}" for name, value in given.items()]
        kind = "ufuncs." if self.as_ufunc else ""
        return f"{kind}{self.case.name}({', '.join(words)}), {self.threads} thread(s)"

    def described(self, value):
        if not isinstance(value, np.ndarray):
            return repr(value)
        place = f"buffer {self.place(value)}" if value.size else "no buffer"
        return f"<{value.dtype} {value.shape} by {value.strides} in {place}>"

    def place(self, array):
        """The index of the buffer in which an array begins, and the offset there."""
        address = array.__array_interface__["data"][0]
        for k, buffer in enumerate(self.buffers):
            if 0 <= address - buffer.ctypes.data < buffer.nbytes:
                return k, address - buffer.ctypes.data
        raise LookupError("an array outside of all buffers")


def call_from(data):
    """The call that these bytes encode."""
    choices = Choices(data)
    size = choices.among([SMALL, SMALL, LARGE])
    main = choices.among(COMPUTED)
    shared = numbers(size, main, choices.below(4)).copy()
    call = Call(choices.among(CASES), choices.once_in(4), 1 + choices.below(2), [shared])
    shape = a_shape(choices, size)
    for name in call.case.operands:
        if name in call.case.factors and not choices.once_in(4):
            factors = [*FACTORS.values(), np.float32(3), np.float64(3)]
            call.operands[name] = choices.among(factors)
            continue
        if choices.once_in(2):
            call.buffers.append(shared.copy())
        dtype = choices.among(DTYPES) if choices.once_in(16) else main
        call.operands[name] = a_view(choices, call.buffers[-1], dtype, part_of(choices, shape))
    if not choices.once_in(3):
        call.keywords["out"] = an_out(choices, call, main, shape)
        if choices.once_in(4):
            call.buffers.append(np.equal(shared % 3, 0).view(np.uint8))
            where = a_view(choices, call.buffers[-1], "?", part_of(choices, shape))
            call.keywords["where"] = where
    keyword = choices.among(["", "", "", "", "dtype", "casting", "order", "subok"])
    if keyword:
        values = {
            "dtype": ["f4", "f8", "f2", *BFLOAT16],
            "casting": ["safe", "unsafe", "same_kind"],
            "order": "CFAK",
            "subok": [False, True],
        }
        call.keywords[keyword] = choices.among(values[keyword])
    return call


@functools.cache
def numbers(size, dtype, seed):
    if np.dtype(dtype).kind in "iu":
        return np.random.default_rng(seed).integers(0, 256, size, np.uint8)
    return sample(np.dtype(dtype).type, size // np.dtype(dtype).itemsize, seed).view(np.uint8)


def a_shape(choices, size):
    shape = []
    room = size // 24  # elements of 8 bytes, and out may have three times as many
    for _ in range(choices.among([2, 3, 1, 4, 0])):
        side = choices.among(SIDES[size])
        if room >= side:
            room //= max(1, side)
            shape.append(side)
    return tuple(shape)


def part_of(choices, shape):
    """Mostly the shape itself, sometimes one that broadcasts to it, rarely one that does not."""
    if not choices.once_in(4):
        return shape
    if choices.once_in(16):
        return (7,)
    shape = shape[choices.below(len(shape) + 1) :]
    return tuple(1 if choices.once_in(2) else side for side in shape)


def a_view(choices, buffer, dtype, shape):
    """An array at some offset in this buffer: contiguous, or with arbitrary strides that fit."""
    item = np.dtype(dtype).itemsize
    array = np.empty(shape, dtype)
    strides = list(array.strides)
    if choices.once_in(2):
        step = item * choices.among([1, 1, 1, 2, 3])
        axes = list(range(len(shape)))
        axes = choices.among([axes[::-1], axes, axes[1:] + axes[:1]])
        for axis in axes:
            strides[axis] = step * choices.among([1, 1, 1, -1, -1, 2, 0])
            padding = choices.among([0, 0, 1, 2, -1]) * item
            step = max(item, abs(step) * shape[axis] + padding)
    reaches = [(side - 1) * stride for side, stride in zip(shape, strides, strict=True)]
    reach = sum(map(abs, reaches)) + item
    if reach > buffer.nbytes or array.size == 0:
        strides, reaches, reach = array.strides, [], max(item, array.nbytes)
    start = choices.below(buffer.nbytes - reach + 1)
    if not choices.once_in(8):
        start -= start % item
    start -= sum(reach for reach in reaches if reach < 0)
    return np.ndarray(shape, dtype, buffer.data, start, strides)


def an_out(choices, call, main, shape):
    if choices.once_in(3):
        out = call.operands[choices.among(call.case.arrays)]
    else:
        if choices.once_in(8):
            shape = (choices.among([2, 1, 3]), *shape)
        if choices.once_in(32):
            shape = shape[1:]
        dtype = choices.among(OUT_DTYPES) if choices.once_in(8) else main
        out = a_view(choices, choices.among(call.buffers), dtype, shape)
        out.flags.writeable = not choices.once_in(32)
    return (out,) if choices.once_in(8) else out
