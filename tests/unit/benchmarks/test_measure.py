"""A process is measured from start to exit, with the memory of its children."""

import os
import sys

import pytest

from benchmarks.measure import measured

HOLD = "import time; held = bytearray(80_000_000); time.sleep(0.4)"


def test_the_memory_of_children_counts():
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {HOLD!r}])"
    run = measured([sys.executable, "-c", child], os.environ)
    assert 80e6 < run.peak < 200e6
    assert run.seconds > 0.4
    assert run.ended - run.began == pytest.approx(run.seconds)


def test_what_fails_is_told_with_what_it_said():
    with pytest.raises(RuntimeError, match="no such thing"):
        measured([sys.executable, "-c", "raise SystemExit('no such thing')"], os.environ)
