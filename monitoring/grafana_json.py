"""A page as Grafana reads it."""

import json
import warnings
from collections.abc import Sequence
from typing import Final

from dashboards import Page, Panel, Query, Shape, Unit

with warnings.catch_warnings():
    # Grafana's newer format is read by its newest versions only; this one by all.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        common,
        dashboard,
        gauge,
        heatmap,
        piechart,
        prometheus,
        stat,
        timeseries,
    )
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models.common import DataSourceRef, LegendDisplayMode, LegendPlacement
    from grafana_foundation_sdk.models.dashboard import FieldColorModeId, Threshold, ThresholdsMode
    from grafana_foundation_sdk.models.prometheus import PromQueryFormat

SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
"""Chosen on the page: every Grafana calls its Prometheus something else."""

_Built = gauge.Panel | piechart.Panel | heatmap.Panel | timeseries.Panel | stat.Panel

_WIDTH: Final = 8
_HEIGHT: Final = 8
_LETTERS: Final = "ABCDEFGH"


def page_json(page: Page, namespace: str) -> str:
    """The file."""
    made = (
        dashboard.Dashboard(page.title)
        .uid(f"{namespace}-{page.name}".replace("_", "-"))
        .tags(["einmal"])
        .timezone("browser")
        .refresh("30s")
        .time("now-6h", "now")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    )
    for panel in page.panels:
        made = made.with_panel(_panel(panel, namespace))
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _panel(panel: Panel, namespace: str) -> _Built:
    made = _shaped(panel).title(panel.title).datasource(SOURCE).span(_WIDTH).height(_HEIGHT)
    # A heat map's values are how many; what its unit is of stands at its axis.
    made = made.unit((Unit.COUNT if panel.shape is Shape.HEAT_MAP else panel.unit).value)
    if panel.steps:
        made = made.thresholds(_thresholds(panel.steps))
    for letter, query in zip(_LETTERS, panel.queries, strict=False):
        made = made.with_target(_target(panel, query, letter, namespace))
    return made


def _shaped(panel: Panel) -> _Built:
    match panel.shape:
        case Shape.GAUGE:
            whole = 25 if panel.unit is Unit.PERCENT else 1
            return gauge.Panel().min(0).max(whole).reduce_options(_last()).color_scheme(_by_threshold())
        case Shape.PIE:
            legend = piechart.PieChartLegendOptions().show_legend(True).display_mode(LegendDisplayMode.TABLE)
            return piechart.Panel().reduce_options(_last()).legend(legend.placement(LegendPlacement.RIGHT))
        case Shape.HEAT_MAP:
            # The buckets are ours: nothing is to be calculated.
            axis = heatmap.YAxisConfig().unit(panel.unit.value)
            return heatmap.Panel().calculate(False).y_axis(axis)
        case Shape.LINES:
            return timeseries.Panel().min(0)
        case Shape.NUMBER:
            return stat.Panel().reduce_options(_last()).color_scheme(_by_threshold())


def _last() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"])


def _by_threshold() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(FieldColorModeId.THRESHOLDS)


def _target(panel: Panel, query: Query, letter: str, namespace: str) -> prometheus.Dataquery:
    made = prometheus.Dataquery().ref_id(letter).expr(query.promql(namespace)).datasource(SOURCE)
    if query.legend:
        made = made.legend_format(query.legend)
    match panel.shape:
        case Shape.HEAT_MAP:
            return made.range().format(PromQueryFormat.HEATMAP)
        case Shape.LINES:
            return made.range()
        case Shape.GAUGE | Shape.PIE | Shape.NUMBER:
            return made.instant()


def _thresholds(steps: Sequence[tuple[float, str]]) -> dashboard.ThresholdsConfig:
    coloured = [Threshold(value=None, color="green"), *(Threshold(value=at, color=colour) for at, colour in steps)]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(coloured)
