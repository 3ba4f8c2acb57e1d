/** By an event: the palette is loaded with the first use of it, and nothing else knows it. */
const name = 'hypervisor:palette';

export function openPalette(): void {
  globalThis.dispatchEvent(new CustomEvent(name));
}

export function onOpenPalette(open: () => void): () => void {
  globalThis.addEventListener(name, open);
  return () => globalThis.removeEventListener(name, open);
}
