import type { Command } from 'commander';
import type { AddCommand } from '../command.ts';

const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** Completion of commands, subcommands and options: made from the program itself, so that it can't be out of date. */
export const addCompletion: AddCommand = (program) => {
  program
    .command('completion')
    .description('a completion script for your shell')
    .addArgument(program.createArgument('<shell>').choices(shells))
    .addHelpText('after', '\nFor example: source <(hv completion bash)')
    .action((shell: Shell) => {
      console.log(scripts[shell](wordsOf(program)));
    });
};

/** For each command line so far ("", "cluster", "cluster create"), the words that may follow. */
function wordsOf(program: Command): Map<string, string[]> {
  const words = new Map<string, string[]>();
  const visit = (command: Command, path: string) => {
    const names = command.commands.map((sub) => sub.name());
    const flags = [...command.options, ...program.options].flatMap((option) => option.long ?? []);
    words.set(path, [...new Set([...names, ...flags])]);
    for (const sub of command.commands) visit(sub, `${path} ${sub.name()}`.trim());
  };
  visit(program, '');
  return words;
}

const scripts: Record<Shell, (words: Map<string, string[]>) => string> = {
  bash: (words) => `_hypervisor() {
  local path="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  local choices=""
  case "$path" in
${cases(words, (list) => `choices="${list.join(' ')}"`)}
  esac
  COMPREPLY=($(compgen -W "$choices" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _hypervisor hypervisor hv`,
  zsh: (words) => `#compdef hypervisor hv
_hypervisor() {
  local path="" word
  for word in \${words[2,CURRENT-1]}; do
    case "$word" in -*) ;; *) path="\${path:+$path }$word" ;; esac
  done
  case "$path" in
${cases(words, (list) => `compadd -- ${list.join(' ')}`)}
  esac
}
compdef _hypervisor hypervisor hv`,
  fish: (words) =>
    [...words]
      .flatMap(([path, list]) =>
        ['hypervisor', 'hv'].map((name) => {
          const condition =
            path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${path.split(' ').at(-1)}`;
          return `complete -c ${name} -n '${condition}' -a '${list.join(' ')}'`;
        }),
      )
      .join('\n'),
};

function cases(words: Map<string, string[]>, body: (list: string[]) => string): string {
  return [...words].map(([path, list]) => `    "${path}") ${body(list)} ;;`).join('\n');
}
