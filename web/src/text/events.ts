/** Kinds of events, as people read them. */

/** "deployment.priority_changed" is "Priority changed": the subject is known from where it is shown. */
export function titleOf(type: string): string {
  const [subject = '', ...rest] = type.split('.');
  const words = (rest.join(' ') || subject).replaceAll('_', ' ');
  const text = subject === 'deployment' ? words : `${subject.replaceAll('_', ' ')} ${words}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const bad = new Set(['failed', 'unreachable', 'unhealthy', 'not_run', 'rolled_back', 'skipped', 'start_retried']);
const good = new Set(['succeeded', 'started', 'reachable', 'healthy', 'update_finished']);
const warning = new Set(['preempting', 'preempted', 'requeued', 'restarting', 'stopping', 'draining', 'cancelled']);

/** A colour that says whether somebody should look. */
export function toneOf(type: string): 'red' | 'teal' | 'orange' | 'indigo' {
  const verb = type.split('.')[1] ?? '';
  if (bad.has(verb)) return 'red';
  if (good.has(verb)) return 'teal';
  return warning.has(verb) ? 'orange' : 'indigo';
}
