"""Log lines."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from collections.abc import Iterator

import pytest

from edge.settings import Settings
from edge.system import logs


@pytest.fixture(autouse=True)
def root() -> Iterator[None]:
    """Logging as it was before."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield
    logger.handlers[:], logger.level = handlers, level


def configured(**settings: str) -> logging.Logger:
    logs.configure(Settings(**settings), process="control")  # type: ignore[arg-type]
    return logging.getLogger("edge.some.module")


def test_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Time in milliseconds and UTC, severity, process with its id, message; on standard error."""
    configured().warning("Secret %s: %s", "shop/tls", "missing")
    out, err = capsys.readouterr()
    assert out == ""
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warning control\[\d+\] Secret shop/tls: missing\n"
    assert re.fullmatch(form, err)


def test_a_message_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever was written into a manifest cannot forge a line or colour the terminal."""
    configured().warning("bad %s", "a\r\nb\tc\x1b[31m\x00")
    assert capsys.readouterr().err.endswith("bad a\\r\\nb\tc\\x1b[31m\\x00\n")


def test_a_traceback_follows_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Under the line that tells what was being done."""
    try:
        int("no")
    except ValueError:
        configured().exception("it failed")
    first, second, *_, last = capsys.readouterr().err.splitlines()
    assert first.endswith("it failed")
    assert second.startswith("Traceback")
    assert last == "ValueError: invalid literal for int() with base 10: 'no'"


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    """One object a line, with the values that go with the message, in the characters of the world."""
    logger = configured(log_format="json")
    logger.warning("Secret %s\nis missing", "grün/tls", extra={"fields": {"namespace": "grün", "code": 7}})
    text = capsys.readouterr().err
    line = json.loads(text)
    assert text.count("\n") == 1
    assert "grün" in text
    assert line["message"] == "Secret grün/tls\nis missing"
    assert (line["level"], line["process"], line["logger"]) == ("warning", "control", "edge.some.module")
    assert (line["namespace"], line["code"]) == ("grün", 7)
    assert line["time"].endswith("Z")


def test_json_of_an_exception(capsys: pytest.CaptureFixture[str]) -> None:
    """The traceback is in the line."""
    try:
        int("no")
    except ValueError:
        configured(log_format="json").exception("it failed")
    assert json.loads(capsys.readouterr().err)["error"].endswith("with base 10: 'no'")


def test_the_least_severity_is_a_setting(capsys: pytest.CaptureFixture[str]) -> None:
    """What is less severe is not logged."""
    logger = configured(log_level="warning")
    logger.info("quiet")
    logger.error("loud")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_configuring_again_does_not_double_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """As a worker does after the fork."""
    configured()
    configured().warning("once")
    assert capsys.readouterr().err.count("once") == 1


def test_a_reader_that_does_not_keep_up_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """What he does not take in time is dropped and counted, and what comes after is his again."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb", 0) as read, os.fdopen(writer, "w") as write:
        monkeypatch.setattr(sys, "stderr", write)
        logger = configured()
        for number in range(2000):
            logger.info("message %d %s", number, "x" * 100)
        os.set_blocking(reader, False)
        taken = read.readall().count(b"\n")
        logger.info("one more")
        told, last = read.readall().decode().splitlines()
    assert 0 < taken < 2000
    assert told.endswith(f" {2000 - taken} messages were dropped: the reader of the log was too slow")
    assert last.endswith("one more")
