"""The compiled side of `Moment`: a value type of three addresses on which the same methods run at no cost.

What numba compiles is cached on disk by `rlcompose.engine.cache`; nothing in this file may be changed without that
cache noticing, which is why its text is part of the hash.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.imputils import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic, models, overload, overload_attribute, overload_method, register_model

from rlcompose.engine.layout import FIELD, NO_PITCH, NOTE_RING, NUM_NOTE_FIELDS, PUBLIC_FIELDS
from rlcompose.engine.moment import (
    CHORD_TONES_AT,
    NEXT_TONES_AT,
    PreviousNote,
    shared_methods,
    shared_properties,
)

_POINTERS = ("now_address", "obs_address", "notes_address")  # rows of int32 fields, int16 observation, int32 note ring


class MomentType(types.Type):
    """The numba type of a `Moment`."""

    def __init__(self) -> None:
        super().__init__(name="Moment")


moment_type = MomentType()
TERM_SIGNATURE = types.float64(moment_type)


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


load_int16 = _loader(16)
load_int32 = _loader(32)


@overload_method(MomentType, "tone_of")
def _tone_of(m: Any, pitch: Any) -> Any:
    def implementation(m: Any, pitch: Any) -> Any:
        return load_int16(m.obs_address, CHORD_TONES_AT + pitch % 12)

    return implementation


@overload_method(MomentType, "next_tone_of")
def _next_tone_of(m: Any, pitch: Any) -> Any:
    def implementation(m: Any, pitch: Any) -> Any:
        return load_int16(m.obs_address, NEXT_TONES_AT + pitch % 12)

    return implementation


@overload_method(MomentType, "previous")
def _previous(m: Any, k: Any) -> Any:
    def implementation(m: Any, k: Any) -> Any:
        index = m.num_notes - k - 1 + m.is_rest
        if index < 0 or k < 1 or k > NOTE_RING - 2:
            return PreviousNote(NO_PITCH, 0, 0, 0, 0, 0, 0, -1)
        at = (index % NOTE_RING) * NUM_NOTE_FIELDS
        row = m.notes_address
        return PreviousNote(
            load_int32(row, at),
            load_int32(row, at + 1),
            load_int32(row, at + 2),
            load_int32(row, at + 3),
            load_int32(row, at + 4),
            load_int32(row, at + 5),
            load_int32(row, at + 6),
            load_int32(row, at + 7),
        )

    return implementation


@overload(float, strict=False)
def _float_of_truth(x: Any) -> Any:
    """`float(m.is_note)`, which numba lacks and authors of terms write."""
    if not isinstance(x, types.Boolean):
        return None
    return lambda x: 1.0 if x else 0.0


def _register_method(name: str, method: Any) -> None:
    # Every shared method takes a pitch. It is spelled out: numba lowers neither `*args` nor a default in its place.
    overload_method(MomentType, name, strict=False)(lambda m, pitch: method)


def _register_shared() -> None:
    for name, method in shared_methods().items():
        _register_method(name, method)
    for name, getter in shared_properties().items():
        overload_attribute(MomentType, name, strict=False)(lambda m, _getter=getter: _getter)


_register_shared()


@intrinsic
def call_term(typingctx: Any, address: Any, now: Any, obs: Any, notes: Any) -> Any:
    """Call a compiled term by its native address: (address, three row addresses) -> (status, value).

    The status is 0 unless the term raised; going by address lets terms be added without compiling the step again.
    """
    result = types.Tuple((types.int32, types.float64))

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        moment = cgutils.create_struct_proxy(moment_type)(context, builder)
        moment.now_address, moment.obs_address, moment.notes_address = args[1], args[2], args[3]
        convention = context.call_conv
        function_type = convention.get_function_type(types.float64, [moment_type])
        function = builder.inttoptr(args[0], function_type.as_pointer())
        status, value = convention.call_function(builder, function, types.float64, [moment_type], [moment._getvalue()])
        return context.make_tuple(builder, result, [status.code, value])

    return result(types.intp, types.intp, types.intp, types.intp), codegen


@intrinsic
def pointer_to(typingctx: Any, address: Any, dtype: Any) -> Any:
    """The pointer that an integer address stands for, for numba's `carray`."""
    pointer = types.CPointer(dtype.dtype)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(pointer))

    return pointer(types.intp, dtype), codegen
