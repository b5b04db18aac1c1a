"""The compiled side of `Moment`: a value type of a few addresses on which the same methods run at no cost.

What numba compiles is cached on disk by `rlcompose.engine.cache`; nothing in this file may be changed without that
cache noticing, which is why its text is part of the hash.
"""

from __future__ import annotations

import inspect
from functools import cache
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
    NUM_FIELDS,
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
    LOGARITHMS_AT,
    LOWEST_OF_BAR,
    MOST_COUNTED,
    WINDOW_CLASSES_AT,
    WINDOW_INTERVALS_AT,
    WINDOW_LENGTHS_AT,
    WINDOW_POSITIONS_AT,
    PreviousNote,
    ones_in,
    shared_methods,
    shared_properties,
)
from rlcompose.engine.state import LANES, LINKS

OBS, NOTES, PAST, CONSTANTS = LINKS.values()

# A moment is a place in a block of rows: the address of the block's fields and the number of the row, the address of
# its links (an int64 row of addresses for each row), and that of what the term remembers, with the bytes from one row
# to the next. The addresses stay the same from row to row, which lets LLVM see what is read when and work on several
# rows at once.
_ADDRESSES = ("fields", "links", "memory", "memory_step")
_PARTS = (*_ADDRESSES, "row")


NEAR_AT, CHORD_TONES, NEXT_TONES = FIELD["near_1_pitch"], FIELD["chord_tones"], FIELD["next_tones"]
assert NOTE_RING & (NOTE_RING - 1) == 0


class MomentType(types.Type):
    """The numba type of a `Moment`: in rows (a row's fields side by side) or in columns (a field's rows side by side).

    At every note most terms have something to do, and what they find is as good as random: asked one row after the
    other they cost mostly mispredicted branches. In columns LLVM turns the branches into masks and asks eight at once.
    """

    def __init__(self, is_in_columns: bool, memory: int) -> None:
        """A moment in columns or in rows, of a term that remembers so many floats."""
        super().__init__(name=f"Moment{' in columns' if is_in_columns else ''}, {memory} remembered")
        self.memory = memory
        # How many bytes lie between a field and the next one, and between a row and the next one.
        self.field_bytes, self.row_bytes = (4 * LANES, 4) if is_in_columns else (4, 4 * NUM_FIELDS)


# What a compiled term is called by: the four addresses of a block, the address of int8 (rows,), the number of rows,
# the weight, and the addresses of the block's shares and rewards. In rows the int8 are the numbers of the rows that
# are asked; in columns all rows are, and the int8 tell where it counts. Gives 0, or 1 where a value was no number.
LOOP_SIGNATURE = types.int64(
    *[types.intp] * len(_ADDRESSES), types.intp, types.int64, types.float64, types.intp, types.intp
)


@register_model(MomentType)
class _MomentModel(models.StructModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, [(name, types.int64) for name in _PARTS])


@infer_getattr
class _MomentAttributes(AttributeTemplate):
    key = MomentType

    def generic_resolve(self, moment: Any, name: str) -> Any:
        # Compiled ints are as wide as they need to be, like Python's.
        return types.int64 if name in FIELD and name in PUBLIC_FIELDS else None


_INT8, _INT32, _INT64, _DOUBLE = ir.IntType(8), ir.IntType(32), ir.IntType(64), ir.DoubleType()


def _read_field(builder: Any, struct: Any, moment: Any, offset: Any) -> Any:
    """Read the field that lies `offset` bytes from a row's first one."""
    block = builder.inttoptr(struct.fields, _INT8.as_pointer())
    row = builder.gep(block, [builder.mul(struct.row, _INT64(moment.row_bytes))])
    field = builder.bitcast(builder.gep(row, [offset]), _INT32.as_pointer())
    return builder.sext(builder.load(field), _INT64)


@lower_getattr_generic(MomentType)
def _load_attribute(context: Any, builder: Any, moment: Any, value: Any, name: str) -> Any:
    struct = cgutils.create_struct_proxy(moment)(context, builder, value=value)
    return _read_field(builder, struct, moment, _INT64(FIELD[name] * moment.field_bytes))


@intrinsic
def read_field(typingctx: Any, m: Any, number: Any) -> Any:
    """A field by its number."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        moment = signature.args[0]
        struct = cgutils.create_struct_proxy(moment)(context, builder, value=args[0])
        at = context.cast(builder, args[1], signature.args[1], types.int64)
        return _read_field(builder, struct, moment, builder.mul(at, _INT64(moment.field_bytes)))

    return types.int64(m, number), codegen


@intrinsic
def link_of(typingctx: Any, m: Any, link: Any) -> Any:
    """The address of another row of the moment's, by its number among `LINKS`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        struct = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=args[0])
        at = context.cast(builder, args[1], signature.args[1], types.int64)
        place = builder.add(builder.mul(struct.row, _INT64(len(LINKS))), at)
        return builder.load(builder.gep(builder.inttoptr(struct.links, _INT64.as_pointer()), [place]))

    return types.intp(m, link), codegen


