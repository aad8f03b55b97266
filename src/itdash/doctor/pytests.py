"""Python, pytest and its plugins: whether they are there, new enough, and get along with a recorded run."""

from __future__ import annotations

import os
import re
import sys
from importlib import metadata, util
from typing import TYPE_CHECKING, Final, NamedTuple

from itdash.doctor.finding import Finding

if TYPE_CHECKING:
    from itdash.doctor.finding import Findings, Patient, State

_OLDEST: Final = {"pytest": "8.2", "pytest-json-report": "1.5"}
_OPTIONAL: Final = {"pytest-xdist": ("3.6", "-n"), "pytest-rerunfailures": ("14", "--retries")}


class _Clash(NamedTuple):
    package: str
    option: str
    state: State
    found: str
    mend: str


_CLASHES: Final = (
    _Clash(
        "pytest-forked", r"--forked\b", "wrong", "--forked: no test has a result, for it runs in a copy",
        "remove it: itdash names a test that takes its process down, and runs the rest",
    ),
    _Clash(
        "pytest-timeout", r"--timeout-method=thread\b", "note",
        "its method thread ends pytest, and with it the report of the test",
        "set timeout_method to signal, or use `timeout` of itdash",
    ),
    _Clash(
        "pytest-json-report", r"--json-report(?![-\w])", "note",
        "--json-report keeps the whole run in memory",
        "remove it: each run has the same as report.json",
    ),
    _Clash(
        "pytest", r"-p[ =]?no:terminal\b", "note", "-p no:terminal: some plugins break without it",
        "remove it: what pytest prints goes to pytest.log in any case",
    ),
)  # fmt: skip
"""Options among the arguments of pytest that make a run tell less, each with the package that has it."""


def python(patient: Patient) -> Findings:
    """The interpreter that runs the tests, and whether it is that of the environment one works in."""
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "good", f"{version}, {sys.executable}")
    active = patient.environment.get("VIRTUAL_ENV", "")
    if active and os.path.realpath(active) != os.path.realpath(sys.prefix):
        found = f"the active environment is {active}, and tests run in that of itdash, {sys.prefix}"
        mend = f"{os.path.join(active, 'bin', 'python')} -m pip install itdash, and start that one"
        yield Finding("python", "note", found, mend)


def required(patient: Patient) -> Findings:
    """pytest itself and what itdash cannot do without, and that nothing stands in the place of pytest."""
    for package, oldest in _OLDEST.items():
        install = f"{sys.executable} -m pip install '{package}>={oldest}'"
        version = _version(package)
        if not version:
            yield Finding(package, "wrong", "not installed where itdash is", install)
        elif _numbers(version) < _numbers(oldest):
            yield Finding(package, "wrong", f"{version} is older than {oldest}", install)
        else:
            yield Finding(package, "good", version)
    if stranger := _stranger():
        mend = f"rename it, or take its folder off PYTHONPATH ({patient.environment.get('PYTHONPATH', '')})"
        yield Finding("pytest", "wrong", f"`import pytest` gets {stranger}, which is not pytest", mend)


def optional(patient: Patient) -> Findings:
    """What some options need, and whether it is new enough for them."""
    config = patient.config
    needed = {
        "pytest-xdist": config.workers not in ("", "0"), "pytest-rerunfailures": config.retries > 0,
    }  # fmt: skip
    for package, (oldest, option) in _OPTIONAL.items():
        version = _version(package)
        install = f"{sys.executable} -m pip install '{package}>={oldest}'"
        if not version and needed[package]:
            yield Finding(
                package, "wrong", f"not installed, and the configuration needs it ({option})", install
            )
        elif not version:
            yield Finding(package, "good", f"not installed; only {option} needs it")
        elif _numbers(version) < _numbers(oldest):
            found = f"{version} is older than {oldest}"
            yield Finding(package, "wrong" if needed[package] else "note", found, install)
        else:
            yield Finding(package, "good", version)


def plugins(patient: Patient) -> Findings:
    """Those of pytest that are installed, and what is to be known of some."""
    if patient.environment.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        alone = "PYTEST_DISABLE_PLUGIN_AUTOLOAD is set: pytest loads none by itself"
        yield Finding("plugins", "note", alone, "name those that the tests need: -p NAME")
    found = _plugins()
    names = ", ".join(name for name in found if name not in ("itdash", *_OLDEST, *_OPTIONAL))
    yield Finding("plugins", "good", names or "no others")
    if "pytest-randomly" in found:
        mend = 'if that is not wanted: pytest_args = ["-p no:randomly"]'
        yield Finding("pytest-randomly", "note", "shuffles the tests: each run has another order", mend)


def pytests_file(patient: Patient) -> Findings:
    """What the project tells pytest that makes a recorded run tell less."""
    from itdash.adopt.pytest_files import read

    told = read(patient.root)
    method = f"--timeout-method={told.timeout_method}"
    given = patient.environment.get("PYTEST_ADDOPTS", "")
    text = " ".join([*told.arguments, *patient.config.pytest_args, given, method])
    yield Finding("pytest's file", "good", told.file or "none")
    for clash in _CLASHES:
        if _version(clash.package) and re.search(rf"(?<!\S){clash.option}", text):
            yield Finding(clash.package, clash.state, clash.found, clash.mend)


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _numbers(version: str) -> tuple[int, ...]:
    """The numbers that a version begins with."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()


def _stranger() -> str:
    """The file that is imported as pytest and does not belong to the installed one."""
    try:
        spec = util.find_spec("pytest")
        home = metadata.distribution("pytest").locate_file("pytest")
    except (ImportError, ValueError, metadata.PackageNotFoundError):
        return ""
    if spec is None or spec.origin is None:
        return ""
    real = os.path.realpath(spec.origin)
    return "" if os.path.dirname(real) == os.path.realpath(str(home)) else spec.origin


def _plugins() -> list[str]:
    """The names of installed packages that pytest loads by itself."""
    points = metadata.entry_points(group="pytest11")
    return sorted({point.dist.name.lower() for point in points if point.dist is not None})
