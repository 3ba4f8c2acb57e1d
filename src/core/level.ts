/** A level: the deployments of one effective priority, by shape. */
import type { Candidates, Level } from './choice.ts';
import type { Pass } from './pass.ts';
import type { Shape } from './shape.ts';

/** The level that begins at a position, with those of its deployments that would fit alone into what is left now. */
export function levelOf(pass: Pass, first: number): Level {
  const { effective, shapes } = pass.queue;
  const candidates: (Candidates & { readonly members: number[] })[] = [];
  const turns: number[] = [];
  const numbers = { free: new Map<Shape, number>(), restrained: new Map<Shape, number>() };
  let position = first;
  for (; effective[position] === effective[first]; position++) {
    const shape = shapes[position] as Shape;
    const asker = pass.askerAt(position);
    if (pass.placed[position] !== undefined || pass.hold?.position === position || !pass.fitsNow(shape, asker))
      continue;
    pass.allocatable[position] = 1;
    let number = numbers[asker].get(shape);
    if (number === undefined) {
      number = candidates.push({ shape, asker, members: [] }) - 1;
      numbers[asker].set(shape, number);
    }
    candidates[number]?.members.push(position);
    turns.push(number);
  }
  return { candidates, turns, end: position };
}
