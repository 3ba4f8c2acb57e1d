import type { Database } from './database.ts';

/** What the files of a deployment hold, by their hashes. Only for the worker: lists show sizes and hashes. */
export async function fileContents(db: Database, deploymentId: string): Promise<Map<string, Buffer>> {
  const rows = await db
    .selectFrom('deployment_file')
    .select(['sha256', 'content'])
    .where('deployment_id', '=', deploymentId)
    .orderBy('sha256')
    .execute();
  return new Map(rows.map(({ sha256, content }) => [sha256, content]));
}
