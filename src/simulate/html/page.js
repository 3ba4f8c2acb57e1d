// Draws the charts of the page with uPlot. It stands in the page itself: it fetches nothing and imports nothing.
const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

(() => {
  const charts = JSON.parse(document.getElementById('charts').textContent);

  function durationText(seconds) {
    const units = [
      ['d', 86400],
      ['h', 3600],
      ['m', 60],
    ];
    for (const [unit, size] of units) if (seconds >= size) return `${Number((seconds / size).toFixed(1))}${unit}`;
    return `${Number(seconds.toFixed(1))}s`;
  }
  const texts = {
    time: durationText,
    duration: durationText,
    percent: (value) => `${value}%`,
    share: (value) => `${Number((100 * value).toFixed(1))}%`,
    count: (value) => Number(value.toFixed(1)).toLocaleString('en'),
  };
  // Steps of a time axis that people count in: minutes, hours, days, weeks.
  const timeSteps = [
    1, 5, 15, 60, 300, 900, 3600, 10800, 21600, 43200, 86400, 172800, 604800, 1209600, 2592000, 7776000, 31536000,
  ];

  // The waits that people have names for.
  const waits = [0, 1, 10, 60, 600, 3600, 21600, 86400, 604800, 2592000, 31536000];
  const durationAxis = {
    splits: (_plot, _axis, min, max) => waits.filter((wait) => wait >= min && wait <= max),
    filter: (_plot, splits) => splits,
  };

  function axis(kind, extra) {
    return {
      stroke: color('--muted'),
      grid: { stroke: color('--grid'), width: 1 },
      ticks: { stroke: color('--grid'), width: 1 },
      values: (_plot, values) => values.map((value) => (value === null ? '' : texts[kind](value))),
      ...extra,
    };
  }

  function draw(chart, into) {
    const options = {
      width: into.clientWidth,
      height: 260,
      scales: {
        x: { time: false },
        y:
          chart.y === 'share'
            ? { range: (_plot, _min, max) => [0, Math.max(max > 0.5 ? 1 : max * 1.15, 0.01)] }
            : chart.y === 'duration'
              ? { distr: 4, range: (_plot, _min, max) => [0, Math.max(1, max)] }
              : { range: (_plot, _min, max) => [0, Math.max(1, max * 1.05)] },
      },
      axes: [
        axis(chart.x, chart.x === 'time' ? { incrs: timeSteps } : {}),
        axis(chart.y, { size: 70, ...(chart.y === 'duration' ? durationAxis : {}) }),
      ],
      series: [
        {
          label: chart.x === 'time' ? 'time' : 'deployments',
          value: (_plot, value) => (value === null ? '–' : texts[chart.x](value)),
        },
        ...chart.series.map(({ label }, i) => ({
          label,
          stroke: color(`--series-${(i % 6) + 1}`),
          // Beyond the colors that there are, dashes tell lines apart.
          dash: i < 6 ? undefined : [6, 4],
          width: 1.75,
          points: { show: false },
          value: (_plot, value) => (value === null ? '–' : texts[chart.y](value)),
        })),
      ],
    };
    return new uPlot(options, [chart.xs, ...chart.series.map(({ values }) => values)], into);
  }

  let plots = [];
  function drawAll() {
    for (const plot of plots) plot.destroy();
    plots = charts.map((chart, i) => draw(chart, document.getElementById(`chart-${i}`)));
  }
  drawAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
  addEventListener('resize', () => {
    for (const plot of plots) plot.setSize({ width: plot.root.parentElement.clientWidth, height: 260 });
  });
})();
