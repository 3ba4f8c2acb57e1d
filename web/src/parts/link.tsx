import { useRouter } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, MouseEvent, Ref } from 'react';

interface LinkProps extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> {
  /** An address of this site, with its parameters: `/clusters/ID?tab=queue`. */
  readonly to: string;
  readonly ref?: Ref<HTMLAnchorElement>;
}

/** A link to another page: a real one, that opens in a new tab too, and otherwise loads nothing but that page. For `component` of Mantine. */
export function Link({ to, onClick, ref, ...rest }: LinkProps) {
  const router = useRouter();
  function follow(event: MouseEvent<HTMLAnchorElement>): void {
    onClick?.(event);
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (event.defaultPrevented || !isPlain || rest.target === '_blank') return;
    event.preventDefault();
    router.history.push(to);
  }
  // biome-ignore lint/a11y/useValidAnchor: it is one, with an address
  return <a {...rest} ref={ref} href={to} onClick={follow} />;
}
