#!/usr/bin/env node
// The command line, `hypervisor` or `hv`. The sources are TypeScript; scripts/compiled.mjs runs them.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  console.error(`Hypervisor needs Node 20.11 or later; this is ${process.versions.node}.`);
  process.exit(1);
}
const { compiled } = await import('../scripts/compiled.mjs');
await import(await compiled('src/cli/main.ts'));
