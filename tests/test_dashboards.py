"""deploy/grafana and deploy/prometheus speak of what /metrics says: every metric, every label, every value."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.monitoring.metrics import Metrics
from app.monitoring.outcome import End, Outcome
from app.protocol.errors import Fault, TooMany

DEPLOY = Path(__file__).parent.parent / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus/claude-gateway.rules.yaml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana/claude-gateway.json").read_text())
SCRAPE = yaml.safe_load((DEPLOY / "prometheus/scrape.yaml").read_text())
KUBERNETES = yaml.safe_load((DEPLOY / "prometheus/kubernetes.yaml").read_text())

GIVEN = {"job", "instance"}
"""Labels that Prometheus adds."""

FUNCTIONS = {"sum", "rate", "increase", "histogram_quantile", "topk"}

PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [(rule["alert"], rule["expr"]) for rule in RULES] + [
    (panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]
]


def known() -> dict[str, set[str]]:
    """Return what /metrics says when everything has happened: name of each sample → its labels."""
    metrics = Metrics(["m"])
    metrics.request_ended("/api/chat", "POST", 200)
    metrics.generation_started("m")
    took: dict[str, Any] = {"calls": 1, "retries": 1, "seams": 1, "tool_turns": 1, "claude_requests": []}
    told: dict[str, Any] = {"generation": "g", "client": "a", "user": "a", "model": "m", "answered_by": "m"}
    ended = Outcome(
        **told,
        end="limit",
        stop_reason=None,
        error="rate_limit_error",
        fault="client",
        why=None,
        tokens={"input": 1},
        tokens_from="final",
        cost_usd=1.0,
        ttft_ms=1,
        duration_ms=1,
        request="r",
        **took,
    )
    metrics.generation_ended(ended, TooMany("x", limit="rate"))
    metrics.unpriced("m").inc()
    found: dict[str, set[str]] = {"up": set()}
    for family in text_string_to_metric_families(metrics.render().decode()):
        assert family.samples, f"{family.name} is never told"
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


KNOWN = known()


def selectors(query: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield each metric of *query*, and its matchers: label, operator, value.

    Raises:
        AssertionError: the query is not of the part of PromQL that is used here.
    """
    assert query.count("(") == query.count(")")
    rest = re.sub(r"\bby\s*\([a-z_, ]+\)", " ", query)
    for found in re.finditer(
        r"([a-zA-Z_:][\w:]*)\s*(\{[^}]*\})?(\[[^\]]*\])?(\s*\()?", re.sub(r'"[^"]*"', blank, rest)
    ):
        name, braces, window, call = found.groups()
        if call:
            assert name in FUNCTIONS, f"{name} is no function that is known here"
            continue
        given = rest[found.start(2) + 1 : found.end(2) - 1] if braces else ""
        matchers = re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', given)
        assert ",".join(f'{a}{b}"{c}"' for a, b, c in matchers) == given.replace(" ", ""), given
        assert window is None or re.fullmatch(r"\[(\d+[smhd]|\$__rate_interval)\]", window), window
        yield name, matchers


def blank(quoted: re.Match[str]) -> str:
    return '"' + "_" * (len(quoted[0]) - 2) + '"'


@pytest.mark.parametrize("query", [query for _, query in QUERIES])
def test_every_query_is_about_metrics_labels_and_values_that_there_are(query: str) -> None:
    values: dict[str, set[str]] = {
        "end": set(get_args(End)),
        "fault": set(get_args(Fault)),
        "limit": limits(),
    }
    used: set[str] = set()
    for name, matchers in selectors(query):
        assert name in KNOWN, f"/metrics says nothing of {name}"
        used |= KNOWN[name]
        for label, operator, value in matchers:
            assert label in KNOWN[name] | GIVEN, f"{name} has no label {label}"
            if label in values:
                assert set(value.split("|") if operator == "=~" else [value]) <= values[label]
    assert used or "gateway" in query or "up" in query
    for group in re.findall(r"\bby\s*\(([a-z_, ]+)\)", query):
        assert set(re.split(r",\s*", group)) <= used | GIVEN
    assert ("histogram_quantile" in query) == ("_bucket" in query)


