import { useState } from 'react';

/**
 * What is shown in an input whose value is kept elsewhere in another form: as it was typed while it means that value, else written
 * anew. "0." stays "0." while one types "0.5", and half a row stays a row.
 */
export function useTyped<Shown, Value>(
  value: Value,
  { read, write }: { readonly read: (shown: Shown) => Value | null; readonly write: (value: Value) => Shown },
): readonly [Shown, (shown: Shown) => void] {
  const [typed, setTyped] = useState(() => write(value));
  const meant = read(typed);
  // Null: it means nothing yet.
  return [meant === null || isSame(meant, value) ? typed : write(value), setTyped];
}

const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
