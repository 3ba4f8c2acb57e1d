import { text as readAll } from 'node:stream/consumers';
import { password as askPassword, text as askText, isCancel } from '@clack/prompts';
import { getMe, register, signIn, signOut } from '../../sdk/index.ts';
import { type AddCommand, options } from '../command.ts';
import { readContexts, saveContext, writeContexts } from '../context-file.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { print, say } from '../output.ts';
import { call, clientOf, type Globals, openSession, type Session } from '../session.ts';

interface Credentials {
  readonly username?: string;
  readonly email?: string;
  readonly passwordStdin?: boolean;
  readonly invite?: string;
  readonly name: string;
}

export const addLogin: AddCommand = (program) => {
  program
    .command('login')
    .description('sign in, and keep a token in a context')
    .argument('[url]', 'the service; default: that of the context in use')
    .option('-u, --username <name>', 'the username or the e-mail address')
    .option('--password-stdin', 'read the password from standard input')
    .option('--name <context>', 'the context to write', 'default')
    .action(async (url: string | undefined, _options, command) => {
      const given = options<Credentials>(command);
      const session = await openSession({
        ...given,
        ...(url === undefined ? {} : { url }),
        ...(given.token === undefined ? { token: '' } : {}),
      });
      if (given.token !== undefined) return keep(given, session, given.token);
      const username = given.username ?? (await ask('Username'));
      const password = await readPassword(given.passwordStdin);
      const signedIn = await call(session, signIn({ client: session.client, body: { username, password } }));
      await keep(given, session, signedIn.token);
    });

  program
    .command('register')
    .description('make an account, and sign in')
    .argument('[url]', 'the service')
    .option('-u, --username <name>', 'the username')
    .option('--email <address>', 'the e-mail address')
    .option('--invite <code>', 'an invite: joins its organization')
    .option('--password-stdin', 'read the password from standard input')
    .option('--name <context>', 'the context to write', 'default')
    .action(async (url: string | undefined, _options, command) => {
      const given = options<Credentials>(command);
      const session = await openSession({ ...given, token: '', ...(url === undefined ? {} : { url }) });
      const username = given.username ?? (await ask('Username'));
      const email = given.email ?? (await ask('E-mail'));
      const password = await readPassword(given.passwordStdin);
      const invite = given.invite === undefined ? {} : { invite: given.invite };
      const made = await call(
        session,
        register({ client: session.client, body: { username, email, password, ...invite } }),
      );
      await keep(given, session, made.token);
    });

  program
    .command('logout')
    .description('sign out, and forget the token of the context in use')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      await call(session, signOut({ client: session.client })).catch(() => undefined);
      const file = await readContexts();
      const context = session.contextName === null ? undefined : file.contexts[session.contextName];
      if (context !== undefined) delete context.token;
      await writeContexts(file);
      say(globals, 'Signed out.');
    });

  program
    .command('whoami')
    .description('who you are, and in which organization')
    .action(async (_options, command) => {
      const globals = options(command);
      const session = await openSession(globals);
      const me = await call(session, getMe({ client: session.client }));
      print(globals, me, () => {
        const organization =
          me.organization === null ? 'no organization in use' : `${me.organization.role} of ${me.organization.name}`;
        return `${me.user.username} <${me.user.email}>, ${organization}, at ${session.url}`;
      });
    });
};

/** Writes the context. The token is that of a session, with which one may also make and switch organizations. */
async function keep(given: Credentials & Globals, session: Session, token: string): Promise<void> {
  const client = clientOf(session.url, token);
  const me = await call(session, getMe({ client }));
  await saveContext(given.name, { url: session.url, token });
  print(given, { context: given.name, url: session.url, user: me.user }, () => {
    const next =
      me.organization === null
        ? 'Next: hv org create NAME, or hv invite accept CODE'
        : `You are in ${me.organization.name}.`;
    return `Signed in as ${me.user.username} at ${session.url} (context "${given.name}"). ${next}`;
  });
}

async function ask(message: string): Promise<string> {
  requireTerminal(message);
  const answer = await askText({ message });
  if (isCancel(answer)) throw new CliError('given up');
  return answer;
}

async function readPassword(fromStdin = false): Promise<string> {
  if (fromStdin) return (await readAll(process.stdin)).replace(/\r?\n$/, '');
  requireTerminal('Password', '--password-stdin');
  const answer = await askPassword({ message: 'Password' });
  if (isCancel(answer)) throw new CliError('given up');
  return answer;
}

function requireTerminal(what: string, option = `--${what.toLowerCase().replace('-', '')}`): void {
  if (process.stdin.isTTY) return;
  throw new CliError(`${what} is missing, and there is no terminal to ask on`, exitCodes.usage, [
    `Give it with ${option}`,
  ]);
}
