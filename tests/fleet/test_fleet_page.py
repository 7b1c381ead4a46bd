"""docs/fleet.md and its manifests: what stands there is what Kubernetes, the shell and the command line take."""

import re
import subprocess
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def test_the_manifest_of_kuberay() -> None:
    """The parts that KubeRay's schema of a RayCluster asks for; docs/fleet.md says by which commit it was checked whole."""
    yaml = pytest.importorskip("yaml")
    manifest = yaml.safe_load((DOCS / "fleet-kuberay.yaml").read_text("utf-8"))
    assert (manifest["apiVersion"], manifest["kind"]) == ("ray.io/v1", "RayCluster")
    spec = manifest["spec"]
    assert set(spec) == {"rayVersion", "authOptions", "headGroupSpec", "workerGroupSpecs"}
    pins = re.findall(r'"ray\[client\]==([\d.]+)"', (DOCS.parent / "pyproject.toml").read_text("utf-8"))
    assert pins == [spec["rayVersion"]]
    groups = [spec["headGroupSpec"], *spec["workerGroupSpecs"]]
    assert len({group["groupName"] for group in groups[1:]}) == len(groups) - 1
    for group in groups:
        assert {"rayStartParams", "template"} <= set(group)
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pod = group["template"]["spec"]
        volumes = {volume["name"] for volume in pod["volumes"]}
        for container in pod["containers"]:
            assert container["image"] == groups[0]["template"]["spec"]["containers"][0]["image"]
            assert container["resources"]["requests"] == container["resources"]["limits"]
            assert {mount["name"] for mount in container["volumeMounts"]} == volumes
    for group in groups[1:]:
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    ports = groups[0]["template"]["spec"]["containers"][0]["ports"]
    assert {"containerPort": 10001, "name": "client"} in ports


def test_the_script_of_slurm_is_a_script() -> None:
    script = DOCS / "fleet-slurm.sh"
    done = subprocess.run(["bash", "-n", str(script)], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


def test_every_command_of_the_page_has_options_that_there_are() -> None:
    from typer.main import get_command

    from impasto.cli.main import app

    page = (DOCS / "fleet.md").read_text("utf-8")
    commands = re.findall(r"^    (?:\S+\$ )?impasto ([^#\n]+)", page, re.MULTILINE)
    assert len(commands) >= 6
    for words in commands:
        command = get_command(app)
        parts = words.split()
        while hasattr(command, "commands") and parts:
            command = command.commands[parts.pop(0)]  # pyright: ignore[reportAttributeAccessIssue]
        known = {name for parameter in command.params for name in parameter.opts}
        assert {part for part in parts if part.startswith("--")} <= known, words
