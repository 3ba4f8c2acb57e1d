/**
 * A report as one HTML file that needs nothing else: styles, script, plots (uPlot) and data stand in it, and its content policy
 * forbids it to ask the network for anything.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Verdict } from '../check.ts';
import type { Report } from '../report.ts';
import { chartsOf } from './charts.ts';
import { escaped, tables } from './tables.ts';

const require = createRequire(import.meta.url);
const read = (path: string | URL) => readFile(path, 'utf8');
const beside = (name: string) => read(new URL(name, import.meta.url));

export async function pageOf(report: Report, verdicts: readonly Verdict[]): Promise<string> {
  const [plotScript, plotStyle, script, style] = await Promise.all([
    read(require.resolve('uplot/dist/uPlot.iife.min.js')),
    read(require.resolve('uplot/dist/uPlot.min.css')),
    beside('page.js'),
    beside('page.css'),
  ]);
  const charts = chartsOf(report);
  const title = `${report.trace.name}: ${report.runs.map(({ policy }) => policy.name).join(' and ')}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>${escaped(title)}</title>
<style>
${plotStyle}
${style}</style>
</head>
<body>
<main>
${tables(report, verdicts)}
${charts
  .map(
    (chart, i) =>
      `<section><h2>${escaped(chart.title)}</h2><p>${escaped(chart.note)}</p><div id="chart-${i}" role="img" aria-label="${escaped(chart.title)}"></div></section>`,
  )
  .join('\n')}
</main>
<script type="application/json" id="charts">${asScript(charts)}</script>
<script type="application/json" id="report">${asScript(report)}</script>
<script>
${plotScript}
${script}</script>
</body>
</html>
`;
}

/** JSON that can't end the element that it stands in. */
function asScript(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}
