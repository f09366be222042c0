"""The files of deploy/: what can be seen of them without Docker, systemd's own process, or a cluster."""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from app.settings import Settings
from tests.nginx import CONFIGURATION, nginx_or_skip
from tests.running import serving

DEPLOY = CONFIGURATION.parent / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
SERVICE = DEPLOY / "systemd" / "claude-gateway.service"

DRAIN_S = 30 + 2
"""GATEWAY_DRAIN_TIMEOUT's default and the farewell."""


def manifests() -> list[dict[str, Any]]:
    files = [path for path in sorted(KUBERNETES.glob("*.yaml")) if path.name != "kustomization.yaml"]
    return [each for path in files for each in yaml.safe_load_all(path.read_text())]


def of(kind: str, name: str) -> dict[str, Any]:
    (found,) = [each for each in manifests() if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    return found


# systemd


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_rates_the_sandbox_under_two() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(SERVICE)],
        capture_output=True,
        text=True,
        check=False,
    )
    rated = re.search(r"Overall exposure level for .*: ([\d.]+)", done.stdout)
    assert rated, done.stderr
    assert float(rated[1]) < 2


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_understands_every_line(tmp_path: Path) -> None:
    unit = tmp_path / SERVICE.name
    unit.write_text(SERVICE.read_text().replace("/opt/claude-gateway/.venv/bin/claude-gateway", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_service_drains_keeps_its_key_from_others_and_is_not_restarted_over_a_wrong_setting() -> None:
    lines = dict(
        line.split("=", 1) for line in SERVICE.read_text().splitlines() if "=" in line and line[0] != "#"
    )
    assert int(lines["TimeoutStopSec"]) > DRAIN_S
    assert lines["LoadCredential"].startswith("anthropic_api_key:")
    assert lines["RestartPreventExitStatus"] == "2"
    assert lines["DynamicUser"] == lines["NoNewPrivileges"] == "yes"
    assert lines["CapabilityBoundingSet"] == ""


# Kubernetes


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "manifest", manifests(), ids=lambda each: f"{each['kind']} {each['metadata']['name']}"
)
def test_a_manifest_is_valid_by_the_schemas_of_kubernetes(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.30", strict=True)


def test_the_kustomization_names_every_manifest_and_all_that_pods_ask_for() -> None:
    file = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    assert {*file["resources"], "kustomization.yaml"} == {path.name for path in KUBERNETES.glob("*.yaml")}
    made = {each["name"] for each in (*file["configMapGenerator"], *file["secretGenerator"])}
    asked = set(
        re.findall(
            r"(?:configMapRef|configMap):\s+name: (\S+)|secretName: (\S+)",
            "".join(path.read_text() for path in KUBERNETES.glob("*.yaml")),
        )
    )
    assert {first or second for first, second in asked} == made


def test_the_settings_of_the_pods_are_settings() -> None:
    file = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())
    literals = file["configMapGenerator"][0]["literals"]
    names = {literal.partition("=")[0] for literal in literals}
    assert {name.removeprefix("GATEWAY_").lower() for name in names} <= set(Settings.model_fields)


@pytest.mark.parametrize(("kind", "name"), [("StatefulSet", "claude-gateway"), ("Deployment", "nginx")])
def test_a_pod_is_nobody_may_do_nothing_and_writes_nowhere(kind: str, name: str) -> None:
    pod = of(kind, name)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert not pod["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]


def test_a_pod_has_more_time_to_end_than_its_drain_takes() -> None:
    pod = of("StatefulSet", "claude-gateway")["spec"]["template"]["spec"]
    before = int(pod["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod["terminationGracePeriodSeconds"] > before + DRAIN_S


def test_every_selector_finds_its_pods() -> None:
    pods = [
        each["spec"]["template"]["metadata"]["labels"]
        for each in manifests()
        if "template" in each.get("spec", {})
    ]
    for each in manifests():
        spec = each.get("spec", {})
        match each["kind"]:
            case "Service":
                wanted = spec["selector"]
            case "PodDisruptionBudget" | "StatefulSet" | "Deployment":
                wanted = spec["selector"]["matchLabels"]
            case "NetworkPolicy":
                wanted = spec["podSelector"].get("matchLabels", {})
            case _:
                continue
        assert any(wanted.items() <= labels.items() for labels in pods), each["metadata"]["name"]


def test_nginx_takes_the_configuration_for_the_cluster_and_finds_pods_by_name(tmp_path: Path) -> None:
    made = subprocess.run(
        ["sed", "-f", KUBERNETES / "nginx.sed", CONFIGURATION], capture_output=True, text=True, check=True
    ).stdout
    # What a machine outside of the cluster, and Debian's older nginx, cannot have.
    here = made.replace("kube-dns.kube-system.svc.cluster.local", "127.0.0.1").replace(
        "server claude-gateway-pods.claude-gateway.svc.cluster.local:8000 resolve;", "server 127.0.0.1:8000;"
    )
    assert here.count("127.0.0.1") > made.count("127.0.0.1") + 1
    file = tmp_path / "nginx.conf"
    file.write_text(here.replace("/tmp/claude-gateway", str(tmp_path / "x")))  # noqa: S108 - what goes away
    done = subprocess.run(
        [nginx_or_skip(), "-t", "-e", "stderr", "-c", file], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "X-Forwarded-Proto $scheme_in_front;" in made
    assert "map $http_x_forwarded_proto $scheme_in_front {" in made
    name = of("StatefulSet", "claude-gateway")["spec"]["serviceName"]
    assert f"$pod.{name}.claude-gateway.svc.cluster.local:8000" in made
    of("Service", name)


# The image

DOCKERFILE = (CONFIGURATION.parent / "Dockerfile").read_text()


def test_the_image_is_nobody_writes_json_drains_and_is_asked_for_its_health() -> None:
    given = dict(re.findall(r"\b(GATEWAY_\w+)=(\S+)", DOCKERFILE.replace("\\\n", " ")))
    assert given.pop("GATEWAY_LOG_FORMAT") == "json"
    assert {name.removeprefix("GATEWAY_").lower() for name in given} <= set(Settings.model_fields)
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert re.search(r"^STOPSIGNAL SIGTERM$", last, re.MULTILINE)
    assert re.search(r"^ENTRYPOINT \[\"claude-gateway\"\]$", last, re.MULTILINE)
    (probe,) = re.findall(r"^HEALTHCHECK .*\\\n +CMD (.*)$", last, re.MULTILINE)
    assert json.loads(probe)[:2] == ["python", "-Ic"]


def test_what_the_image_is_made_of_is_let_through_to_the_builder_and_is_there() -> None:
    listed = (CONFIGURATION.parent / ".dockerignore").read_text().splitlines()
    copied = [
        path
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for path in line.split()[:-1]
    ]
    assert {*copied} == {line.removeprefix("!") for line in listed if line.startswith("!")}
    assert all((CONFIGURATION.parent / path).exists() for path in copied)


async def test_the_images_question_for_health_is_answered() -> None:
    (probe,) = re.findall(r"^HEALTHCHECK .*\\\n +CMD (.*)$", DOCKERFILE, re.MULTILINE)
    _, *arguments = json.loads(probe)
    async with serving("http://127.0.0.1:9") as gateway:
        for port, code in ((gateway.url.rpartition(":")[2], 0), ("9", 1)):
            asking = await asyncio.create_subprocess_exec(
                sys.executable, *arguments, env={"GATEWAY_PORT": port}, stderr=asyncio.subprocess.DEVNULL
            )
            assert await asking.wait() == code


# Compose


def test_each_container_of_compose_is_held_in_bounds() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert set(services) == {"nginx", "gateway"}
    for service in services.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["pids_limit"]
    assert int(services["gateway"]["stop_grace_period"].removesuffix("s")) > DRAIN_S
    (port,) = services["nginx"]["ports"]
    assert port.startswith("127.0.0.1:")
