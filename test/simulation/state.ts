import { type DatabaseState, stateQuery } from '../audit/state.ts';
import type { DatabaseServer } from './database-server.ts';

export async function readState(server: DatabaseServer): Promise<DatabaseState> {
  const [state] = await server.look<DatabaseState>('simulation_state', stateQuery);
  if (state === undefined) throw new Error('the database says nothing');
  return state;
}
