import { describe, expect, test } from 'vitest';
import { cronTimes } from './cron.ts';

const at = (iso: string) => Date.parse(iso);
const upcoming = (cron: string, zone: string, after: string, count = 3) =>
  cronTimes(cron, zone)
    .upcoming(at(after), count)
    .map((time) => new Date(time).toISOString().slice(0, 16));

test('a fixed time that a change of clocks leaves out is just after it', () => {
  expect(upcoming('30 2 * * *', 'Europe/Berlin', '2026-03-28T00:00Z')).toEqual([
    '2026-03-28T01:30',
    '2026-03-29T01:00',
    '2026-03-30T00:30',
  ]);
});

test('a fixed time that comes twice counts once', () => {
  expect(upcoming('30 2 * * *', 'Europe/Berlin', '2026-10-24T00:00Z')).toEqual([
    '2026-10-24T00:30',
    '2026-10-25T00:30',
    '2026-10-26T01:30',
  ]);
});

test('every so many minutes goes on through a change of clocks', () => {
  const half = ['00:30', '01:00', '01:30', '02:00'];
  expect(upcoming('*/30 * * * *', 'Europe/Berlin', '2026-03-29T00:15Z', 4)).toEqual(
    half.map((one) => `2026-03-29T${one}`),
  );
  expect(upcoming('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:15Z', 4)).toEqual(
    half.map((one) => `2026-10-25T${one}`),
  );
});

test('what was missed is all from the first to now', () => {
  const hourly = cronTimes('@hourly', 'UTC');
  expect(hourly.between(at('2026-01-01T01:00Z'), at('2026-01-01T01:00Z'))).toEqual([at('2026-01-01T01:00Z')]);
  expect(hourly.between(at('2026-01-01T01:00Z'), at('2026-01-01T03:59Z')).length).toBe(3);
  const year = cronTimes('* * * * *', 'UTC').between(at('2025-01-01T00:00Z'), at('2026-01-01T00:00:30Z'));
  expect(year.length).toBe(1000);
  expect(year.at(-1)).toBe(at('2026-01-01T00:00Z'));
});

test('a time that never comes is none', () => {
  expect(cronTimes('0 0 30 2 *', 'UTC').next(0)).toBeNull();
});

describe('is refused', () => {
  test.each(['', 'x', '* * * *', '* * * * * *', '61 * * * *', '@reboot', '@every 5m'])(
    'the expression "%s"',
    (cron) => {
      expect(() => cronTimes(cron, 'UTC')).toThrow('is no cron expression: write five fields');
    },
  );

  test('a time zone that there is not', () => {
    expect(() => cronTimes('@daily', 'Mars/Base')).toThrow('is no time zone');
  });
});
