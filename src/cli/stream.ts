import { fromProblem } from './errors.ts';
import { bearer, type Session, unreachable } from './session.ts';

/** The lines of a body as they come in, the last one also where it has no end. */
export async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) if (part !== '') yield part;
  }
  if (rest !== '') yield rest;
}

/** Opens a stream of the API. Throws in plain words where it is refused or the service can't be reached. */
export async function openStream(
  session: Session,
  path: string,
  headers: Record<string, string> = {},
): Promise<ReadableStream<Uint8Array>> {
  const response = await fetch(`${session.url}/api/v1${path}`, {
    headers: { authorization: bearer(session), ...headers },
  }).catch((error: unknown) => {
    throw unreachable(session, error);
  });
  if (!response.ok) throw fromProblem((await response.json()) as Parameters<typeof fromProblem>[0]);
  return response.body ?? new ReadableStream({ start: (controller) => controller.close() });
}

/** The lines of a stream until it ends or breaks: it is up to the caller whether that was all. */
export async function* linesUntilCut(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  try {
    yield* lines(body);
  } catch (error) {
    // What fetch throws where a connection breaks; the last line may be half of one, and was not handed out.
    if (!(error instanceof TypeError)) throw error;
  }
}