@intrinsic
def memory_of(typingctx: Any, m: Any) -> Any:
    """The address of what the term remembers of the moment's row."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        struct = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=args[0])
        return builder.add(struct.memory, builder.mul(struct.row, struct.memory_step))

    return types.intp(m), codegen


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
        return read_field(m, CHORD_TONES) >> 2 * (pitch % 12) & 3

    return implementation


@overload_method(MomentType, "next_tone_of")
def _next_tone_of(m: Any, pitch: Any) -> Any:
    def implementation(m: Any, pitch: Any) -> Any:
        return read_field(m, NEXT_TONES) >> 2 * (pitch % 12) & 3

    return implementation


@overload_method(MomentType, "previous")
def _previous(m: Any, k: Any) -> Any:
    def implementation(m: Any, k: Any) -> Any:
        # Most terms look one to three notes back: those stand in the fields, at places that are known when compiling.
        if 1 <= k <= NUM_NEAR_NOTES:
            at = NEAR_AT + (k - 1) * NUM_NOTE_FIELDS
            return PreviousNote(
                read_field(m, at),
                read_field(m, at + 1),
                read_field(m, at + 2),
                read_field(m, at + 3),
                read_field(m, at + 4),
                read_field(m, at + 5),
                read_field(m, at + 6),
                read_field(m, at + 7),
                read_field(m, at + 8),
            )
        index = m.num_notes - k - 1 + m.is_rest
        if index < 0 or k < 1 or k > NOTE_RING - 2:
            return PreviousNote(NO_PITCH, 0, 0, 0, 0, 0, 0, -1, NO_PITCH)
        row = link_of(m, NOTES)
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
        return load_int64(link_of(m, PAST), bar % PAST_BARS * NUM_PAST_FIELDS + field)

    return implementation


@overload_method(MomentType, "window_class")
def _window_class(m: Any, pitch: Any) -> Any:
    def implementation(m: Any, pitch: Any) -> Any:
        return read_field(m, WINDOW_CLASSES_AT + pitch % 12)

    return implementation


@overload_method(MomentType, "window_interval")
def _window_interval(m: Any, size: Any) -> Any:
    def implementation(m: Any, size: Any) -> Any:
        return read_field(m, WINDOW_INTERVALS_AT + min(max(size, 0), NUM_INTERVAL_SIZES - 1))

    return implementation


@overload_method(MomentType, "window_position")
def _window_position(m: Any, ticks: Any) -> Any:
    def implementation(m: Any, ticks: Any) -> Any:
        return read_field(m, WINDOW_POSITIONS_AT + ticks % NUM_POSITIONS)

    return implementation


@overload_method(MomentType, "window_length")
def _window_length(m: Any, number: Any) -> Any:
    def implementation(m: Any, number: Any) -> Any:
        return read_field(m, WINDOW_LENGTHS_AT + min(max(number, 0), MAX_DURATIONS - 1))

    return implementation


@overload_method(MomentType, "band_edge")
def _band_edge(m: Any, feature: Any, edge: Any) -> Any:
    def implementation(m: Any, feature: Any, edge: Any) -> Any:
        return load_float64(link_of(m, CONSTANTS), feature * BAND_EDGES + edge)

    return implementation


@overload_method(MomentType, "n_log_n")
def _n_log_n(m: Any, count: Any) -> Any:
    def implementation(m: Any, count: Any) -> Any:
        at = LOGARITHMS_AT + min(max(count, 0), MOST_COUNTED)
        return load_float64(link_of(m, CONSTANTS), at)

    return implementation


@overload_attribute(MomentType, "memory")
def _memory(m: Any) -> Any:
    size = m.memory  # of this term: an index beyond it must not reach what others remember

    def implementation(m: Any) -> Any:
        return carray(pointer_to(memory_of(m), np.float64), (size,))

    return implementation


@intrinsic
def _count_ones(typingctx: Any, bits: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctpop(args[0])

    return types.int64(types.int64), codegen


@overload(ones_in)
def _ones_in(bits: Any) -> Any:
    def implementation(bits: Any) -> Any:
        return _count_ones(bits)

    return implementation


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


@cache
def moments(is_in_columns: bool, memory: int) -> Any:
    """What makes the moment of a row: (the four addresses of a block, the number of the row)."""
    moment_type = MomentType(is_in_columns, memory)

    @intrinsic
    def moment(typingctx: Any, fields: Any, links: Any, memory: Any, memory_step: Any, row: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            struct = cgutils.create_struct_proxy(moment_type)(context, builder)
            for name, value in zip(_PARTS, args, strict=True):
                setattr(struct, name, value)
            return struct._getvalue()

        return moment_type(*[types.int64] * len(_PARTS)), codegen

    return moment


@intrinsic
def call_loop(typingctx: Any, address: Any, arguments: Any) -> Any:
    """Call a compiled term by its native address: (address, tuple of `LOOP_SIGNATURE`) -> (status, 1 if it failed).

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
