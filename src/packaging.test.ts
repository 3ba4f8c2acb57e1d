/** The dashboard and the alerts that are shipped ask for what there is. */
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { ownMetrics } from './testing-metrics.ts';

const packaged = (path: string) => readFile(new URL(`../packaging/${path}`, import.meta.url), 'utf8');

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: { readonly uid: string };
  readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
}

interface Dashboard {
  readonly schemaVersion: number;
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
  readonly panels: readonly Panel[];
}

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}

const metrics = new Map(ownMetrics().map((metric) => [metric.name, metric]));

/** Each metric that an expression names, with the labels that it asks it for. */
function asked(expression: string): { name: string; labels: string[] }[] {
  return [...expression.matchAll(/(hypervisor_[a-z_]+)(?:\{([^}]*)\})?/g)].map(([, name = '', matchers = '']) => ({
    name,
    labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label = '']) => label),
  }));
}

/** The metric that a series is of: a histogram is three. */
function metricOf(series: string) {
  const base = series.replace(/_(bucket|sum|count)$/, '');
  const histogram = metrics.get(base);
  return histogram?.type === 'histogram' ? histogram : metrics.get(series);
}

function expectKnown(expression: string): void {
  const found = asked(expression);
  expect(found, expression).not.toEqual([]);
  for (const { name, labels } of found) {
    const metric = metricOf(name);
    expect(metric, `${name} of ${expression}`).toBeDefined();
    // A histogram is never asked for by its bare name: there is no such series.
    if (metric?.type === 'histogram') expect(name).not.toBe(metric.name);
    expect([...(metric?.labels ?? []), 'job', 'instance', 'le']).toEqual(expect.arrayContaining(labels));
  }
}

describe('the dashboard for Grafana', async () => {
  const dashboard = JSON.parse(await packaged('grafana/hypervisor.json')) as Dashboard;
  const { panels } = dashboard;

  test('asks only for metrics and labels that there are', () => {
    for (const { targets = [] } of panels) for (const { expr } of targets) expectKnown(expr);
  });

  test('takes its data from wherever one chooses', () => {
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36);
    expect(dashboard.templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource' }),
    );
    const sources = panels.flatMap(({ datasource, targets = [] }) => [
      ...(datasource === undefined ? [] : [datasource.uid]),
      ...targets.map((target) => target.datasource.uid),
    ]);
    expect([...new Set(sources)]).toEqual(['${datasource}']);
  });

  test('has its rows in the order in which one looks, and no two panels in one place', () => {
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title);
    expect(rows).toEqual(['Queue', 'Passes', 'Starts', 'Engines', 'Processes']);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)}/${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  test('shows every metric', () => {
    const shown = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => asked(expr)));
    const names = new Set(shown.map(({ name }) => metricOf(name)?.name));
    expect([...metrics.keys()].filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('the rules for Prometheus', async () => {
  const { groups } = parse(await packaged('prometheus/alerts.yml')) as { groups: { name: string; rules: Rule[] }[] };
  const rules = groups.flatMap((group) => group.rules);

  test('ask only for metrics and labels that there are', () => {
    for (const { expr } of rules) expectKnown(expr);
  });

  test('say what is wrong and what to do, after a while', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const rule of rules) {
      expect(rule.alert).toMatch(/^Hypervisor[A-Z]\w+$/);
      expect(rule.for).toMatch(/^\d+[mh]$/);
      expect(['critical', 'warning']).toContain(rule.labels.severity);
      expect(rule.annotations.summary).toMatch(/\w/);
      expect(rule.annotations.description).toMatch(/\.$/);
    }
  });
});