@pytest.mark.parametrize("name", [name for name in KNOWN if name.startswith("gateway_")])
def test_every_histogram_is_asked_for_by_its_buckets_and_every_counter_by_its_rate(name: str) -> None:
    asking = [query for _, query in QUERIES if re.search(rf"\b{name}\b", query)]
    if name.endswith(("_total", "_bucket")):
        assert all(re.search(rf"(rate|increase)\({name}\b", query) for query in asking)


def limits() -> set[str]:
    """Return the names of limits, as the code has them."""
    source = "".join(path.read_text() for path in (DEPLOY.parent / "app").rglob("*.py"))
    return set(re.findall(r'limit="(\w+)"', source)) | set(re.findall(r'Habit\(.*, "(\w+)"\)', source))


def test_alerts_say_what_happened_and_how_much_it_matters() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("page", "ticket")
        assert set(rule["annotations"]) == {"summary", "description"}
        assert re.search(r"[<>]=? [\d.]+\s*$|== 0$", rule["expr"]), "an alert compares with something"
        for label in re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])):
            assert label in rule["expr"] or label in GIVEN
        assert re.fullmatch(r"\d+[smhd]", rule.get("for", "1m"))


def test_the_autoscaler_asks_for_a_metric_that_the_adapter_offers_for_pods() -> None:
    scaler = next(
        each
        for each in yaml.safe_load_all((DEPLOY / "kubernetes/gateway.yaml").read_text())
        if each["kind"] == "HorizontalPodAutoscaler"
    )
    (asked,) = [each["pods"]["metric"]["name"] for each in scaler["spec"]["metrics"]]
    (rule,) = yaml.safe_load((DEPLOY / "prometheus/adapter.yaml").read_text())["rules"]["custom"]
    offered, labels = re.fullmatch(r"(\w+)\{(.*)\}", rule["seriesQuery"]).groups()  # type: ignore[union-attr]
    assert asked == offered  # there is no "name" in the rule, so the adapter offers the series under its own
    assert "name" not in rule
    assert offered in KNOWN
    overrides = rule["resources"]["overrides"]
    assert {name: each["resource"] for name, each in overrides.items()} == {
        "namespace": "namespace",
        "pod": "pod",
    }
    assert set(re.findall(r'(\w+)!=""', labels)) == set(overrides)
    (job,) = KUBERNETES["scrape_configs"]
    assert set(overrides) <= {each.get("target_label") for each in job["relabel_configs"]}


def test_prometheus_of_a_cluster_finds_the_pods_under_the_job_that_the_alerts_ask_for() -> None:
    (job,) = KUBERNETES["scrape_configs"]
    assert job["job_name"] == SCRAPE["scrape_configs"][0]["job_name"]
    gateways = next(
        each
        for each in yaml.safe_load_all((DEPLOY / "kubernetes/gateway.yaml").read_text())
        if each["kind"] == "StatefulSet"
    )
    template = gateways["spec"]["template"]
    (container,) = template["spec"]["containers"]
    kept = job["relabel_configs"][0]
    assert kept["action"] == "keep"
    assert kept["source_labels"] == [
        "__meta_kubernetes_pod_label_app_kubernetes_io_name",
        "__meta_kubernetes_pod_container_port_name",
    ]
    name, port = kept["regex"].split(";")
    assert template["metadata"]["labels"] == {"app.kubernetes.io/name": name}
    assert container["ports"][0]["name"] == port
    kustomization = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text())
    assert job["kubernetes_sd_configs"][0]["namespaces"]["names"] == [kustomization["namespace"]]


def test_the_scrape_example_reads_the_rules_under_the_job_that_they_ask_for() -> None:
    assert all((DEPLOY / "prometheus" / name).is_file() for name in SCRAPE["rule_files"])
    assert [each["job_name"] for each in SCRAPE["scrape_configs"]] == ["claude-gateway"]


def test_panels_do_not_overlap_and_ask_the_chosen_data_source() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert {each["name"] for each in DASHBOARD["templating"]["list"]} == {"datasource", "instance"}
