// The thread of the exact solver. A thread knows nothing of what its parent registered: like bin/hypervisor.mjs, it says itself how the
// sources are run.
import { compiled } from '../../scripts/compiled.mjs';

await import(await compiled('src/solver/serve.ts'));
