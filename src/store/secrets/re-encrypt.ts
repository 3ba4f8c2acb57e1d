import { sql } from 'kysely';
import type { Database, InTransaction } from '../database.ts';
import { credentialsContext } from '../engines.ts';
import { passwordContext } from '../registry-credentials.ts';
import { valueContext } from '../secrets.ts';
import { webhookContext } from '../webhooks.ts';
import { decryptBytes, encrypt, isSealedWith } from './crypto.ts';
import type { Keyring } from './keyring.ts';

/** So many rows are held in memory at once. */
const rowsAtOnce = 200;

interface EncryptedRow {
  readonly id: string;
  readonly sealed: Buffer;
  readonly context: string;
}

interface EncryptedColumn {
  readonly table: string;
  readonly column: string;
  /** The next rows by id, with what each was encrypted for. */
  readonly read: (tx: InTransaction, afterId: string) => Promise<EncryptedRow[]>;
}

/** Every column that holds something encrypted. A new one is added here: a test looks for columns named like these. */
export const encryptedColumns: readonly EncryptedColumn[] = [
  {
    table: 'registry_credential',
    column: 'password_encrypted',
    async read(tx, afterId) {
      const rows = await tx
        .selectFrom('registry_credential')
        .select(['id', 'organization_id', 'server', 'password_encrypted'])
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(rowsAtOnce)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        sealed: row.password_encrypted,
        context: passwordContext({ organizationId: row.organization_id }, row.server),
      }));
    },
  },
  {
    table: 'secret',
    column: 'value_encrypted',
    async read(tx, afterId) {
      const rows = await tx
        .selectFrom('secret')
        .select(['id', 'organization_id', 'name', 'version', 'value_encrypted'])
        .where('id', '>', afterId)
        .orderBy('id')
        .limit(rowsAtOnce)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        sealed: row.value_encrypted,
        context: valueContext({ organizationId: row.organization_id }, row.name, row.version),
      }));
    },
  },
  {
    table: 'engine',
    column: 'credentials_encrypted',
    async read(tx, afterId) {
      const rows = await tx
        .selectFrom('engine')
        .select(['id', 'organization_id', 'credentials_encrypted'])
        .where('id', '>', afterId)
        .where('credentials_encrypted', 'is not', null)
        .orderBy('id')
        .limit(rowsAtOnce)
        .execute();
      return rows.map((row) => ({
        id: row.id,
        sealed: row.credentials_encrypted as Buffer,
        context: credentialsContext(row.organization_id, row.id),
      }));
    },
  },
  webhookSecrets('secret_encrypted'),
  webhookSecrets('previous_secret_encrypted'),
];

function webhookSecrets(column: 'secret_encrypted' | 'previous_secret_encrypted'): EncryptedColumn {
  return {
    table: 'webhook',
    column,
    async read(tx, afterId) {
      const rows = await tx
        .selectFrom('webhook')
        .select(['id', 'organization_id', `${column} as sealed`])
        .where('id', '>', afterId)
        .where(column, 'is not', null)
        .orderBy('id')
        .limit(rowsAtOnce)
        .$narrowType<{ sealed: Buffer }>()
        .execute();
      return rows.map(({ id, organization_id, sealed }) => ({
        id,
        sealed,
        context: webhookContext({ organizationId: organization_id }, id),
      }));
    },
  };
}

const noId = '00000000-0000-0000-0000-000000000000';

/**
 * Encrypts everything with the present key that another one has encrypted, in one transaction: all or nothing. Who writes
 * meanwhile waits. Repeated, it finds nothing to do. Returns how many values there were; throws where one can't be decrypted, with
 * the name of its table.
 */
export async function reEncrypt(db: Database, keys: Keyring): Promise<number> {
  return db.transaction().execute(async (tx) => {
    let changed = 0;
    for (const each of encryptedColumns) {
      await sql`lock table ${sql.table(each.table)} in share row exclusive mode`.execute(tx);
      changed += await reEncryptColumn(tx, each, keys);
    }
    return changed;
  });
}

async function reEncryptColumn(tx: InTransaction, { table, column, read }: EncryptedColumn, keys: Keyring) {
  let changed = 0;
  let afterId = noId;
  for (;;) {
    const rows = await read(tx, afterId);
    for (const row of rows.filter(({ sealed }) => !isSealedWith(sealed, keys.current))) {
      const sealed = encrypt(opened(table, row, keys), row.context, keys);
      await sql`update ${sql.table(table)} set ${sql.ref(column)} = ${sealed} where id = ${row.id}`.execute(tx);
      changed += 1;
    }
    if (rows.length < rowsAtOnce) return changed;
    afterId = rows.at(-1)?.id ?? afterId;
  }
}

function opened(table: string, { id, sealed, context }: EncryptedRow, keys: Keyring): Buffer {
  try {
    return decryptBytes(sealed, context, keys);
  } catch (error) {
    throw new Error(
      `the ${table} with the id ${id} can't be decrypted with any key that is there: put back the key that it was encrypted with, or delete it`,
      { cause: error },
    );
  }
}
