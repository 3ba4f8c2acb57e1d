// Starts service-process.ts the way that the product itself starts: node service-process.mjs <config as JSON>
import { compiled } from '../../scripts/compiled.mjs';

await import(await compiled('test/support/service-process.ts'));
