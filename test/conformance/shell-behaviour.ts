/** Behaviours of the conformance suite, for runtimes whose containers run a shell. */
import type { Behaviour } from './runtime.suite.ts';

/**
 * Not at once: the engine itself misses an "out of memory" right after the start (containerd/containerd#8180), and then no
 * adapter can know. Measured here, under load: 87 of 540 missed without a pause, none of 540 with half a second; a machine whose
 * cores are busy with more than that needs a longer one.
 */
const lackOfMemory = 'sleep 5\ntail /dev/zero\nexit $?';

/** What a container is to do, as a script: the same as the simulated containers do, in the words of a shell. */
export function scriptOf(behaviour: Behaviour): string {
  const {
    afterMs,
    exitCode = 0,
    outOfMemory,
    stdout = [],
    stderr = [],
    everyMs = 0,
    ignoresTerm,
    busy,
    echoPort,
    isWell,
  } = behaviour;
  const { writes, reads = [], reaches = [] } = behaviour;
  const gap = everyMs === 0 ? '' : `sleep ${everyMs / 1000}\n`;
  const waitMs = afterMs === undefined ? 3_600_000 : Math.max(0, afterMs - everyMs * Math.max(0, stdout.length - 1));
  return [
    ignoresTerm === true ? `trap '' TERM` : `trap 'exit 143' TERM`,
    ...(isWell === true ? ['touch /tmp/well'] : []),
    ...(writes === undefined ? [] : [`printf %s ${quoted(writes.text)} 2>&- >${writes.path} || echo refused`]),
    ...reads.map((path) => `cat ${path} 2>&- && echo || echo no ${path}`),
    ...reaches.map((name) => `ping -c 1 -W 5 ${name} >&- 2>&- && echo reached ${name} || echo no ${name}`),
    busy === true ? 'while true; do true; done &' : '',
    echoPort === undefined ? '' : `while true; do nc -l -p ${echoPort} -e cat; done &`,
    ...stderr.map((line) => `echo ${quoted(line)} >&2`),
    stdout.map((line) => `echo ${quoted(line)}\n`).join(gap),
    outOfMemory === true ? lackOfMemory : `sleep ${waitMs / 1000} & wait $!\nexit ${exitCode}`,
  ].join('\n');
}

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
