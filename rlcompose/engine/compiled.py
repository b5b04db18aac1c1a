"""The compiled side of `Moment`: a value type of three addresses on which the same methods run at no cost.

What numba compiles is cached on disk by `rlcompose.engine.cache`; nothing in this file may be changed without that
cache noticing, which is why its text is part of the hash.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.core import cgutils
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, models, overload, overload_attribute, overload_method, register_model

from rlcompose.engine.layout import (
    FIELD,
    MAX_DURATIONS,
    NO_PITCH,
    NOTE_RING,
    NUM_INTERVAL_SIZES,
    NUM_NEAR_NOTES,
    NUM_NOTE_FIELDS,
    NUM_PAST_FIELDS,
    NUM_POSITIONS,
    PAST_BARS,
    PUBLIC_FIELDS,
)
from rlcompose.engine.moment import (
    BAND_EDGES,
    CHORD_TONES_AT,
    LOGARITHMS_AT,
    LOWEST_OF_BAR,
    MOST_COUNTED,
    NEXT_TONES_AT,
    WINDOW_CLASSES_AT,
    WINDOW_INTERVALS_AT,
    WINDOW_LENGTHS_AT,
    WINDOW_POSITIONS_AT,
    PreviousNote,
    ones_in,
    shared_methods,
    shared_properties,
)
from rlcompose.engine.state import LINKS
from rlcompose.reward import MAX_MEMORY

# The row of int32 fields, an int64 row of links (the addresses of the other rows, in this order), and the floats that
# the term remembers.
_POINTERS = ("now_address", "links_address", "memory_address")
OBS, NOTES, PAST, CONSTANTS = LINKS.values()


NEAR_AT = FIELD["near_1_pitch"]
assert NOTE_RING & (NOTE_RING - 1) == 0


class MomentType(types.Type):
    """The numba type of a `Moment`."""

    def __init__(self) -> None:
        super().__init__(name="Moment")


moment_type = MomentType()
TERM_SIGNATURE = types.float64(moment_type)

# What a compiled term is called by: it asks the term in some rows, one after the other, so that its code stays at hand
# and the branches of its rows are foreseen. Addresses of a block's fields, links and memory (and the bytes from one
# row's memory to the next), of the numbers (int8) of the rows in the block that are asked, and how many these are; the
# weight, and the addresses of its shares and of the rewards. Gives -1, or the row whose value is no number.
_ROWS = (types.intp, types.intp, types.intp, types.int64, types.intp, types.int64)
LOOP_SIGNATURE = types.int64(*_ROWS, types.float64, types.intp, types.intp)


@register_model(MomentType)
class _MomentModel(models.StructModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, [(name, types.intp) for name in _POINTERS])


@infer_getattr
class _MomentAttributes(AttributeTemplate):
    key = MomentType

    def generic_resolve(self, moment: Any, name: str) -> Any:
        if name in FIELD and name in PUBLIC_FIELDS:
            return types.int64  # compiled ints are then as wide as they need to be, like Python's
        return types.intp if name in _POINTERS else None


@lower_getattr_generic(MomentType)
def _load_attribute(context: Any, builder: Any, moment: Any, value: Any, name: str) -> Any:
    struct = cgutils.create_struct_proxy(moment)(context, builder, value=value)
    if name in _POINTERS:
        return getattr(struct, name)
    int32 = ir.IntType(32)
    pointer = builder.inttoptr(struct.now_address, int32.as_pointer())
    field = builder.gep(pointer, [ir.Constant(ir.IntType(64), FIELD[name])])
    return builder.sext(builder.load(field), ir.IntType(64))


def _loader(bits: int) -> Any:
    """A compiled read of one signed integer: (address of the row, index) -> int64."""

    @intrinsic
    def load(typingctx: Any, address: Any, index: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], ir.IntType(bits).as_pointer())
            at = context.cast(builder, args[1], signature.args[1], types.int64)
            return builder.sext(builder.load(builder.gep(pointer, [at])), ir.IntType(64))

        return types.int64(types.intp, index), codegen

    return load


load_int8 = _loader(8)
load_int16 = _loader(16)
load_int32 = _loader(32)
load_int64 = _loader(64)


@intrinsic
def load_float64(typingctx: Any, address: Any, index: Any) -> Any:
    """A compiled read of one float64: (address of the row, index) -> float64."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.inttoptr(args[0], ir.DoubleType().as_pointer())
        at = context.cast(builder, args[1], signature.args[1], types.int64)
        return builder.load(builder.gep(pointer, [at]))

    return types.float64(types.intp, index), codegen


