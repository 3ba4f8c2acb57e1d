import { withoutPassword } from './connect.ts';
import type { Totals } from './contents.ts';
import { fill } from './fill.ts';
import { noteMoved } from './moved.ts';
import { openAlone, openServer } from './place.ts';
import { createProgress } from './progress.ts';
import { readInstallation } from './read.ts';

export interface MoveOptions {
  readonly dataDir: string;
  readonly say: (message: string) => void;
}

/** From the embedded PostgreSQL to an empty database of another server. What was there stays there, and is not used any more. */
export async function moveTo(url: string, { dataDir, say }: MoveOptions): Promise<Totals> {
  // First: whether it can be reached and is new enough is known at once.
  const to = await openServer(url);
  try {
    const from = await openAlone({ dataDir, say });
    try {
      const progress = createProgress('moving', say);
      const contents = await readInstallation(from.client, from.name, progress);
      const totals = await fill(to.client, contents, { place: to.name, replace: false, progress, say });
      await noteMoved(dataDir, withoutPassword(url));
      return totals;
    } finally {
      await from.close();
    }
  } finally {
    await to.close();
  }
}
