import { type AddCommand, options } from '../command.ts';
import { readContexts, writeContexts } from '../context-file.ts';
import { CliError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { print, say, table } from '../output.ts';

export const addContext: AddCommand = (program) => {
  const context = program.command('context').description('services that you use, and as whom');

  context
    .command('list')
    .description('list the contexts')
    .action(async (_options, command) => {
      const file = await readContexts();
      const items = Object.entries(file.contexts).map(([name, { url, token, cluster }]) => ({
        name,
        url,
        cluster: cluster ?? null,
        signed_in: token !== undefined,
        current: name === file.current,
      }));
      print(options(command), { items }, () =>
        table(
          ['', 'name', 'url', 'cluster', 'signed in'],
          items.map((one) => [one.current ? '*' : '', one.name, one.url, one.cluster, one.signed_in ? 'yes' : 'no']),
        ),
      );
    });

  context
    .command('use')
    .description('make a context the current one, or change its default cluster')
    .argument('<name>')
    .option('--cluster <name>', 'the cluster to use where none is named')
    .action(async (name: string, _options, command) => {
      const { cluster, ...globals } = options<{ cluster?: string }>(command);
      const file = await readContexts();
      const found = file.contexts[name];
      if (found === undefined)
        throw new CliError(`there is no context "${name}"`, exitCodes.notFound, ['See them with: hv context list']);
      if (cluster !== undefined) found.cluster = cluster;
      file.current = name;
      await writeContexts(file);
      say(globals, `Using ${name} (${found.url}).`);
    });

  context
    .command('delete')
    .description('forget a context')
    .argument('<name>')
    .action(async (name: string, _options, command) => {
      const file = await readContexts();
      if (file.contexts[name] === undefined) throw new CliError(`there is no context "${name}"`, exitCodes.notFound);
      delete file.contexts[name];
      if (file.current === name) file.current = null;
      await writeContexts(file);
      say(options(command), `Forgot ${name}.`);
    });
};
