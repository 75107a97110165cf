"""`edge top`, on a terminal and without one."""

import os
import pty
import re
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from edge import cli, screen, top
from tests.support import objects
from tests.support.admin import Admin
from tests.support.certificates import issue
from tests.support.edge import WITH_US
from tests.support.waiting import free_port


@pytest.fixture
def admin(tmp_path):
    with Admin(tmp_path) as admin:
        admin.apply(objects.ingress(), objects.service(), objects.endpoints("web", "10.0.0.1"))
        yield admin


def main(arguments):
    """Run `edge top` in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli.faulthandler, "enable", lambda: None)
        return cli.main(arguments)


def address(admin):
    return f"--admin={admin.address[0]}:{admin.address[1]}"


def test_without_a_terminal_it_prints_once(admin, capsys):
    assert main(["top", address(admin)]) == 0
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert "1 routes of 1 hosts" in text
    assert "web.example/" in text
    assert "Ingress demo/web" in text
    assert str(os.getpid()) in text, "the worker, and the control plane, which are this process"


def test_on_a_terminal_it_goes_on_until_ctrl_c_and_leaves_it_as_it_was(admin):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*WITH_US, sys.executable, "-m", "edge", "top", address(admin)], stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    text = b""
    while text.count(top._HOME.encode()) < 2:
        text += os.read(ours, 65536)
    assert text.startswith(top._ENTER.encode())
    assert b"web.example/" in text
    process.send_signal(signal.SIGINT)
    with suppress(OSError):  # how the end of a terminal reads
        while piece := os.read(ours, 65536):
            text += piece
    assert process.wait(40) == 0
    assert text.endswith(top._LEAVE.encode())
    os.close(ours)


def test_a_port_on_which_nobody_answers_is_named(capsys):
    port = free_port()
    assert main(["top", f"--admin=127.0.0.1:{port}"]) == 1
    assert capsys.readouterr().err == (
        f"edge top: 127.0.0.1:{port}: Connection refused; is Edge running there? (--admin)\n"
    )


def test_an_address_of_all_is_asked_on_this_machine(admin, capsys):
    assert main(["top", f"--admin=0.0.0.0:{admin.address[1]}", "--once"]) == 0
    assert "web.example" in capsys.readouterr().out


def test_a_token_is_taken_from_the_file_of_the_instance(tmp_path, capsys):
    file = tmp_path / "token"
    file.write_text("a-token-that-nobody-guesses\n")
    with Admin(tmp_path / "table", admin_token_file=str(file)) as admin:
        assert main(["top", address(admin)]) == 1
        assert "(--admin-token-file)" in capsys.readouterr().err
        assert main(["top", address(admin), f"--admin-token-file={file}"]) == 0
        assert main(["top", address(admin), f"--admin-token-file={file}.none"]) == 1
        assert "No such file" in capsys.readouterr().err


def test_over_tls_the_certificate_of_the_instance_is_trusted_and_no_other(tmp_path, capsys):
    certificate, key = issue("edge.example").write(tmp_path)
    other, _ = issue("edge.example").write(tmp_path, "other")
    with Admin(tmp_path / "table", admin_certificate=str(certificate), admin_key=str(key)) as admin:
        assert main(["top", address(admin), f"--admin-certificate={certificate}"]) == 0
        assert main(["top", address(admin), f"--admin-certificate={other}"]) == 1
        assert "certificate verify failed" in capsys.readouterr().err


def test_what_a_terminal_might_obey_is_replaced():
    assert screen.plain("a\x1b[2Jb\x07c\u202ed\n") == "a?[2Jb?c?d?"


def test_lines_are_no_wider_than_the_terminal(admin):
    instance = top.Instance(admin.settings.with_(admin=f"127.0.0.1:{admin.address[1]}"))
    for width in (20, 60, 200):
        lines = [
            *screen.head(instance.get("/api/overview"), width, colours=False),
            *screen.workers(instance.get("/api/workers"), width, colours=False),
            *screen.routes(instance.get("/api/routes"), width, colours=False),
        ]
        assert [line for line in lines if len(line) > width] == []


def test_colours_take_no_room(admin):
    instance = top.Instance(admin.settings.with_(admin=f"127.0.0.1:{admin.address[1]}"))
    overview = instance.get("/api/overview")
    for width in (12, 20, 200):
        bare = [re.sub("\x1b\\[[0-9]*m", "", line) for line in screen.head(overview, width, colours=True)]
        assert bare == list(screen.head(overview, width, colours=False))


@pytest.mark.parametrize(("values", "bars"), [([], "    "), ([0.0, 0.0], "    "), ([1.0, 2.0, None, 4.0, 8.0], "▂ ▄█")])
def test_bars_are_relative_to_the_highest(values, bars):
    assert screen.sparkline(values, 4) == bars


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (61, "1 min"), (7300, "2 h"), (200_000, "2 d")]
)
def test_ages_are_in_the_largest_unit_that_fits(seconds, text):
    assert screen.age(seconds) == text
