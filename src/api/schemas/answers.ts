import { z } from 'zod';

/** 204. */
export const nothing = z.undefined().describe('Done; nothing to say.');