@overload_method(MomentType, "tone_of")
def _tone_of(m: Any, pitch: Any) -> Any:
    def implementation(m: Any, pitch: Any) -> Any:
        return load_int16(load_int64(m.links_address, OBS), CHORD_TONES_AT + pitch % 12)

    return implementation


@overload_method(MomentType, "next_tone_of")
def _next_tone_of(m: Any, pitch: Any) -> Any:
    def implementation(m: Any, pitch: Any) -> Any:
        return load_int16(load_int64(m.links_address, OBS), NEXT_TONES_AT + pitch % 12)

    return implementation


@overload_method(MomentType, "previous")
def _previous(m: Any, k: Any) -> Any:
    def implementation(m: Any, k: Any) -> Any:
        # Most terms look one to three notes back: those stand in the fields, at places that are known when compiling.
        if 1 <= k <= NUM_NEAR_NOTES:
            row = m.now_address
            at = NEAR_AT + (k - 1) * NUM_NOTE_FIELDS
        else:
            index = m.num_notes - k - 1 + m.is_rest
            if index < 0 or k < 1 or k > NOTE_RING - 2:
                return PreviousNote(NO_PITCH, 0, 0, 0, 0, 0, 0, -1, NO_PITCH)
            row = load_int64(m.links_address, NOTES)
            at = (index & (NOTE_RING - 1)) * NUM_NOTE_FIELDS
        return PreviousNote(
            load_int32(row, at),
            load_int32(row, at + 1),
            load_int32(row, at + 2),
            load_int32(row, at + 3),
            load_int32(row, at + 4),
            load_int32(row, at + 5),
            load_int32(row, at + 6),
            load_int32(row, at + 7),
            load_int32(row, at + 8),
        )

    return implementation


@overload_method(MomentType, "bar_past")
def _bar_past(m: Any, k: Any, field: Any) -> Any:
    def implementation(m: Any, k: Any, field: Any) -> Any:
        bar = m.bar - k
        if bar < 0 or k < 0 or k >= PAST_BARS:
            return NO_PITCH if field >= LOWEST_OF_BAR else 0
        return load_int64(load_int64(m.links_address, PAST), bar % PAST_BARS * NUM_PAST_FIELDS + field)

    return implementation


@overload_method(MomentType, "window_class")
def _window_class(m: Any, pitch: Any) -> Any:
    def implementation(m: Any, pitch: Any) -> Any:
        return load_int32(m.now_address, WINDOW_CLASSES_AT + pitch % 12)

    return implementation


@overload_method(MomentType, "window_interval")
def _window_interval(m: Any, size: Any) -> Any:
    def implementation(m: Any, size: Any) -> Any:
        return load_int32(m.now_address, WINDOW_INTERVALS_AT + min(max(size, 0), NUM_INTERVAL_SIZES - 1))

    return implementation


@overload_method(MomentType, "window_position")
def _window_position(m: Any, ticks: Any) -> Any:
    def implementation(m: Any, ticks: Any) -> Any:
        return load_int32(m.now_address, WINDOW_POSITIONS_AT + ticks % NUM_POSITIONS)

    return implementation


@overload_method(MomentType, "window_length")
def _window_length(m: Any, number: Any) -> Any:
    def implementation(m: Any, number: Any) -> Any:
        return load_int32(m.now_address, WINDOW_LENGTHS_AT + min(max(number, 0), MAX_DURATIONS - 1))

    return implementation


