"""Compile many terms on two cores: a second process does half of them into the cache, from where they are loaded.

`python -m rlcompose.engine.ahead` compiles the step, all built-in terms and the judge, as setting up does once; with
names behind it, these terms.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from rlcompose.engine.cache import compiled_folder, engine_source, import_kernel, is_cached
from rlcompose.engine.terms import NotCompilable, compile_term, is_built_in, term_source
from rlcompose.reward import Term, load_terms

FEW = 6  # starting a process costs as much as compiling some terms
_HELPER = "RLCOMPOSE_COMPILES_AHEAD"  # set in the second process, which does not start a third


def uncompiled(terms: Sequence[Term]) -> list[Term]:
    """The built-in terms among these for which no machine code is at hand."""
    own = [term for term in terms if is_built_in(term) and not term.batched]
    return [term for term in own if not is_cached("term", term_source(term))]


def compile_ahead(terms: Sequence[Term]) -> None:
    """Compile those of the terms that are built in and not at hand; quietly nothing where that would not be faster."""
    if os.environ.get(_HELPER) or (os.cpu_count() or 1) < 2 or compiled_folder() is None:
        return
    missing = uncompiled(terms)
    if len(missing) < FEW:
        return
    # Compiling the step takes about as long as compiling all terms; it is imported here for whoever comes next.
    is_new = not is_cached("kernel", engine_source("kernel.py"))
    ours, theirs = ([], missing) if is_new else (missing[::2], missing[1::2])
    command = [sys.executable, "-m", "rlcompose.engine.ahead", *(term.name for term in theirs)]
    helper = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_environment()
    )
    try:
        if is_new:
            import_kernel()
        compile_all(ours)
        helper.wait()
    finally:
        if helper.poll() is None:  # after Ctrl-C
            helper.terminate()
            helper.wait()


def _environment() -> dict[str, str]:
    # The folder that holds this package comes first, so that the second process compiles the very same sources.
    here = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    paths = os.pathsep.join([here, *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, _HELPER: "1", "PYTHONPATH": paths}


def compile_all(terms: Sequence[Term]) -> None:
    """Compile terms, one after the other; one that cannot be is told of when it is used."""
    for term in terms:
        try:
            compile_term(term)
        except NotCompilable:
            continue


def main(names: Sequence[str]) -> int:
    """Compile the built-in terms of these names; without any the step and all of them."""
    known = load_terms()
    if names:
        compile_all([known[name] for name in names if name in known])
        return 0
    from rlcompose.engine.core import prepare_term, sample_moments

    terms = list(known.values())
    compile_ahead(terms)
    sample_moments()
    for term in terms:
        prepare_term(term)
    from rlcompose.learned.compiled import kernel

    kernel()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
