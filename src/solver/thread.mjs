// The thread of the exact solver. A thread knows nothing of what its parent registered: like bin/hypervisor.mjs, it says itself that
// the sources are TypeScript.
import { register } from 'tsx/esm/api';

register();
await import('./serve.ts');
