import hashlib
import subprocess
import sys

import pytest

from kernels.digest import file_sha256


def test_the_digest_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "weights.bin"
    content = bytes(range(256)) * 5000
    path.write_bytes(content)
    assert file_sha256(path) == hashlib.sha256(content).hexdigest()
    path.write_bytes(content[:-1])
    assert file_sha256(path) != hashlib.sha256(content).hexdigest()


def test_a_file_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        file_sha256(tmp_path / "missing")


def test_downloads_are_checked_without_torch():
    script = "import sys, applier.models.download; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
