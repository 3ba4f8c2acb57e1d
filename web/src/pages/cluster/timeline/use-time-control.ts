import { type KeyboardEvent, type PointerEvent, type RefObject, useEffect, useRef, useState } from 'react';
import { type TimeWindow, zoomed } from './window.ts';

interface Control {
  readonly shown: TimeWindow;
  readonly width: number;
  readonly onShow: (shown: TimeWindow) => void;
  readonly onNow: () => void;
}

/** A click is not without a tremble. */
const dragFrom = 4;

/** Moving in time and zooming, by pointer, wheel and keys. While one drags, the window moves here; at the end it goes to the address. */
export function useTimeControl(scroller: RefObject<HTMLDivElement | null>, { shown, width, onShow, onNow }: Control) {
  const [dragged, setDragged] = useState<TimeWindow | null>(null);
  const moved = useRef(false);
  const latest = useRef({ shown, width, onShow });
  latest.current = { shown, width, onShow };

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    // React's own listener may not keep the browser from zooming the page.
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const { right } = element.getBoundingClientRect();
      const share = 1 - (right - event.clientX) / latest.current.width;
      const factor = event.deltaY > 0 ? 1.25 : 0.8;
      latest.current.onShow(zoomed(latest.current.shown, factor, Math.min(1, Math.max(0, share))));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [scroller]);

  function onPointerDown(event: PointerEvent<HTMLDivElement>): void {
    if (event.button !== 0) return;
    moved.current = false;
    const begin = event.clientX;
    const before = shown;
    let current = before;
    const onMove = ({ clientX }: globalThis.PointerEvent) => {
      if (!moved.current && Math.abs(clientX - begin) < dragFrom) return;
      moved.current = true;
      const by = ((begin - clientX) / latest.current.width) * (before.to - before.from);
      current = { from: before.from + by, to: before.to + by };
      setDragged(current);
    };
    const onEnd = () => {
      window.removeEventListener('pointermove', onMove);
      window.removeEventListener('pointerup', onEnd);
      window.removeEventListener('pointercancel', onEnd);
      setDragged(null);
      if (moved.current) latest.current.onShow(current);
    };
    window.addEventListener('pointermove', onMove);
    window.addEventListener('pointerup', onEnd);
    window.addEventListener('pointercancel', onEnd);
  }

  function onKeyDown(event: KeyboardEvent<HTMLDivElement>): void {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const step = (shown.to - shown.from) / 8;
    const deeds: Readonly<Record<string, () => void>> = {
      ArrowLeft: () => onShow({ from: shown.from - step, to: shown.to - step }),
      ArrowRight: () => onShow({ from: shown.from + step, to: shown.to + step }),
      '+': () => onShow(zoomed(shown, 0.5)),
      '=': () => onShow(zoomed(shown, 0.5)),
      '-': () => onShow(zoomed(shown, 2)),
      n: onNow,
      N: onNow,
    };
    const deed = deeds[event.key];
    if (deed === undefined) return;
    event.preventDefault();
    deed();
  }

  return { shown: dragged ?? shown, wasDragged: () => moved.current, onPointerDown, onKeyDown };
}
