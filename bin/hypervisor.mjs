#!/usr/bin/env node
// The command line, `hypervisor` or `hv`. The sources are TypeScript and are run as they are.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 11)) {
  console.error(`Hypervisor needs Node 20.11 or later; this is ${process.versions.node}.`);
  process.exit(1);
}
const { register } = await import('tsx/esm/api');
register();
await import('../src/cli/main.ts');
