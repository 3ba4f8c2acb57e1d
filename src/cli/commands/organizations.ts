import { text as readAll } from 'node:stream/consumers';
import { Option } from 'commander';
import {
  acceptInvite,
  changeRegistryCredential,
  createInvite,
  createOrganization,
  createRegistryCredential,
  createToken,
  deleteRegistryCredential,
  getMe,
  listInvites,
  listMembers,
  listOrganizations,
  listRegistryCredentials,
  listTokens,
  removeMember,
  revokeInvite,
  revokeToken,
  updateMe,
  updateMember,
  updateOrganization,
} from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { findOrganization } from '../find.ts';
import { age, duration, parseDuration } from '../format.ts';
import { print, say, table } from '../output.ts';
import { call, type Globals, openSession, type Session } from '../session.ts';

const roles = ['owner', 'admin', 'developer', 'viewer'] as const;
type Role = (typeof roles)[number];
const roleOption = () => new Option('--role <role>', 'what they may do').choices(roles);

/** The organization to act in: that of `--org`, else the one in use. */
async function organizationOf(session: Session, wanted?: string) {
  const me = await call(session, getMe({ client: session.client }));
  return findOrganization(session, wanted, me.organization?.id ?? null);
}

export const addOrganizations: AddCommand = (program) => {
  const org = program.command('org').description('organizations that you are in');

  org
    .command('create')
    .description('make an organization; you own it, and use it from now on')
    .argument('<name>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const made = await call(session, createOrganization({ client: session.client, body: { name } }));
      await call(session, updateMe({ client: session.client, body: { organization_id: made.id } }));
      print(globals, made, () => `Made ${made.name}. Next: hv cluster create`);
    });

  org
    .command('list')
    .description('list them')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const me = await call(session, getMe({ client: session.client }));
      const page = await call(session, listOrganizations({ client: session.client, query: { limit: 1000 } }));
      print(globals, page, ({ items }) =>
        table(
          ['', 'name', 'role', 'id', 'age'],
          items.map((one) => [
            one.id === me.organization?.id ? '*' : '',
            one.name,
            one.role,
            one.id,
            age(one.created_at),
          ]),
        ),
      );
    });

  org
    .command('use')
    .description('use another organization')
    .argument('<name>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const found = await findOrganization(session, name, null);
      await call(session, updateMe({ client: session.client, body: { organization_id: found.id } }));
      say(globals, `Using ${found.name}.`);
    });

  org
    .command('rename')
    .description('rename the one in use')
    .argument('<name>')
    .action(async (name: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await organizationOf(session);
      const renamed = await call(session, updateOrganization({ client: session.client, path: { id }, body: { name } }));
      print(globals, renamed, () => `It is called ${renamed.name} now.`);
    });
};

export const addMembers: AddCommand = (program) => {
  const member = program.command('member').description('people of the organization in use');

  member
    .command('list')
    .description('list them')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await organizationOf(session);
      const page = await call(session, listMembers({ client: session.client, path: { id }, query: { limit: 1000 } }));
      print(globals, page, ({ items }) =>
        table(
          ['username', 'role', 'e-mail', 'since'],
          items.map((one) => [one.username, one.role, one.email, age(one.created_at)]),
        ),
      );
    });

  member
    .command('set-role')
    .description('change what somebody may do')
    .argument('<username>')
    .addArgument(program.createArgument('<role>').choices(roles))
    .action(async (username: string, role: Role, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const path = await memberPath(session, username);
      const changed = await call(session, updateMember({ client: session.client, path, body: { role } }));
      print(globals, changed, () => `${changed.username} is ${changed.role} now.`);
    });

  member
    .command('remove')
    .description('take somebody out of the organization, or leave it')
    .argument('<username>')
    .action(async (username: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      await call(session, removeMember({ client: session.client, path: await memberPath(session, username) }));
      say(globals, `${username} is no member any more.`);
    });
};

async function memberPath(session: Session, username: string) {
  const { id } = await organizationOf(session);
  const { items } = await call(session, listMembers({ client: session.client, path: { id }, query: { limit: 1000 } }));
  const found = items.find((one) => one.username === username || one.user_id === username);
  if (found === undefined)
    throw new CliError(`${username} is no member`, exitCodes.notFound, ['See them with: hv member list']);
  return { id, user_id: found.user_id };
}

export const addInvites: AddCommand = (program) => {
  const invite = program.command('invite').description('invite people into the organization in use');

  invite
    .command('create')
    .description('make an invite; its code is shown once')
    .addOption(roleOption().default('developer'))
    .option('--expires <duration>', 'how long it holds', '7d')
    .option('--uses <count>', 'how many may use it', '1')
    .action(async (_options, command) => {
      const given = options<{ role: Role; expires: string; uses: string }>(command);
      const session = await openSession(given);
      const { id } = await organizationOf(session);
      const body = { role: given.role, expires_in_s: parseDuration(given.expires), max_uses: Number(given.uses) };
      const made = await call(session, createInvite({ client: session.client, path: { id }, body }));
      print(given, made, () => `${made.code}\nHand it over; they run: hv invite accept ${made.code}`);
    });

  invite
    .command('list')
    .description('list the invites')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await organizationOf(session);
      const page = await call(session, listInvites({ client: session.client, path: { id }, query: { limit: 1000 } }));
      print(globals, page, ({ items }) =>
        table(
          ['id', 'role', 'used', 'expires in'],
          items.map((one) => [one.id, one.role, `${one.uses} of ${one.max_uses}`, expiry(one.expires_at)]),
        ),
      );
    });

  invite
    .command('revoke')
    .description('take an invite back')
    .argument('<id>')
    .action(async (inviteId: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await organizationOf(session);
      await call(session, revokeInvite({ client: session.client, path: { id, invite_id: inviteId } }));
      say(globals, 'Revoked.');
    });

  invite
    .command('accept')
    .description('join an organization')
    .argument('<code>')
    .action(async (code: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const joined = await call(session, acceptInvite({ client: session.client, path: { code } }));
      print(
        globals,
        joined,
        () => `You are ${joined.role} of ${joined.name} now. To use it: hv org use '${joined.name}'`,
      );
    });
};

