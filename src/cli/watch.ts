import { setTimeout as sleep } from 'node:timers/promises';
import { patiently } from './patience.ts';

const everyMs = 2000;

/**
 * Prints once; with `--watch` again and again until Ctrl-C: in place on a terminal, one after the other elsewhere, and there only
 * when it has changed.
 */
export async function watched(given: { readonly watch?: boolean }, draw: () => Promise<string>): Promise<void> {
  let last = '';
  for (let text = await draw(); ; text = await patiently(draw)) {
    if (given.watch !== true) return console.log(text);
    if (process.stdout.isTTY) redraw(text);
    else if (text !== last) console.log(text);
    last = text;
    await sleep(everyMs);
  }
}

/** Line by line over what was there: clearing the screen first would flicker. */
function redraw(text: string): void {
  const lines = text.split('\n').map((line) => `${line}\u001b[K`);
  process.stdout.write(`\u001b[H${lines.join('\n')}\n\u001b[J`);
}
