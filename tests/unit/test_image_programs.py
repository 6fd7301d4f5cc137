"""Which modules an image holds: its programs and what these import, and nothing else."""

from __future__ import annotations

import itertools
import os
import pkgutil
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import lab.wire
from lab import checkout
from lab.errors import LabError
from lab.images import context
from lab.images.programs import files_of, imports_of, named_programs
from lab.roles import ROLES
from lab.wire.messages import Dialogue

PROGRAMS = {
    listing.parent.name: named_programs(listing)
    for listing in checkout.IMAGES.glob("*/programs.txt")
}
STAND_IN = "def __getattr__(name):\n    return type(name, (), {})\n"
"""Only an image has the libraries that speak SIP and WebRTC."""
STOOD_FOR = (
    "pjsua2.py",
    "av.py",
    "aioice/__init__.py",
    "aioice/turn.py",
    "aiortc/__init__.py",
    "aiortc/rtp.py",
)


@pytest.mark.parametrize("image", sorted(PROGRAMS))
def test_every_program_of_an_image_starts_with_what_is_in_it(image: str, tmp_path: Path) -> None:
    for name, path in context.plan(image).files.items():
        if name.startswith("agents/"):
            target = tmp_path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for library in STOOD_FOR:
        file = tmp_path / "agents" / library
        file.parent.mkdir(exist_ok=True)
        file.write_text(STAND_IN)
    imports = ", ".join(f"lab.agents.{program}" for program in PROGRAMS[image])
    started = subprocess.run(
        [sys.executable, "-c", f"import {imports}"],
        env={**os.environ, "PYTHONPATH": str(tmp_path / "agents")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert started.returncode == 0, started.stderr


@pytest.mark.parametrize("image", sorted(PROGRAMS))
def test_an_image_holds_agents_and_the_wire_and_packages_of_its_own(image: str) -> None:
    plan = context.plan(image)
    own = {name: path for name, path in plan.files.items() if name.startswith("agents/")}
    parts = {name.split("/")[2] for name in own}
    assert parts <= {"__init__.py", "agents", "wire"}
    roots = {
        imported.partition(".")[0]
        for path in own.values()
        for imported in imports_of(path.read_text("utf-8"))
    }
    packages = plan.wheels.read_text() if plan.wheels else ""
    foreign = roots - sys.stdlib_module_names - {"lab"}
    assert {name for name in foreign if name not in packages} == set()


def test_a_change_to_the_mumble_client_renames_only_the_image_that_runs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("agents", "wire"):
        shutil.copytree(checkout.ROOT / "lab" / part, tmp_path / "lab" / part)
    shutil.copyfile(checkout.ROOT / "lab" / "__init__.py", tmp_path / "lab" / "__init__.py")
    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    before = {image: context.plan(image).tag for image in PROGRAMS}
    with (tmp_path / "lab/agents/mumble/client.py").open("a") as client:
        client.write("# changed\n")
    after = {image: context.plan(image).tag for image in PROGRAMS}
    assert {image for image in PROGRAMS if before[image] != after[image]} == {"endpoint"}


def test_every_image_has_the_programs_that_its_roles_start() -> None:
    for role in ROLES.all.values():
        for program in role.programs:
            if program.users_image:
                continue
            started = {
                module.removeprefix("lab.agents.")
                for option, module in itertools.pairwise(program.command)
                if option == "-m"
            }
            assert started <= set(PROGRAMS[program.image]), role.name


def test_every_program_that_is_spoken_to_is_in_an_image_and_no_other_is() -> None:
    found = pkgutil.iter_modules(lab.wire.__path__)
    modules = [import_module(f"lab.wire.{module.name}") for module in found]
    spoken_to = {
        value.program
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Dialogue)
    }
    started = {
        word.removeprefix("lab.agents.")
        for role in ROLES.all.values()
        for program in role.programs
        for word in program.command
        if word.startswith("lab.agents.")
    }
    assert {name for named in PROGRAMS.values() for name in named} == spoken_to | started


def test_a_name_of_a_package_may_be_a_module() -> None:
    source = "import json\nfrom lab.wire import (\n    places,\n)\n"
    assert imports_of(source) == ("json", "lab.wire", "lab.wire.places")


def test_imports_inside_functions_count() -> None:
    assert imports_of("def f():\n    import lab.wire.plain\n") == ("lab.wire.plain",)


def test_a_relative_import_is_refused() -> None:
    with pytest.raises(ValueError, match="line 1 imports relatively"):
        imports_of("from . import plain\n")


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(LabError, match=r"there is no program 'tor\.switch'"):
        files_of(("tor.switch",), checkout.ROOT)