function expiry(timestamp: string | null): string {
  if (timestamp === null) return 'never';
  const left = Date.parse(timestamp) - Date.now();
  return left <= 0 ? 'expired' : duration(left);
}

export const addTokens: AddCommand = (program) => {
  const token = program.command('token').description('API tokens, for programs');

  token
    .command('create')
    .description('make a token of the organization in use; it is shown once')
    .argument('<name>')
    .addOption(roleOption())
    .option('--expires <duration>', 'how long it holds; default: for ever')
    .action(async (name: string, _options, command) => {
      const given = options<{ role?: Role; expires?: string }>(command);
      const session = await openSession(given);
      const { id } = await organizationOf(session);
      const body = {
        name,
        ...(given.role === undefined ? {} : { role: given.role }),
        ...(given.expires === undefined ? {} : { expires_in_s: parseDuration(given.expires) }),
      };
      const made = await call(session, createToken({ client: session.client, path: { id }, body }));
      print(given, made, () => made.token);
    });

  token
    .command('list')
    .description('list the tokens that you may see')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await organizationOf(session);
      const page = await call(session, listTokens({ client: session.client, path: { id }, query: { limit: 1000 } }));
      print(globals, page, ({ items }) =>
        table(
          ['id', 'name', 'of', 'role', 'begins with', 'last used', 'expires in'],
          items.map((one) => [
            one.id,
            one.name,
            one.username,
            one.role,
            one.prefix,
            age(one.last_used_at),
            expiry(one.expires_at),
          ]),
        ),
      );
    });

  token
    .command('revoke')
    .description('end a token')
    .argument('<id>')
    .action(async (tokenId: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const { id } = await organizationOf(session);
      await call(session, revokeToken({ client: session.client, path: { id, token_id: tokenId } }));
      say(globals, 'Revoked.');
    });
};

export const addRegistries: AddCommand = (program) => {
  const registry = program.command('registry').description('credentials for private image registries');

  registry
    .command('add')
    .description('add credentials; the password is read from standard input')
    .argument('<server>', 'as it stands in image names; "docker.io" for Docker Hub')
    .requiredOption('-u, --username <name>')
    .action(async (server: string, _options, command) => {
      const given = options<{ username: string }>(command);
      const session = await openSession(given);
      const password = await passwordFromStdin(given);
      const body = { server, username: given.username, password };
      const made = await call(session, createRegistryCredential({ client: session.client, body }));
      print(given, made, () => `Pulls from ${made.server} sign in as ${made.username} now.`);
    });

  registry
    .command('list')
    .description('list them')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const page = await call(session, listRegistryCredentials({ client: session.client, query: { limit: 1000 } }));
      print(globals, page, ({ items }) =>
        table(
          ['id', 'server', 'username', 'age'],
          items.map((one) => [one.id, one.server, one.username, age(one.created_at)]),
        ),
      );
    });

  registry
    .command('rotate')
    .description('change the password of credentials; it is read from standard input')
    .argument('<server>', 'the server, or the id of the credentials')
    .option('-u, --username <name>', 'another name; default: the same')
    .action(async (server: string, _options, command) => {
      const given = options<{ username?: string }>(command);
      const session = await openSession(given);
      const { items } = await call(
        session,
        listRegistryCredentials({ client: session.client, query: { limit: 1000 } }),
      );
      const found = items.find((one) => one.server === server || one.id === server);
      if (found === undefined) {
        throw new CliError(`there are no credentials for ${server}`, exitCodes.notFound, [
          'See them with: hv registry list',
        ]);
      }
      const password = await passwordFromStdin(given);
      const body = { password, ...(given.username === undefined ? {} : { username: given.username }) };
      const path = { id: found.id };
      const changed = await call(session, changeRegistryCredential({ client: session.client, path, body }));
      print(
        given,
        changed,
        () => `Pulls from ${changed.server} sign in as ${changed.username} with the new password now.`,
      );
    });

  registry
    .command('remove')
    .description('forget credentials')
    .argument('<id>')
    .action(async (id: string, _options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      await call(session, deleteRegistryCredential({ client: session.client, path: { id } }));
      say(globals, 'Removed.');
    });
};

async function passwordFromStdin(globals: Globals): Promise<string> {
  if (process.stdin.isTTY) say(globals, 'Type the password, then Ctrl-D:');
  return (await readAll(process.stdin)).replace(/\r?\n$/, '');
}
