"""The base image made by debootstrap is as current as a pulled one."""

from lab.images.base_image import with_updates


def test_updates_and_security_fixes_come_from_where_debootstrap_went() -> None:
    assert with_updates("deb http://mirror.example/debian bookworm main\n") == (
        "deb http://mirror.example/debian bookworm main\n"
        "deb http://mirror.example/debian bookworm-updates main\n"
        "deb http://mirror.example/debian-security bookworm-security main\n"
    )