@overload_method(MomentType, "band_edge")
def _band_edge(m: Any, feature: Any, edge: Any) -> Any:
    def implementation(m: Any, feature: Any, edge: Any) -> Any:
        return load_float64(load_int64(m.links_address, CONSTANTS), feature * BAND_EDGES + edge)

    return implementation


@overload_method(MomentType, "n_log_n")
def _n_log_n(m: Any, count: Any) -> Any:
    def implementation(m: Any, count: Any) -> Any:
        at = LOGARITHMS_AT + min(max(count, 0), MOST_COUNTED)
        return load_float64(load_int64(m.links_address, CONSTANTS), at)

    return implementation


@overload_attribute(MomentType, "memory")
def _memory(m: Any) -> Any:
    def implementation(m: Any) -> Any:
        return carray(pointer_to(m.memory_address, np.float64), (MAX_MEMORY,))

    return implementation


@overload(ones_in)
def _ones_in(bits: int) -> Any:
    return ones_in


@overload(float, strict=False)
def _float_of_truth(x: Any) -> Any:
    """`float(m.is_note)`, which numba lacks and authors of terms write."""
    if not isinstance(x, types.Boolean):
        return None
    return lambda x: 1.0 if x else 0.0


def _register_method(name: str, method: Any) -> None:
    # The arguments are spelled out: numba lowers neither `*args` nor a default in their place.
    match list(inspect.signature(method).parameters)[1:]:
        case ["pitch"]:
            overload_method(MomentType, name, strict=False)(lambda m, pitch: method)
        case ["k"]:
            overload_method(MomentType, name, strict=False)(lambda m, k: method)
        case ["feature", "value"]:
            overload_method(MomentType, name, strict=False)(lambda m, feature, value: method)
        case arguments:
            raise TypeError(f"Moment.{name} takes {arguments}: add a line here")


def _register_shared() -> None:
    for name, method in shared_methods().items():
        _register_method(name, method)
    for name, getter in shared_properties().items():
        overload_attribute(MomentType, name, strict=False)(lambda m, _getter=getter: _getter)


_register_shared()


@intrinsic
def moment_at(typingctx: Any, now: Any, links: Any, memory: Any) -> Any:
    """The moment of the row whose three addresses these are."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        moment = cgutils.create_struct_proxy(moment_type)(context, builder)
        moment.now_address, moment.links_address, moment.memory_address = args
        return moment._getvalue()

    return moment_type(types.intp, types.intp, types.intp), codegen


@intrinsic
def call_loop(typingctx: Any, address: Any, arguments: Any) -> Any:
    """Call a compiled term by its native address: (address, tuple of `LOOP_SIGNATURE`) -> (status, row or -1).

    The status is 0 unless the term raised; going by address lets terms be added without compiling the step again.
    """
    result = types.Tuple((types.int32, types.int64))
    expected = types.Tuple(LOOP_SIGNATURE.args)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        given = context.cast(builder, args[1], signature.args[1], expected)
        values = [builder.extract_value(given, number) for number in range(len(LOOP_SIGNATURE.args))]
        convention = context.call_conv
        function_type = convention.get_function_type(types.int64, LOOP_SIGNATURE.args)
        function = builder.inttoptr(args[0], function_type.as_pointer())
        status, value = convention.call_function(builder, function, types.int64, LOOP_SIGNATURE.args, values)
        return context.make_tuple(builder, result, [status.code, value])

    return result(types.intp, expected), codegen


def _storer(kind: Any) -> Any:
    """A compiled write of one number: (address of the row, index, value)."""

    @intrinsic
    def store(typingctx: Any, address: Any, index: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            pointer = builder.inttoptr(args[0], kind.as_pointer())
            at = context.cast(builder, args[1], signature.args[1], types.int64)
            builder.store(args[2], builder.gep(pointer, [at]))
            return context.get_dummy_value()

        return types.void(types.intp, index, types.float64), codegen

    return store


store_float64 = _storer(ir.DoubleType())


@intrinsic
def pointer_to(typingctx: Any, address: Any, dtype: Any) -> Any:
    """The pointer that an integer address stands for, for numba's `carray`."""
    pointer = types.CPointer(dtype.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(types.intp, dtype), codegen
