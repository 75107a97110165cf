"""Which addresses may be endpoints: the one form of each, and its kind, whatever it looks like."""

from __future__ import annotations

import pytest

from edge.control.translate.addresses import FROM_DNS, FROM_FILES, pack, special, text


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("0.0.0.1", "unspecified"),
        ("::", "unspecified"),
        ("169.254.169.254", "link-local"),
        ("fe80::1", "link-local"),
        ("febf::1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("ff02::1", "multicast"),
        ("255.255.255.255", "broadcast"),
        ("::ffff:127.0.0.1", "embedded loopback"),
        ("::ffff:0:127.0.0.1", "embedded loopback"),
        ("::127.0.0.1", "embedded loopback"),
        ("64:ff9b::127.0.0.1", "embedded loopback"),
        ("64:ff9b:1::127.0.0.1", "embedded loopback"),
        ("2002:7f00:1::1", "embedded loopback"),
        ("64:ff9b::169.254.169.254", "embedded link-local"),
        ("::ffff:224.0.0.1", "embedded multicast"),
        ("2002::1", "embedded unspecified"),
    ],
)
def test_an_address_that_is_not_of_one_host_elsewhere_has_a_kind(address: str, kind: str) -> None:
    assert special(pack(address)) == kind
    assert kind not in FROM_DNS
    assert (kind in FROM_FILES) == kind.endswith(("loopback", "link-local"))


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "126.255.255.255", "128.0.0.1", "169.253.255.255", "169.255.0.1", "223.255.255.255", "240.0.0.1",
        "100.64.0.1", "192.168.1.1", "1.0.0.0", "fd00::1", "2001:db8::1", "fec0::1", "::ffff:10.0.0.1",
        "64:ff9b::192.0.2.1", "64:ff9b:1::10.0.0.1", "2002:c000:201::1", "64:ff9b:2::127.0.0.1", "2001:db8::7f00:1",
    ],
)  # fmt: skip
def test_all_others_may_be_endpoints(address: str) -> None:
    assert special(pack(address)) == ""


@pytest.mark.parametrize(
    ("address", "form"),
    [("2001:DB8:0::1", "2001:db8::1"), ("::ffff:a00:1", "::ffff:10.0.0.1"), ("10.0.0.1", "10.0.0.1")],
)
def test_equal_addresses_have_one_form(address: str, form: str) -> None:
    assert text(pack(address)) == form


@pytest.mark.parametrize("address", ["", "None", "a.example", "127.1", "0x7f.1", "2130706433", "10.0.0.1\0", "::1%lo"])
def test_what_is_no_address_is_none(address: str) -> None:
    assert pack(address) == b""
