/** Where the demo is shown: in place on a terminal, as one line for each event elsewhere. */
import type { Sight } from './observe.ts';
import { lineOf } from './text.ts';
import { eventLine, frame } from './view.ts';

export interface Screen {
  show(sight: Sight): void;
  /** Gives the terminal back. May be called twice. */
  close(): void;
}

const escape = '\u001b[';
const enter = `${escape}?1049h${escape}?25l`;
const leave = `${escape}?25h${escape}?1049l`;
// The terminal shows a frame when it is complete; those that do not know these two ignore them.
const beginFrame = `${escape}?2026h${escape}H`;
const endFrame = `${escape}J${escape}?2026l`;
const endOfLine = `${escape}K`;

export function openScreen(out: NodeJS.WriteStream): Screen {
  return out.isTTY && process.env['TERM'] !== 'dumb' ? liveScreen(out) : plainScreen(out);
}

/** Redraws over the last frame, line by line, on the alternate screen: nothing is cleared first, so that nothing flickers. */
function liveScreen(out: NodeJS.WriteStream): Screen {
  let open = false;
  let last: (() => void) | null = null;
  const redraw = () => last?.();
  const close = () => {
    if (!open) return;
    open = false;
    out.off('resize', redraw);
    out.write(leave);
  };
  return {
    show(sight) {
      if (!open) {
        open = true;
        out.write(enter);
        out.on('resize', redraw);
        process.once('exit', close);
      }
      last = () => {
        const size = { rows: (out.rows || 24) - 1, columns: out.columns || 80 };
        const lines = frame(sight, { beganAt: beginningOf(sight), now: Date.now() }, size);
        out.write(beginFrame + lines.map((line) => `${line}${endOfLine}\r\n`).join('') + endFrame);
      };
      redraw();
    },
    close,
  };
}

function plainScreen(out: NodeJS.WriteStream): Screen {
  let printed = 0;
  return {
    show(sight) {
      const names = new Map([...sight.deployments.values()].map((one) => [one.id, one.name]));
      for (const event of sight.events.slice(printed)) {
        // Told in the submission of what the next sight lists: it is printed with its name then.
        if (event.deployment_id !== null && !names.has(event.deployment_id)) break;
        printed += 1;
        if (event.deployment_id === null) continue;
        out.write(`${lineOf(eventLine(event, names, beginningOf(sight)), 160)}\n`);
      }
    },
    close() {
      // Nothing to give back.
    },
  };
}

/** Everything is told relative to the first submission. */
export function beginningOf(sight: Sight): number {
  return Math.min(...[...sight.deployments.values()].map((one) => Date.parse(one.queued_at)));
}
