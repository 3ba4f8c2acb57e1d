import { useHotkeys } from '@mantine/hooks';
import { lazy, Suspense, useEffect, useState } from 'react';
import { onOpenPalette } from './open-palette.ts';

const Palette = lazy(() => import('./palette.tsx'));

/** The palette is loaded when somebody asks for it first. */
export function PaletteHost() {
  const [asked, setAsked] = useState(0);
  const ask = () => setAsked((before) => before + 1);
  useHotkeys([['mod+K', ask]], []);
  useEffect(() => onOpenPalette(ask), []);
  return asked === 0 ? null : (
    <Suspense fallback={null}>
      <Palette asked={asked} />
    </Suspense>
  );
}
