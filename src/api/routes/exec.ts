/** A command in a container, and a connection to its ports: by WebSocket (docs/seeing-in.md). */
import { appendEvents } from '../../store/events.ts';
import { actorOf, pathId, scopeOf } from '../auth.ts';
import type { Routes } from '../context.ts';
import { runExec } from '../exec-session.ts';
import { forwardPort } from '../port-forward.ts';
import { findRunningReplica } from '../running-replica.ts';
import { ExecQuery, PortForwardQuery } from '../schemas/seeing-in.ts';
import { Seats } from '../seats.ts';
import { addUpgrade } from '../upgrades.ts';

/** A page of a forwarded port opens some connections at once; nobody looks at many terminals. */
const execSeats = { perOrganization: 50, inAll: 500 };
const connectionSeats = { perOrganization: 200, inAll: 2000 };
/** As much of a command as an event tells. */
const toldCharacters = 300;

export const registerExecRoutes: Routes = (api, deps) => {
  const { db, closing, config } = deps;
  const terminals = new Seats({ ...execSeats, ...config.execSeats }, 'commands');
  const connections = new Seats({ ...connectionSeats, ...config.connectionSeats }, 'connections');

  addUpgrade(api, '/deployments/:id/exec', {
    config: { role: 'developer' },
    querystring: ExecQuery,
    async prepare(request, id, { replica, command, tty, columns, rows }) {
      const scope = scopeOf(request);
      const deploymentId = pathId(id, 'deployment');
      const found = await findRunningReplica(deps, scope, deploymentId, replica);
      terminals.check(scope.organizationId);
      // Before it begins: what can't be written down does not happen. What is typed is nobody's business.
      await appendEvents(db, [
        {
          organizationId: scope.organizationId,
          clusterId: found.key.clusterId,
          deploymentId,
          type: 'deployment.exec',
          message: `runs a command in replica ${replica}: ${told(command)}`,
          data: { replica, attempt: found.key.attempt, command, tty },
          actorId: actorOf(request).userId,
        },
      ]);
      const place = { ...found, takeSeat: () => terminals.take(scope.organizationId) };
      return (socket) => {
        runExec(socket, closing, place, { command, terminal: tty ? { columns, rows } : null }).catch((error: unknown) =>
          request.log.warn({ err: error }, 'a command in a container was not ended'),
        );
      };
    },
  });

  addUpgrade(api, '/deployments/:id/port-forward', {
    config: { role: 'developer' },
    querystring: PortForwardQuery,
    async prepare(request, id, { replica, port }) {
      const scope = scopeOf(request);
      const found = await findRunningReplica(deps, scope, pathId(id, 'deployment'), replica);
      connections.check(scope.organizationId);
      const place = { ...found, takeSeat: () => connections.take(scope.organizationId) };
      return (socket) => {
        forwardPort(socket, closing, place, port).catch((error: unknown) =>
          request.log.warn({ err: error }, 'a forwarded connection was not ended'),
        );
      };
    },
  });
};

function told(command: readonly string[]): string {
  const words = command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
  return words.length > toldCharacters ? `${words.slice(0, toldCharacters)}…` : words;
}
