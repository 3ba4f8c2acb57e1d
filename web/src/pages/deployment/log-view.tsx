import { useVirtualizer } from '@tanstack/react-virtual';
import Anser from 'anser';
import { type UIEvent, useEffect, useRef } from 'react';
import { formatTime } from '../../text/times.ts';
import classes from './log-view.module.css';
import type { LogLine } from './use-log.ts';

interface LogViewProps {
  readonly lines: readonly LogLine[];
  readonly withReplica: boolean;
  readonly withTimes: boolean;
  readonly isFollowing: boolean;
  /** Somebody scrolled back to read. */
  readonly onLeaveEnd: () => void;
  readonly nothing: string;
}

const lineHeight = 20;

/** A log in the colours of a terminal, in light and dark alike: that is what its own colours are made for. */
export function LogView({ lines, withReplica, withTimes, isFollowing, onLeaveEnd, nothing }: LogViewProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    overscan: 30,
    getItemKey: (index) => lines[index]?.number ?? index,
  });
  useEffect(() => {
    if (isFollowing && lines.length > 0) virtualizer.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [isFollowing, lines.length, virtualizer]);

  const lastTop = useRef(0);
  function onScroll({ currentTarget: { scrollTop } }: UIEvent<HTMLDivElement>): void {
    if (isFollowing && scrollTop < lastTop.current - lineHeight) onLeaveEnd();
    lastTop.current = scrollTop;
  }

  return (
    <div
      ref={scroller}
      className={classes.log}
      onScroll={onScroll}
      role="log"
      aria-label="Log"
      aria-live="off"
      tabIndex={0}
    >
      {lines.length === 0 && <div className={classes.nothing}>{nothing}</div>}
      <div style={{ height: virtualizer.getTotalSize(), position: 'relative' }}>
        {virtualizer.getVirtualItems().map((item) => {
          const line = lines[item.index];
          if (line === undefined) return null;
          return (
            <div
              key={item.key}
              ref={virtualizer.measureElement}
              data-index={item.index}
              className={classes.line}
              data-stream={line.stream}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              {withTimes && <span className={classes.aside}>{formatTime(line.at)} </span>}
              {withReplica && <span className={classes.aside}>{line.replica} │ </span>}
              <Coloured text={line.text} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

const escape = '\u001B';

function Coloured({ text }: { readonly text: string }) {
  if (!text.includes(escape)) return text;
  return Anser.ansiToJson(text, { json: true, remove_empty: true }).map(({ content, fg, bg, decorations }, index) => (
    <span
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a line have no other name, and never move
      key={index}
      style={{
        ...(fg && { color: `rgb(${fg})` }),
        ...(bg && { backgroundColor: `rgb(${bg})` }),
        ...(decorations.includes('bold') && { fontWeight: 700 }),
        ...(decorations.includes('underline') && { textDecoration: 'underline' }),
      }}
    >
      {content}
    </span>
  ));
}
