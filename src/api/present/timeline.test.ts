import { describe, expect, it } from 'vitest';
import { statusOfRun } from './timeline.ts';

const ended = new Date(0);

describe('the status of a run', () => {
  it('is that of its deployment while it goes on', () => {
    expect(statusOfRun({ status: 'running', ended_at: null, reason_code: null })).toBe('running');
  });

  it('is its own once it has ended', () => {
    expect(statusOfRun({ status: 'failed', ended_at: ended, reason_code: 'exit_zero' })).toBe('succeeded');
    expect(statusOfRun({ status: 'running', ended_at: ended, reason_code: 'exit_nonzero' })).toBe('failed');
  });

  it('is that of the deployment where somebody ended both', () => {
    expect(statusOfRun({ status: 'cancelled', ended_at: ended, reason_code: 'stopped' })).toBe('cancelled');
    expect(statusOfRun({ status: 'failed', ended_at: ended, reason_code: 'stopped' })).toBe('failed');
    expect(statusOfRun({ status: 'queued', ended_at: ended, reason_code: 'stopped' })).toBe('cancelled');
  });
});
