/** A progress bar for what takes longer than a second. Quicker work never shows one. */

const showAfterMs = 1000;
const redrawAfterMs = 100;
const width = 30;

/** Where the bar is drawn: a terminal, and a clock in milliseconds. */
export interface Screen {
  readonly write: (text: string) => void;
  readonly now: () => number;
}

export class Progress {
  readonly #screen: Screen;
  readonly #begun: number;
  #drawn: number | null = null;

  constructor(screen: Screen) {
    this.#screen = screen;
    this.#begun = screen.now();
  }

  /** So much is done, of so much. */
  show(what: string, done: number, of: number): void {
    const now = this.#screen.now();
    if (now - this.#begun < showAfterMs || (this.#drawn !== null && now - this.#drawn < redrawAfterMs)) return;
    this.#drawn = now;
    const part = of === 0 ? 1 : done / of;
    const filled = Math.floor(part * width);
    const bar = `${'█'.repeat(filled)}${'░'.repeat(width - filled)}`;
    this.#screen.write(`\r\u001b[K${bar} ${Math.floor(part * 100)} %  ${what}`);
  }

  /** Takes the bar away. */
  clear(): void {
    if (this.#drawn !== null) this.#screen.write('\r\u001b[K');
    this.#drawn = null;
  }
}
