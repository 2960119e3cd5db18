import subprocess
import sys

import pytest

from applier.server.malloc import return_large_blocks

# Frees a large block, which raises glibc's threshold, and then others that lie below one that stays.
HOLDS_ON = """
import ctypes, sys
from pathlib import Path
from applier.server.malloc import return_large_blocks
if sys.argv[1] == "returned":
    return_large_blocks()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
def block(size):
    at = libc.malloc(size)
    ctypes.memset(at, 1, size)
    return at
libc.free(block(30 << 20))
blocks = [block(8 << 20) for _ in range(20)]
last = block(100_000)
for at in blocks:
    libc.free(at)
fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
print(int(fields["VmRSS"].split()[0]) // 1024)
"""


def held(how: str) -> int:
    done = subprocess.run([sys.executable, "-c", HOLDS_ON, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not return_large_blocks(), reason="no glibc")
def test_a_burst_of_large_blocks_is_given_back():
    assert held("returned") + 100 < held("kept")
