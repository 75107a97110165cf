"""The certificate of a server of the control plane follows its files, and stays while they cannot be used."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from edge.control.serving.identity import Files, Identity
from tests.support.certificates import self_signed


def written(folder: Path) -> Files:
    """Files with a certificate, in FOLDER."""
    pair = self_signed("edge.example")
    (folder / "tls.crt").write_bytes(pair.certificate)
    (folder / "tls.key").write_bytes(pair.key)
    return Files(str(folder / "tls.crt"), str(folder / "tls.key"), "")


def test_files_that_could_not_be_used_are_read_again(tmp_path: Path) -> None:
    """Also where they look the same: a key that was not readable yet, for example."""
    files = written(tmp_path)
    key = Path(files.key)
    good, times = key.read_bytes(), key.stat()
    key.write_bytes(b"x" * len(good))
    os.utime(key, ns=(times.st_atime_ns, times.st_mtime_ns))
    one = Identity("webhook", files, insists=False)
    assert one.context() is None
    key.write_bytes(good)
    os.utime(key, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert one.context() is not None


def test_the_last_certificate_stays_and_the_log_says_once_why(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    files = written(tmp_path)
    one = Identity("webhook", files, insists=False)
    before = one.context()
    Path(files.certificate).unlink()
    with caplog.at_level(logging.WARNING):
        assert [one.context() for _ in range(3)] == [before] * 3
    (line,) = [record.getMessage() for record in caplog.records]
    assert files.certificate in line
    assert line.endswith("the last certificate stays in use")
    written(tmp_path)
    assert one.context() not in (None, before)
    caplog.clear()
    Path(files.certificate).unlink()
    one.context()
    assert len(caplog.records) == 1
