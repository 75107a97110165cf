"""Panels as this project draws them: the few kinds that the dashboards have, over the builders of Grafana's own SDK.

Rules of this file:
- Every query names its data source by the variable `datasource`, and every panel says in a sentence what to read in it.
- Rates use `$__rate_interval`, so that they are right for whatever interval is scraped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from grafana_foundation_sdk.builders import common as shared
from grafana_foundation_sdk.builders import dashboard as dashboards
from grafana_foundation_sdk.builders import heatmap, prometheus, stat, table, timeseries
from grafana_foundation_sdk.models import common
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heatmaps
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")


@dataclass(frozen=True)
class Query:
    """An expression and the text for each of its series."""

    expression: str
    legend: str = ""


def chart(
    title: str, text: str, *queries: Query, unit: str, width: int = 8, height: int = 8, stacked: bool = False
) -> timeseries.Panel:
    """Lines over time."""
    legend = shared.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST).show_legend(True)
    panel = (
        timeseries.Panel()
        .title(title)
        .description(text)
        .datasource(SOURCE)
        .unit(unit)
        .min(0)
        .span(width)
        .height(height)
        .line_width(1)
        .fill_opacity(25 if stacked else 8)
        .show_points(common.VisibilityMode.NEVER)
        .legend(legend.placement(common.LegendPlacement.BOTTOM))
        .tooltip(shared.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING))
    )
    if stacked:
        panel = panel.stacking(shared.StackingConfig().mode(common.StackingMode.NORMAL))
    for query in queries:
        panel = panel.with_target(_range(query))
    return panel


def number(title: str, text: str, expression: str, *, unit: str, warn: float = 0, alarm: float = 0) -> stat.Panel:
    """One figure, with its course in the background; yellow from WARN, red from ALARM on."""
    steps = [models.Threshold(value=None, color="green")]
    steps += [
        models.Threshold(value=value, color=color) for value, color in ((warn, "yellow"), (alarm, "red")) if value
    ]
    return (
        stat.Panel()
        .title(title)
        .description(text)
        .datasource(SOURCE)
        .unit(unit)
        .span(4)
        .height(4)
        .graph_mode(common.BigValueGraphMode.AREA)
        .color_mode(common.BigValueColorMode.VALUE)
        .reduce_options(shared.ReduceDataOptions().calcs(["lastNotNull"]))
        .thresholds(dashboards.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps))
        .with_target(_range(Query(expression)))
    )


@dataclass(frozen=True)
class Column:
    """A number in each row of a table."""

    name: str
    expression: str
    unit: str


def rows(title: str, text: str, keys: Sequence[str], *columns: Column, width: int, link: str = "") -> table.Panel:
    """A row for each combination of the labels KEYS, sorted by the first of COLUMNS, with LINK from its last key."""
    panel = table.Panel().title(title).description(text).datasource(SOURCE).span(width).height(9)
    names = {f"Value #{_letter(index)}": column.name for index, column in enumerate(columns)}
    for index, column in enumerate(columns):
        query = prometheus.Dataquery().expr(column.expression).instant().format(PromQueryFormat.TABLE)
        panel = panel.with_target(query.ref_id(_letter(index)).datasource(SOURCE))
        panel = panel.override_by_name(column.name, [models.DynamicConfigValue(id_val="unit", value=column.unit)])
    if link:
        links = [{"title": "Look closer", "url": link}]
        panel = panel.override_by_name(keys[-1], [models.DynamicConfigValue(id_val="links", value=links)])
    options = {"excludeByName": {"Time": True}, "indexByName": {}, "renameByName": names}
    return (
        panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
        .with_transformation(models.DataTransformerConfig(id_val="organize", options=options))
        .sort_by([shared.TableSortByFieldState().display_name(columns[0].name).desc(True)])
    )


def heat(title: str, text: str, expression: str, *, unit: str, width: int = 12) -> heatmap.Panel:
    """Buckets of a histogram over time; EXPRESSION gives a series for each `le`."""
    query = prometheus.Dataquery().expr(expression).range().format(PromQueryFormat.HEATMAP).legend_format("{{le}}")
    color = heatmap.HeatmapColorOptions().mode(heatmaps.HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
    return (
        heatmap.Panel()
        .title(title)
        .description(text)
        .datasource(SOURCE)
        .span(width)
        .height(9)
        .calculate(False)
        .color(color.exponent(0.5))
        .y_axis(heatmap.YAxisConfig().unit(unit))
        .with_target(query.ref_id("A").datasource(SOURCE))
    )


def selection(name: str, label: str, query: str) -> dashboards.QueryVariable:
    """A variable with the values of a label; all of them unless chosen."""
    everything = models.VariableOption(selected=True, text="All", value="$__all")
    return (
        dashboards.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(query)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
        .include_all(True)
        .all_value(".*")
        .multi(True)
        .current(everything)
    )


def dashboard(title: str, uid: str, text: str) -> dashboards.Dashboard:
    """An empty dashboard with the variable for the data source."""
    source = dashboards.DatasourceVariable("datasource").label("Data source").type("prometheus")
    return (
        dashboards.Dashboard(title)
        .uid(uid)
        .description(text)
        .tags(["edge", "ingress"])
        .readonly()
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .refresh("30s")
        .time("now-1h", "now")
        .timezone("browser")
        .with_variable(source)
    )


def _range(query: Query) -> prometheus.Dataquery:
    found = prometheus.Dataquery().expr(query.expression).range().datasource(SOURCE)
    return found.legend_format(query.legend) if query.legend else found


def _letter(index: int) -> str:
    return chr(ord("A") + index)
