/** The exact solver's answer to a question of the core. */
import type { Highs } from 'highs';
import type { Question } from '../core/demand.ts';
import type { Hint } from '../core/hint.ts';
import { shapeOf } from '../core/shape.ts';
import { admissionProgram } from './admission-program.ts';
import { proveInTurn } from './lexicographic.ts';
import type { Term } from './program.ts';

/** Null where not even the best level was solved in so many milliseconds. */
export function answer(highs: Highs, question: Question, milliseconds: number): Hint | null {
  const { nodes, requests, counts, most } = question;
  const copies = nodes.map((node) => ({ node, copies: 1 }));
  const shapes = requests.map((request, index) => shapeOf(request, index));
  const { program, admitted, placed } = admissionProgram(copies, { shapes, counts });
  const columns = admitted.map((ofLevel) => ofLevel.filter((column) => column !== -1));
  const all = columns.flat().map((column): Term => [column, 1]);
  program.atMost(all, most);
  const proven = proveInTurn(highs, program, columns, milliseconds);
  if (proven === null) return null;
  const valueOf = (column: number): number => (column === -1 ? 0 : Math.round(proven.values[column] ?? 0));
  return {
    admitted: admitted.map((ofLevel) => ofLevel.map(valueOf)),
    placed: placed.map((ofShape) => ofShape.map(valueOf)),
    provenLevels: proven.levels,
  };
}
