import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { check } from '../check.ts';
import { measurable } from '../metrics.ts';
import { type Report, reportOf } from '../report.ts';
import { simulate } from '../simulate.ts';
import { easy, easyExample, policy } from '../testing.ts';
import type { Chart } from './charts.ts';
import { pageOf } from './page.ts';

const replays = [easy, policy({}, '</script><b>mine')].map((one) => simulate(easyExample, one, { until: null }));
const report = reportOf({ ...easyExample, name: 'a & <b>' }, replays);
const verdicts = replays
  .slice(0, 1)
  .flatMap((replay) =>
    check(measurable(replay), [{ name: 'quick', metric: 'wait', selector: {}, atMost: 10, atLeast: null }]),
  );
const page = await pageOf(report, verdicts);

function dataOf<T>(id: string): T {
  const [, json = ''] = new RegExp(`<script type="application/json" id="${id}">(.*?)</script>`).exec(page) ?? [];
  return JSON.parse(json) as T;
}

test('holds the whole report, and the curves of both policies', () => {
  expect(dataOf<Report>('report')).toEqual(JSON.parse(JSON.stringify(report)));
  const charts = dataOf<Chart[]>('charts');
  expect(charts.map(({ title }) => title)).toEqual(['CPU in use', 'Queued', 'Waits']);
  for (const { xs, series } of charts) {
    expect(series.map(({ label }) => label)).toEqual(['easy', '</script><b>mine']);
    for (const { values } of series) expect(values).toHaveLength(xs.length);
  }
});

test('shows the numbers and the expectations as tables, too', () => {
  expect(page).toContain('<td>wait, mean</td>');
  expect(page).toContain('class="failed">✗</td>');
});

test('asks the network for nothing', () => {
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"`);
  expect(page).not.toMatch(/<(link|img|iframe)\b|\ssrc=|\shref=|@import|url\(|fetch\(|XMLHttpRequest/i);
});

test('is legible in light and dark', () => {
  expect(page).toContain('prefers-color-scheme: dark');
});

test('names are text and never markup', () => {
  expect(page).toContain('<title>a &amp; &lt;b&gt;: easy and &lt;/script&gt;&lt;b&gt;mine</title>');
  expect(page).not.toContain('<b>mine');
});

test('its scripts are well-formed', () => {
  const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, script = '']) => script);
  expect(scripts).toHaveLength(1);
  for (const script of scripts) expect(new Script(script)).toBeInstanceOf(Script);
});
