/**
 * Holds a server of the platform in a process of its own, for tests that kill that process or run it as another user:
 * `node --import tsx hold.ts postgres|engine <options as JSON>`. Prints what it holds as one line of JSON.
 */
import { startPrivateEngine } from '../../src/platform/docker-private.ts';
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from '../../src/platform/embedded-postgres.ts';

const [kind, json = '{}'] = process.argv.slice(2);
const options: unknown = JSON.parse(json);
const held = kind === 'postgres' ? await holdPostgres() : await holdEngine();
process.stdout.write(`${JSON.stringify(held.told)}\n`);
const keepAlive = setInterval(() => {}, 2 ** 30);
process.once('SIGTERM', () => {
  clearInterval(keepAlive);
  void held.stop();
});

async function holdPostgres() {
  const postgres = await startEmbeddedPostgres(options as EmbeddedPostgresOptions);
  return { told: { url: postgres.url, pid: postgres.pid }, stop: () => postgres.stop() };
}

async function holdEngine() {
  const { executable, dataRoot } = options as { executable: string; dataRoot: string };
  const engine = await startPrivateEngine(executable, { dataRoot, say: () => undefined });
  return { told: { host: engine.host }, stop: () => engine.stop() };
}
