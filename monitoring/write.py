"""Writes the files of monitoring/ that are made of code. `make docs` runs it; with another namespace, an operator."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dashboards import PAGES
from grafana_json import page_json
from rules import alertmanager, prometheus, rules
from yaml_text import written

HERE: Final = Path(__file__).parent


def files(namespace: str = "einmal") -> Mapping[str, str]:
    """Each file by its path beneath monitoring/."""
    return {
        "prometheus/prometheus.yml": written(prometheus()),
        "prometheus/rules.yml": written(rules(namespace)),
        "alertmanager/alertmanager.yml": written(alertmanager()),
        **{f"grafana/{page.name}.json": page_json(page, namespace) for page in PAGES},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Write what Prometheus, Alertmanager and Grafana are to read.")
    parser.add_argument("--namespace", default="einmal", help="EINMAL_METRICS_NAMESPACE of the gateways")
    parser.add_argument("--to", type=Path, default=HERE, metavar="FOLDER", help="where to; by default here")
    given = parser.parse_args()
    for name, text in files(given.namespace).items():
        target = given.to / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        print(f"wrote {target}")


if __name__ == "__main__":
    main()
