/** What all adapters say of a container that nobody wants any more when it could be started. */
import { RuntimeError } from './runtime.ts';

export const always = () => Promise.resolve(true);

export const notWanted = () => new RuntimeError('not_wanted', 'it was not to be started any more');
