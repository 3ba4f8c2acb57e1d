/**
 * What the control plane relies on, of every adapter of the runtime port. An adapter's own test file says how a container is
 * made to behave, and how its engine goes away; what follows is the same for all.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type {
  ContainerKey,
  ContainerNetwork,
  ContainerSpec,
  ContainerState,
  HealthCheck,
  LogLine,
  LogOptions,
  Mount,
  Runtime,
  VolumeKey,
} from '../../src/runtimes/runtime.ts';
import { seeingInConformance } from './seeing-in.suite.ts';

/** What a container is to do. Without `afterMs` it runs until it is stopped. */
export interface Behaviour {
  readonly afterMs?: number;
  readonly exitCode?: number;
  readonly outOfMemory?: boolean;
  readonly stdout?: readonly string[];
  readonly stderr?: readonly string[];
  /** Between two lines of stdout. */
  readonly everyMs?: number;
  readonly ignoresTerm?: boolean;
  /** Whether health checks find it well; absent: nobody looks. */
  readonly isWell?: boolean;
  /** First writes a file; says "refused" where it may not. */
  readonly writes?: { readonly path: string; readonly text: string };
  /** Then says what these files hold, each in lines of its own; "no /path" where there is none. */
  readonly reads?: readonly string[];
  /** Then says "reached NAME" or "no NAME". */
  readonly reaches?: readonly string[];
  /** Computes all the time. */
  readonly busy?: boolean;
  /** Sends back what it gets on this port. */
  readonly echoPort?: number;
}

export interface Subject {
  readonly runtime: Runtime;
  run(behaviour: Behaviour): Pick<ContainerSpec, 'image' | 'command' | 'env'>;
  readonly missingImage: string;
  /** What finds out whether a container is well, by its behaviour. */
  readonly check: HealthCheck;
  /** A start that the engine refuses. */
  readonly refused: Pick<ContainerSpec, 'image' | 'command' | 'env'>;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  close(): Promise<void>;
}

export function newKey(given: Partial<ContainerKey> = {}): ContainerKey {
  return { clusterId: randomUUID(), deploymentId: randomUUID(), attempt: 1, replica: 0, run: 1, ...given };
}

/** A small container; what a test is about is given on top. */
export function newSpec(given: Partial<ContainerSpec> & Pick<ContainerSpec, 'image'>): ContainerSpec {
  return {
    key: newKey(),
    command: null,
    env: {},
    ports: [],
    labels: {},
    resources: { ram: 32, cpu: 500, gpu: 0 },
    devices: [],
    gpuDriver: 'none',
    stopGraceSeconds: 5,
    mounts: [],
    files: [],
    network: { mode: 'shared' },
    stopSignal: null,
    ...given,
  };
}

export async function ended(runtime: Runtime, key: ContainerKey): Promise<ContainerState> {
  return vi.waitFor(
    async () => {
      const state = await runtime.inspect(key);
      if (state?.status !== 'exited') throw new Error(`it has not ended: ${JSON.stringify(state)}`);
      return state;
    },
    { timeout: 60_000, interval: 20 },
  );
}

export async function readAll(runtime: Runtime, key: ContainerKey, options: LogOptions = {}): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of runtime.logs(key, options)) lines.push(line);
  return lines;
}

/** Reads on beside the test. `begun` resolves once there is a line, and the next one is waited for. */
function follow(runtime: Runtime, key: ContainerKey, options: LogOptions = {}) {
  const lines: LogLine[] = [];
  const read = async () => {
    for await (const line of runtime.logs(key, { ...options, follow: true })) lines.push(line);
    return lines;
  };
  const begun = () => vi.waitFor(() => expect(lines).not.toEqual([]), { timeout: 60_000, interval: 10 });
  return { reading: read(), begun };
}

/** The script has set its traps once it has written. */
async function ready(runtime: Runtime, key: ContainerKey): Promise<void> {
  for await (const _ of runtime.logs(key, { follow: true })) return;
}

