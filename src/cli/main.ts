/** The command line: parses, runs one command, and tells what went wrong in plain words. */
import { tell } from './errors.ts';
import { createProgram } from './program.ts';

// `hv … | head`: whoever reads has had enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const program = createProgram();
try {
  await program.parseAsync(process.argv);
} catch (error) {
  process.exitCode = tell(error, process.argv.includes('--json'));
}
