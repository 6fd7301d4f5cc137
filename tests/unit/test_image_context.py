"""What goes into an image, and how its tag follows from that."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import LabError
from lab.images import build, context

DOCKERFILE = """\
ARG BASE
FROM ${BASE}
RUN apt-get update
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for role in ("base", "tor", "endpoint"):
        (tmp_path / role).mkdir()
        (tmp_path / role / "Dockerfile").write_text(DOCKERFILE)
    return tmp_path


def add(images: Path, role: str, instruction: str) -> None:
    with (images / role / "Dockerfile").open("a") as dockerfile:
        dockerfile.write(instruction + "\n")


def test_roles_are_the_directories_with_a_dockerfile_base_first(images: Path) -> None:
    (images / "notes").mkdir()
    assert context.roles(images) == ("base", "endpoint", "tor")


def test_base_stands_on_debian_and_the_others_on_base(images: Path) -> None:
    base = context.plan("base", images)
    assert base.parent == "debian:bookworm-slim"
    assert context.plan("tor", images).parent == base.tag


def test_tag_is_the_same_while_nothing_changes(images: Path) -> None:
    tag = context.plan("tor", images).tag
    assert tag.startswith("voice-tor-lab/tor:")
    assert context.plan("tor", images).tag == tag


def test_a_change_to_base_renames_every_image(images: Path) -> None:
    before = [context.plan(role, images).tag for role in context.roles(images)]
    add(images, "base", "RUN true")
    after = [context.plan(role, images).tag for role in context.roles(images)]
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_a_change_to_one_image_leaves_the_others(images: Path) -> None:
    before = context.plan("tor", images).tag
    add(images, "endpoint", "RUN true")
    assert context.plan("tor", images).tag == before


def test_only_files_that_are_copied_are_sent_and_counted(images: Path) -> None:
    (images / "tor" / "start.sh").write_text("one")
    (images / "tor" / "notes.md").write_text("one")
    add(images, "tor", "COPY start.sh /")
    plan = context.plan("tor", images)
    assert list(plan.files) == ["start.sh"]

    (images / "tor" / "notes.md").write_text("two")
    assert context.plan("tor", images).tag == plan.tag
    (images / "tor" / "start.sh").write_text("two")
    assert context.plan("tor", images).tag != plan.tag


def test_sources_that_images_share_are_seen_by_those_that_copy_them(images: Path) -> None:
    (images / "shared").mkdir()
    (images / "shared" / "both.c").write_text("one")
    for role in ("tor", "endpoint"):
        add(images, role, "COPY shared/both.c /tmp/")
    before = {role: context.plan(role, images) for role in context.roles(images)}
    assert list(before["tor"].files) == ["shared/both.c"]
    assert "shared" not in before
    (images / "shared" / "both.c").write_text("two")
    after = {role for role, plan in before.items() if context.plan(role, images).tag != plan.tag}
    assert after == {"tor", "endpoint"}


def test_a_file_made_executable_is_another_image(images: Path) -> None:
    script = images / "tor" / "start.sh"
    script.write_text("one")
    add(images, "tor", "COPY start.sh /")
    before = context.plan("tor", images).tag
    script.chmod(0o755)
    assert context.plan("tor", images).tag != before


def test_agents_come_as_a_tree_for_pythonpath(images: Path) -> None:
    assert context.plan("tor", images).files == {}
    add(images, "tor", "COPY agents/ /opt/lab/")
    (images / "tor" / "programs.txt").write_text("# What nodes run:\nnet.kernel\n")
    files = context.plan("tor", images).files
    assert "agents/lab/__init__.py" in files
    assert "agents/lab/agents/net/kernel.py" in files
    assert "agents/lab/wire/kernel.py" in files
    assert "agents/lab/agents/net/barrier.py" not in files


def test_packages_take_part_through_their_lock(images: Path) -> None:
    add(images, "tor", "COPY packages/ /usr/local/lib/python3.11/dist-packages/")
    lock = images / "tor" / "wheels.txt"
    lock.write_text("stem==1.8.2")
    plan = context.plan("tor", images)
    assert plan.wheels == lock
    lock.write_text("stem==1.8.3")
    assert context.plan("tor", images).tag != plan.tag


def test_packages_without_a_lock_are_a_mistake_in_words(images: Path) -> None:
    add(images, "tor", "COPY packages/ /usr/local/lib/")
    with pytest.raises(LabError, match=r"copies packages/, but there is no wheels\.txt"):
        context.plan("tor", images)


def test_agents_without_a_list_of_programs_are_a_mistake_in_words(images: Path) -> None:
    add(images, "tor", "COPY agents/ /opt/lab/")
    with pytest.raises(LabError, match=r"copies agents/, but there is no programs\.txt"):
        context.plan("tor", images)


def test_an_unknown_role_names_those_there_are() -> None:
    with pytest.raises(LabError, match="no image for the role 'sip'") as raised:
        build.image_tag("sip")
    assert "vpn-server" in raised.value.hint


@pytest.mark.parametrize(
    ("instruction", "sources"),
    [
        ("COPY a b /target/", ("a", "b")),
        ("copy --chown=1:1 ./a/ /target/", ("a",)),
        ('ADD ["with space", "/target/"]', ("with space",)),
        ("COPY a \\\n  b \\\n  /target/", ("a", "b")),
        ("COPY --from=speech /clips /clips", ()),
        ("RUN echo COPY a b", ()),
    ],
)
def test_sources_of_copy_instructions(instruction: str, sources: tuple[str, ...]) -> None:
    assert context.copied_sources(f"FROM x\n{instruction}\n") == sources