async function watching(runtime: Runtime) {
  const changes: ContainerState[] = [];
  const lost: Error[] = [];
  const abort = new AbortController();
  await runtime.watch(
    (state) => changes.push(state),
    (error) => lost.push(error),
    abort.signal,
  );
  const changeOf = (key: ContainerKey) =>
    vi.waitFor(
      () => {
        const change = changes.find((state) => state.key.deploymentId === key.deploymentId);
        if (change === undefined) throw new Error('nothing was told');
        return change;
      },
      { timeout: 60_000, interval: 10 },
    );
  return { changes, lost, changeOf, stop: () => abort.abort() };
}

const newVolume = (): VolumeKey => ({ organizationId: randomUUID(), volumeId: randomUUID() });
const mountOf = (volume: VolumeKey): Mount => ({ kind: 'volume', volume, path: '/data', readOnly: false });
const fileOf = (path: string, text: string) => ({ path, content: Buffer.from(text), mode: 0o644 });
const privately = (replica: number): ContainerNetwork => ({ mode: 'private', alias: `replica-${replica}`, members: 4 });

const member = (key: ContainerKey, replica: number) => ({ key: { ...key, replica }, network: privately(replica) });

const textsOf = (lines: readonly LogLine[]) => lines.map((line) => line.text);

export function runtimeConformance(name: string, makeSubject: () => Promise<Subject>): void {
  describe(`the runtime port: ${name}`, () => {
    let subject: Subject;
    let runtime: Runtime;
    const volumes: VolumeKey[] = [];
    const used = () => {
      const volume = newVolume();
      volumes.push(volume);
      return volume;
    };
    /** How far the engine's clock and ours may seem apart: its times are cut to milliseconds. */
    const clockMs = 50;

    // A busy engine counts for longer than it is waited for.
    const sizes = () => vi.waitFor(() => runtime.volumeSizes(), { timeout: 60_000 });
    const sizeOf = ({ volumeId }: VolumeKey) =>
      vi.waitFor(
        async () => {
          const size = (await runtime.volumeSizes()).get(volumeId);
          if (size === undefined) throw new Error('its size is not known');
          return size;
        },
        { timeout: 60_000 },
      );

    beforeAll(async () => {
      subject = await makeSubject();
      ({ runtime } = subject);
    });
    afterEach(async () => {
      await comeBack();
      await Promise.all((await runtime.list()).map((state) => runtime.remove(state.key)));
      for (const network of await runtime.listNetworks()) await runtime.removeNetwork(network);
      for (const volume of volumes.splice(0)) await runtime.removeVolume(volume);
    });
    afterAll(() => subject?.close());

    /** A connection that broke may be noticed by the first call that uses it: `unreachable` means "try again". */
    async function comeBack(): Promise<void> {
      await subject.comeBack();
      await vi.waitFor(() => runtime.ping(), { timeout: 60_000, interval: 20 });
    }

    const specOf = (behaviour: Behaviour, given: Partial<ContainerSpec> = {}) =>
      newSpec({ ...subject.run(behaviour), ...given });
    const start = async (behaviour: Behaviour, given: Partial<ContainerSpec> = {}) => {
      const spec = specOf(behaviour, given);
      return { spec, key: spec.key, state: await runtime.start(spec) };
    };

    describe('start', () => {
      test('tells that it runs, and since when', async () => {
        const before = Date.now();
        const { key, state } = await start({});
        expect(state).toMatchObject({ key, status: 'running', finishedAt: null, exitCode: null, outOfMemory: false });
        expect(state.containerId).not.toBe('');
        expect(state.startedAt).toBeGreaterThanOrEqual(before - clockMs);
        expect(state.startedAt).toBeLessThanOrEqual(Date.now() + clockMs);
        expect(await runtime.inspect(key)).toEqual(state);
      });

      test('a second time, finds the first', async () => {
        const { spec, state } = await start({});
        expect(await runtime.start(spec)).toEqual(state);
        expect(await runtime.list(spec.key.clusterId)).toHaveLength(1);
      });

      test('many times at once, makes one', async () => {
        const spec = specOf({});
        const states = await Promise.all(Array.from({ length: 8 }, () => runtime.start(spec)));
        expect(new Set(states.map((state) => state.containerId)).size).toBe(1);
        expect(await runtime.list(spec.key.clusterId)).toHaveLength(1);
      });

      test('after it has ended, reports how it ended and makes no second', async () => {
        const { spec, state } = await start({ afterMs: 0, exitCode: 3 });
        await ended(runtime, spec.key);
        expect(await runtime.start(spec)).toMatchObject({
          status: 'exited',
          exitCode: 3,
          containerId: state.containerId,
          startedAt: state.startedAt,
        });
      });

      test('attempts and replicas of one deployment are containers of their own', async () => {
        const first = newKey();
        const keys = [first, { ...first, replica: 1 }, { ...first, attempt: 2 }];
        for (const key of keys) await start({}, { key });
        const listed = await runtime.list(first.clusterId);
        expect(listed.map((state) => state.key)).toEqual(expect.arrayContaining(keys));
        expect(new Set(listed.map((state) => state.containerId)).size).toBe(3);
      });

      test('of what is not wanted any more when it was made, does not begin, and leaves nothing behind', async () => {
        const spec = specOf({});
        const seen: (ContainerState | null)[] = [];
        const starting = runtime.start(spec, async () => {
          seen.push(await runtime.inspect(spec.key));
          return false;
        });
        await expect(starting).rejects.toMatchObject({ name: 'RuntimeError', code: 'not_wanted' });
        // Others could see it before it was asked whether it is wanted.
        expect(seen).toMatchObject([{ key: spec.key, status: 'created', startedAt: null }]);
        expect(await runtime.inspect(spec.key)).toBeNull();
        expect(await runtime.list(spec.key.clusterId)).toEqual([]);
      });

      test('of what another one stops in the meantime, does not begin', async () => {
        const spec = specOf({});
        const starting = runtime.start(spec, async () => {
          // As a worker does that finds nothing running.
          expect(await runtime.stop(spec.key, 0)).toMatchObject({ status: 'created' });
          await runtime.remove(spec.key);
          return true;
        });
        await expect(starting).rejects.toMatchObject({ name: 'RuntimeError', code: 'start_failed' });
        expect(await runtime.inspect(spec.key)).toBeNull();
        expect(await runtime.list(spec.key.clusterId)).toEqual([]);
      });

      test('of what has been started before, asks nobody', async () => {
        const { spec, state } = await start({});
        expect(await runtime.start(spec, () => Promise.reject(new Error('asked')))).toEqual(state);
      });

      test('of a missing image, says so and leaves nothing behind', async () => {
        const spec = newSpec({ image: subject.missingImage });
        await expect(runtime.start(spec)).rejects.toMatchObject({ name: 'RuntimeError', code: 'image_not_found' });
        expect(await runtime.inspect(spec.key)).toBeNull();
      });

      test('that the engine refuses, says why and leaves nothing behind', async () => {
        const spec = newSpec(subject.refused);
        await expect(runtime.start(spec)).rejects.toMatchObject({
          name: 'RuntimeError',
          code: 'start_failed',
          message: expect.stringMatching(/\w+ \w+/),
        });
        expect(await runtime.inspect(spec.key)).toBeNull();
      });

      test('assigns a host port where none was asked for', async () => {
        const ports = [
          { container: 8080, host: null, protocol: 'tcp' },
          { container: 5353, host: null, protocol: 'udp' },
        ] as const;
        const { state } = await start({}, { ports });
        expect(state.ports).toHaveLength(2);
        expect(state.ports).toEqual(
          expect.arrayContaining(ports.map((port) => ({ ...port, host: expect.any(Number) }))),
        );
        for (const port of state.ports) expect(port.host).toBeGreaterThan(1023);
      });
    });

    const saysOf = async (behaviour: Behaviour, given: Partial<ContainerSpec>) => {
      const { key } = await start({ ...behaviour, afterMs: 0 }, given);
      await ended(runtime, key);
      return textsOf(await readAll(runtime, key));
    };

    describe('files', () => {
      test('are there when it starts', async () => {
        const files = [fileOf('/etc/app.conf', 'colour = äöü'), fileOf('/new/place/of.ours', 'two')];
        const reads = ['/etc/app.conf', '/new/place/of.ours', '/etc/none'];
        expect(await saysOf({ reads }, { files })).toEqual(['colour = äöü', 'two', 'no /etc/none']);
      });

      test('are of one container alone', async () => {
        const files = [fileOf('/etc/mine', 'one')];
        await start({}, { files });
        expect(await saysOf({ reads: ['/etc/mine'] }, {})).toEqual(['no /etc/mine']);
      });
    });

    describe('volumes', () => {
      test('keep what was written when the container has gone', async () => {
        const volume = used();
        const writes = { path: '/data/kept', text: 'still here' };
        const { key } = await start({ writes, afterMs: 0 }, { mounts: [mountOf(volume)] });
        await ended(runtime, key);
        await runtime.remove(key);
        const elsewhere = { ...mountOf(volume), path: '/other' };
        expect(await saysOf({ reads: ['/other/kept'] }, { mounts: [elsewhere] })).toEqual(['still here']);
      });

      test('that may only be read are not written to', async () => {
        const mounts = [{ ...mountOf(used()), readOnly: true }];
        const writes = { path: '/data/x', text: 'x' };
        expect(await saysOf({ writes, reads: ['/data/x'] }, { mounts })).toEqual(['refused', 'no /data/x']);
      });

      test('of one id in two organizations are two', async () => {
        const volume = used();
        const theirs = { ...volume, volumeId: randomUUID(), organizationId: randomUUID() };
        volumes.push(theirs);
        const writes = { path: '/data/secret', text: 'ours' };
        await saysOf({ writes }, { mounts: [mountOf(volume)] });
        expect(await saysOf({ reads: ['/data/secret'] }, { mounts: [mountOf(theirs)] })).toEqual(['no /data/secret']);
      });

      test('tell how much they hold', async () => {
        const volume = used();
        const writes = { path: '/data/thousand', text: 'x'.repeat(1000) };
        await saysOf({ writes }, { mounts: [mountOf(volume)] });
        const size = await sizeOf(volume);
        expect(size).toBeGreaterThanOrEqual(1000);
        expect(size).toBeLessThan(1_000_000);
        expect((await sizes()).has(newVolume().volumeId)).toBe(false);
      });

      test('are removed with what they hold, once no container refers to them; again is no error', async () => {
        const volume = used();
        const { key } = await start({ writes: { path: '/data/x', text: 'x' } }, { mounts: [mountOf(volume)] });
        await expect(runtime.removeVolume(volume)).rejects.toMatchObject({ name: 'RuntimeError', code: 'in_use' });
        await runtime.remove(key);
        await runtime.removeVolume(volume);
        await runtime.removeVolume(volume);
        expect((await sizes()).has(volume.volumeId)).toBe(false);
        expect(await saysOf({ reads: ['/data/x'] }, { mounts: [mountOf(volume)] })).toEqual(['no /data/x']);
      });
    });

    describe('a private network', () => {
      test('lets its replicas reach each other by name, and nobody else', async () => {
        const [ours, theirs] = [newKey(), newKey()];
        await start({}, member(ours, 0));
        await start({}, member(theirs, 7));
        const reaches = ['replica-0', 'replica-7'];
        expect(await saysOf({ reaches }, member(ours, 1))).toEqual(['reached replica-0', 'no replica-7']);
        expect(await saysOf({ reaches }, { network: { mode: 'none' } })).toEqual(['no replica-0', 'no replica-7']);
        expect(await saysOf({ reaches }, {})).toEqual(['no replica-0', 'no replica-7']);
      });

      test('is made once, however many start at once, and found by a repeated start', async () => {
        const key = newKey();
        const specs = [0, 1, 2, 3].map((replica) => specOf({}, member(key, replica)));
        await Promise.all(specs.map((spec) => runtime.start(spec)));
        await Promise.all(specs.map((spec) => runtime.start(spec)));
        const { clusterId, deploymentId, attempt } = key;
        expect(await runtime.listNetworks()).toEqual([{ clusterId, deploymentId, attempt }]);
      });

      test('is one for each attempt, and removed once nothing in it runs; again is no error', async () => {
        const key = newKey();
        const second = { ...key, attempt: 2 };
        await start({}, member(key, 0));
        await start({}, member(second, 0));
        expect(await runtime.listNetworks()).toHaveLength(2);
        await expect(runtime.removeNetwork(key)).rejects.toMatchObject({ name: 'RuntimeError', code: 'in_use' });
        await runtime.remove({ ...key, replica: 0 });
        await runtime.removeNetwork(key);
        await runtime.removeNetwork(key);
        expect(await runtime.listNetworks()).toMatchObject([{ attempt: 2 }]);
      });
    });

    describe('ensureImage', () => {
      test.each(['missing', 'never'] as const)('with policy "%s" is content with what is there', async (policy) => {
        await runtime.ensureImage(subject.run({}).image, { policy });
      });

      test('with policy "never" does not look elsewhere', async () => {
        await expect(runtime.ensureImage(subject.missingImage, { policy: 'never' })).rejects.toMatchObject({
          name: 'RuntimeError',
          code: 'image_not_found',
          message: expect.stringContaining(subject.missingImage),
        });
      });
    });

    describe('an end', () => {
      test.each([0, 3])('with exit code %i is told', async (exitCode) => {
        const { key, state } = await start({ afterMs: 50, exitCode });
        const end = await ended(runtime, key);
        expect(end).toMatchObject({ status: 'exited', exitCode, outOfMemory: false, startedAt: state.startedAt });
        expect(end.finishedAt).toBeGreaterThanOrEqual(state.startedAt ?? Number.NaN);
        expect(end.finishedAt).toBeLessThanOrEqual(Date.now() + clockMs);
      });

      test('out of memory is told from other ends', async () => {
        const { key } = await start({ outOfMemory: true }, { resources: { ram: 16, cpu: 500, gpu: 0 } });
        expect(await ended(runtime, key)).toMatchObject({ exitCode: 137, outOfMemory: true });
      });
    });

    describe('stop', () => {
      test('lets it end by itself within the grace', async () => {
        const { key } = await start({ stdout: ['ready'] });
        await ready(runtime, key);
        // Killed, it would have ended with 137, and after the grace.
        expect(await runtime.stop(key, 600)).toMatchObject({
          key,
          status: 'exited',
          exitCode: 143,
          outOfMemory: false,
        });
      });

      test('kills it after the grace', async () => {
        const { key } = await start({ ignoresTerm: true, stdout: ['ready'] });
        await ready(runtime, key);
        const before = Date.now();
        expect(await runtime.stop(key, 1)).toMatchObject({ status: 'exited', exitCode: 137, outOfMemory: false });
        expect(Date.now() - before).toBeGreaterThanOrEqual(900);
      });

      test('with no grace kills it at once', async () => {
        const { key } = await start({ ignoresTerm: true, stdout: ['ready'] });
        await ready(runtime, key);
        expect(await runtime.stop(key, 0)).toMatchObject({ status: 'exited', exitCode: 137 });
      });

      test('of an ended one reports its end, of an unknown one null', async () => {
        const { key } = await start({ afterMs: 0, exitCode: 3 });
        const end = await ended(runtime, key);
        expect(await runtime.stop(key, 1)).toEqual(end);
        expect(await runtime.stop(newKey(), 1)).toBeNull();
      });

      test('may be called twice at once', async () => {
        const { key } = await start({ stdout: ['ready'] });
        await ready(runtime, key);
        const [first, second] = await Promise.all([runtime.stop(key, 5), runtime.stop(key, 5)]);
        expect(second).toEqual(first);
      });
    });

    describe('probe', () => {
      test.each([true, false])('finds out that it is well: %s', async (isWell) => {
        const { key } = await start({ isWell, stdout: ['ready'] });
        await ready(runtime, key);
        const result = await runtime.probe(key, subject.check, 60_000);
        expect(result).toEqual({ isWell, message: expect.stringMatching(/\w+ \w+/) });
        // The same in the same words: nothing is written down anew.
        expect(await runtime.probe(key, subject.check, 60_000)).toEqual(result);
      });

      test('says nothing of one that has ended, or is unknown', async () => {
        const { key } = await start({ isWell: true, afterMs: 0 });
        await ended(runtime, key);
        expect(await runtime.probe(key, subject.check, 60_000)).toBeNull();
        expect(await runtime.probe(newKey(), subject.check, 60_000)).toBeNull();
      });
    });

    describe('remove', () => {
      test('takes away what runs and what has ended', async () => {
        const running = await start({});
        const over = await start({ afterMs: 0 });
        await ended(runtime, over.key);
        for (const { key } of [running, over]) {
          await runtime.remove(key);
          expect(await runtime.inspect(key)).toBeNull();
          expect(await runtime.list(key.clusterId)).toEqual([]);
        }
      });

      test('may be repeated, and may come too late', async () => {
        const { key } = await start({});
        await Promise.all([runtime.remove(key), runtime.remove(key)]);
        await runtime.remove(key);
        await runtime.remove(newKey());
      });

      test('makes room for a start of the same name', async () => {
        const { spec, state } = await start({});
        await runtime.remove(spec.key);
        const again = await runtime.start(spec);
        expect(again.status).toBe('running');
        expect(again.containerId).not.toBe(state.containerId);
      });
    });

    describe('list', () => {
      test('tells running and ended ones, of all clusters or of one', async () => {
        const running = await start({});
        const over = await start({ afterMs: 0, exitCode: 3 });
        const end = await ended(runtime, over.key);
        const listed = await runtime.list();
        expect(listed).toHaveLength(2);
        expect(listed).toContainEqual(end);
        expect(listed).toContainEqual(expect.objectContaining({ key: running.key, status: 'running', exitCode: null }));
        expect(await runtime.list(over.key.clusterId)).toEqual([end]);
        expect(await runtime.list(randomUUID())).toEqual([]);
      });
    });

    describe('logs', () => {
      const five = ['one', 'two  with  spaces', '', 'four: äöü 漢字 🙂', 'five'];

      test('are readable after the end, by stream and in order', async () => {
        const { key, state } = await start({ stdout: five, stderr: ['oops'], afterMs: 0 });
        await ended(runtime, key);
        const lines = await readAll(runtime, key);
        expect(textsOf(lines.filter((line) => line.stream === 'stdout'))).toEqual(five);
        expect(textsOf(lines.filter((line) => line.stream === 'stderr'))).toEqual(['oops']);
        for (const line of lines) expect(line.at).toBeGreaterThanOrEqual((state.startedAt ?? 0) - clockMs);
      });

      test('of one of the two streams, also counted from the end', async () => {
        const { key } = await start({ stdout: ['a', 'b'], stderr: ['x', 'y'], afterMs: 0 });
        await ended(runtime, key);
        expect(textsOf(await readAll(runtime, key, { stream: 'stdout' }))).toEqual(['a', 'b']);
        expect(textsOf(await readAll(runtime, key, { stream: 'stderr' }))).toEqual(['x', 'y']);
        expect(textsOf(await readAll(runtime, key, { stream: 'stderr', tail: 1 }))).toEqual(['y']);
        expect(textsOf(await readAll(runtime, key, { stream: 'stdout', follow: true }))).toEqual(['a', 'b']);
      });

      test('are readable while it runs, without waiting for more', async () => {
        const { key } = await start({ stdout: five });
        await vi.waitFor(async () => expect(textsOf(await readAll(runtime, key))).toEqual(five), { timeout: 60_000 });
      });

      test('tail gives the last lines', async () => {
        const { key } = await start({ stdout: five, afterMs: 0 });
        await ended(runtime, key);
        expect(textsOf(await readAll(runtime, key, { tail: 2 }))).toEqual(five.slice(3));
        expect(await readAll(runtime, key, { tail: 0 })).toEqual([]);
        expect(await readAll(runtime, key, { tail: 100 })).toHaveLength(5);
      });

      test('since gives the lines from that time on, to the millisecond', async () => {
        const { key } = await start({ stdout: ['a', 'b', 'c'], everyMs: 100, afterMs: 300 });
        await ended(runtime, key);
        const lines = await readAll(runtime, key);
        expect(textsOf(lines)).toEqual(['a', 'b', 'c']);
        // When a line is read, not when it is written: an engine that is late reads several at once.
        const from = (since: number) => lines.filter((line) => line.at >= since);
        const at = lines[1]?.at ?? Number.NaN;
        expect(await readAll(runtime, key, { since: at })).toEqual(from(at));
        expect(await readAll(runtime, key, { since: at + 1 })).toEqual(from(at + 1));
        expect(textsOf(await readAll(runtime, key, { since: at, tail: 1 }))).toEqual(['c']);
        expect(await readAll(runtime, key, { since: Date.now() + 60_000 })).toEqual([]);
      });

      test('follow gives each line as it is written, and ends with the container', async () => {
        // It would go on for ever: each line has come before there was an end, or anything after the last one.
        const { key } = await start({ stdout: ['a', 'b', 'c'], everyMs: 200 });
        const seen: string[] = [];
        for await (const { text } of runtime.logs(key, { follow: true })) {
          seen.push(text);
          expect(await runtime.inspect(key)).toMatchObject({ status: 'running' });
          if (text === 'c') expect(await runtime.stop(key, 600)).toMatchObject({ status: 'exited', exitCode: 143 });
        }
        expect(seen).toEqual(['a', 'b', 'c']);
      });

      test('follow of an ended one gives its lines and ends', async () => {
        const { key } = await start({ stdout: five, afterMs: 0 });
        await ended(runtime, key);
        expect(textsOf(await readAll(runtime, key, { follow: true }))).toEqual(five);
        expect(textsOf(await readAll(runtime, key, { follow: true, tail: 1 }))).toEqual(['five']);
      });

      test('follow ends when it is aborted, before and while it reads', async () => {
        const { key } = await start({ stdout: ['a'] });
        const abort = new AbortController();
        const { reading, begun } = follow(runtime, key, { signal: abort.signal });
        await begun();
        abort.abort();
        expect(textsOf(await reading)).toEqual(['a']);
        await readAll(runtime, key, { follow: true, signal: AbortSignal.abort() });
      });

      test('follow ends when the container is removed', async () => {
        const { key } = await start({ stdout: ['a'] });
        const { reading, begun } = follow(runtime, key);
        await begun();
        await runtime.remove(key);
        expect(textsOf(await reading)).toEqual(['a']);
      });

      test('of an unknown one are not found', async () => {
        await expect(readAll(runtime, newKey())).rejects.toMatchObject({ name: 'RuntimeError', code: 'not_found' });
      });
    });

    describe('watch', () => {
      test('tells an end, and how it was', async () => {
        const watch = await watching(runtime);
        const { key } = await start({ afterMs: 100, exitCode: 3 });
        expect(await watch.changeOf(key)).toMatchObject({ key, status: 'exited', exitCode: 3, outOfMemory: false });
        watch.stop();
      });

      test('tells an end for want of memory as such', async () => {
        const watch = await watching(runtime);
        const { key } = await start({ outOfMemory: true }, { resources: { ram: 16, cpu: 500, gpu: 0 } });
        expect(await watch.changeOf(key)).toMatchObject({ status: 'exited', exitCode: 137, outOfMemory: true });
        watch.stop();
      });

      test('tells the end of one that was removed while it ran', async () => {
        const watch = await watching(runtime);
        const { key } = await start({});
        await runtime.remove(key);
        expect(await watch.changeOf(key)).toMatchObject({ key, status: 'exited', exitCode: 137 });
        watch.stop();
      });

      test('tells nothing once it is aborted, also not that it is lost', async () => {
        const watch = await watching(runtime);
        watch.stop();
        const { key } = await start({ afterMs: 0 });
        await ended(runtime, key);
        await sleep(100);
        expect(watch).toMatchObject({ changes: [], lost: [] });
      });

      test('says once that it is lost when the engine goes away; a new one works', async () => {
        const watch = await watching(runtime);
        await subject.goAway();
        await vi.waitFor(() => expect(watch.lost).toHaveLength(1), { timeout: 60_000 });
        await expect(watching(runtime)).rejects.toMatchObject({ code: 'unreachable' });
        await comeBack();
        const again = await watching(runtime);
        const { key } = await start({ afterMs: 0 });
        await again.changeOf(key);
        expect(watch.lost).toHaveLength(1);
        again.stop();
      });
    });

    describe('an engine that is away', () => {
      const calls: readonly [string, (runtime: Runtime, spec: ContainerSpec) => Promise<unknown>][] = [
        ['ping', (one) => one.ping()],
        ['capacity', (one) => one.capacity()],
        ['ensureImage', (one, { image }) => one.ensureImage(image, { policy: 'missing' })],
        ['ensureImage, always', (one, { image }) => one.ensureImage(image, { policy: 'always' })],
        ['start', (one, spec) => one.start(spec)],
        ['stop', (one, { key }) => one.stop(key, 1)],
        ['remove', (one, { key }) => one.remove(key)],
        ['inspect', (one, { key }) => one.inspect(key)],
        ['list', (one) => one.list()],
        ['logs', (one, { key }) => readAll(one, key)],
        ['probe', (one, { key }) => one.probe(key, subject.check, 1000)],
        ['start, in a private network', (one, spec) => one.start({ ...spec, network: privately(0) })],
        ['start, with a volume', (one, spec) => one.start({ ...spec, mounts: [mountOf(newVolume())] })],
        ['listNetworks', (one) => one.listNetworks()],
        ['removeNetwork', (one, { key }) => one.removeNetwork(key)],
        ['volumeSizes', (one) => one.volumeSizes()],
        ['removeVolume', (one) => one.removeVolume(newVolume())],
        ['stats', (one, { key }) => one.stats(key)],
        ['exec', (one, { key }) => one.exec(key, { command: ['true'], terminal: null })],
        ['statFile', (one, { key }) => one.statFile(key, '/tmp')],
        ['readFiles', (one, { key }) => one.readFiles(key, '/tmp')],
        ['writeFiles', (one, { key }) => one.writeFiles(key, '/tmp', Readable.from([]), new AbortController().signal)],
        ['dial', (one, { key }) => one.dial(key, 80)],
      ];

      test.each(calls)('%s: unreachable', async (_, call) => {
        await subject.goAway();
        await expect(call(runtime, specOf({}))).rejects.toMatchObject({ name: 'RuntimeError', code: 'unreachable' });
      });

      test('loses nothing: what ran is found again', async () => {
        const { spec, state } = await start({});
        await subject.goAway();
        await expect(runtime.start(spec)).rejects.toMatchObject({ code: 'unreachable' });
        await comeBack();
        expect(await runtime.start(spec)).toEqual(state);
      });
    });

    seeingInConformance({ runtime: () => runtime, newKey, ended, start });

    test('capacity is that of a machine', async () => {
      const { ram, cpu, devices } = await runtime.capacity();
      for (const amount of [ram, cpu]) expect(Number.isInteger(amount) && amount > 0).toBe(true);
      expect(Array.isArray(devices)).toBe(true);
    });
  });
}
