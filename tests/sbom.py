"""`make sbom`: write sbom.cdx.json, a CycloneDX list of what a release consists of: our version, and all that it requires."""

import re
from importlib.metadata import version
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from tests.licences import ROOT, RUNTIME, listed

FILE = ROOT / "sbom.cdx.json"
PINNED = re.compile(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*\])?==([^\s;\\]+)", re.MULTILINE)


def pinned() -> dict[str, str]:
    """The version of each package that images and `make up` install, traces included."""
    return dict(PINNED.findall(RUNTIME.read_text()))


def bill_of_materials() -> Bom:
    """Our program, and each package with its licence as docs/licences.md has it."""
    bom, licences = Bom(), {_plain(name): line.split("|")[2].strip() for name, line in listed().items()}
    program = _component("seven-ingest", version("seven-ingest"), ComponentType.APPLICATION)
    bom.metadata.component = program
    packages = [_component(name, number, ComponentType.LIBRARY) for name, number in pinned().items()]
    for package in packages:
        if package.name in licences:
            package.licenses.add(DisjunctiveLicense(name=licences[package.name]))
        bom.components.add(package)
    bom.register_dependency(program, packages)
    return bom


def write(file: Path) -> None:
    """Write it as JSON."""
    outputter = make_outputter(bill_of_materials(), OutputFormat.JSON, SchemaVersion.V1_6)
    outputter.output_to_file(str(file), allow_overwrite=True, indent=1)


def _plain(name: str) -> str:
    """A package's name as requirements/ has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _component(name: str, number: str, kind: ComponentType) -> Component:
    purl = PackageURL("pypi", name=name, version=number)
    return Component(type=kind, name=name, version=number, purl=purl, bom_ref=str(purl))


if __name__ == "__main__":
    write(FILE)
