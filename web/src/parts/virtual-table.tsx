/** A table of any length: only the rows that can be seen are in the page, and the next ones are asked for as one gets there. */
import { Box, Group, Loader, Text } from '@mantine/core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, memo, type ReactNode, useEffect, useRef } from 'react';
import classes from './virtual-table.module.css';

export interface Column<Row> {
  readonly name: string;
  readonly label: ReactNode;
  /** As in grid-template-columns. */
  readonly width: string;
  readonly cell: (row: Row) => ReactNode;
}

interface VirtualTableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
  /** There are more: called when the end comes into sight. */
  readonly onEnd?: (() => void) | undefined;
  readonly isLoadingMore?: boolean;
  readonly onOpen?: (row: Row) => void;
  readonly height?: string;
}

const rowHeight = 44;
/** So many rows before the end of what is there, the next ones are asked for. */
const margin = 20;

interface CellProps<Row> {
  readonly cell: (row: Row) => ReactNode;
  readonly row: Row;
}

/** Drawn again where its row or what it says of it has changed: not with every step of scrolling, nor when another row is selected. */
const Cell = memo(function Cell({ cell, row }: CellProps<unknown>) {
  return cell(row);
}) as <Row>(props: CellProps<Row>) => ReactNode;

export function VirtualTable<Row>({
  label,
  columns,
  rows,
  idOf,
  onEnd,
  isLoadingMore = false,
  onOpen,
  height = 'max(320px, calc(100vh - 260px))',
}: VirtualTableProps<Row>) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });
  const items = virtualizer.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (onEnd !== undefined && last >= rows.length - margin) onEnd();
  }, [last, rows.length, onEnd]);
  const template = columns.map(({ width }) => width).join(' ');

  function onKeyDown(event: KeyboardEvent<HTMLDivElement>, row: Row): void {
    if (event.target !== event.currentTarget) return;
    if (event.key === 'Enter') onOpen?.(row);
    const next = event.key === 'ArrowDown' ? event.currentTarget.nextElementSibling : null;
    const before = event.key === 'ArrowUp' ? event.currentTarget.previousElementSibling : null;
    const target = next ?? before;
    if (!(target instanceof HTMLElement)) return;
    event.preventDefault();
    target.focus();
  }

  return (
    <Box
      ref={scroller}
      className={classes.scroller}
      mah={height}
      role="table"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      tabIndex={-1}
    >
      <div role="rowgroup" className={classes.head}>
        <div role="row" className={classes.row} style={{ gridTemplateColumns: template }} aria-rowindex={1}>
          {columns.map(({ name, label: head }) => (
            <div key={name} role="columnheader" className={classes.cell}>
              {head}
            </div>
          ))}
        </div>
      </div>
      <div role="rowgroup" className={classes.body} style={{ height: virtualizer.getTotalSize() }}>
        {items.map((item) => {
          const row = rows[item.index];
          if (row === undefined) return null;
          return (
            // biome-ignore lint/a11y/useSemanticElements: rows are placed one by one
            <div
              key={idOf(row)}
              role="row"
              aria-rowindex={item.index + 2}
              tabIndex={onOpen === undefined ? -1 : 0}
              data-clickable={onOpen !== undefined || undefined}
              className={classes.row}
              style={{
                gridTemplateColumns: template,
                height: rowHeight,
                position: 'absolute',
                top: item.start,
                left: 0,
                right: 0,
              }}
              onKeyDown={(event) => onKeyDown(event, row)}
              onClick={() => onOpen?.(row)}
            >
              {columns.map(({ name, cell }) => (
                <div key={name} role="cell" className={classes.cell}>
                  <Cell cell={cell} row={row} />
                </div>
              ))}
            </div>
          );
        })}
      </div>
      {isLoadingMore && (
        <Group justify="center" p="xs" gap="xs">
          <Loader size="xs" />
          <Text size="sm" c="dimmed">
            More
          </Text>
        </Group>
      )}
    </Box>
  );
}
