import load, { type Highs } from 'highs';

/** HiGHS. Its types describe the CommonJS form, in which the function stands one deeper than in the module that Node loads. */
export const loadHighs = load as unknown as () => Promise<Highs>;
