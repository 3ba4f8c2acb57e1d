import { useBlocker } from '@tanstack/react-router';
import { asksWhether } from '../../parts/feedback.tsx';

/** Whoever leaves what they have written and not submitted is asked first: by the page, or by the browser where the whole page goes. */
export function useDraftGuard(isUnsaved: boolean): void {
  useBlocker({
    shouldBlockFn: async () =>
      !(await asksWhether({
        title: 'Leave without submitting?',
        text: 'What is written here is kept nowhere.',
        verb: 'Leave',
        otherwise: 'Stay',
      })),
    enableBeforeUnload: isUnsaved,
    disabled: !isUnsaved,
  });
}
