import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { type Column, VirtualTable } from '../../parts/virtual-table.tsx';

interface PagedTableProps<Row> {
  readonly label: string;
  readonly list: UseInfiniteQueryResult<InfiniteData<{ readonly items: readonly Row[] }>>;
  readonly columns: readonly Column<Row>[];
  readonly idOf: (row: Row) => string;
  /** What is shown where there is nothing. */
  readonly empty: ReactNode;
  readonly onOpen?: (row: Row) => void;
  readonly height?: string;
}

/** A list that the server pages, in all of its states. */
export function PagedTable<Row>({ label, list, columns, idOf, empty, onOpen, height }: PagedTableProps<Row>) {
  if (list.isPending) return <PageLoading />;
  if (list.data === undefined) return <ProblemAlert error={list.error} onRetry={() => void list.refetch()} />;
  const rows = list.data.pages.flatMap(({ items }) => items);
  if (rows.length === 0) return empty;
  return (
    <VirtualTable
      label={label}
      columns={columns}
      rows={rows}
      idOf={idOf}
      onEnd={list.hasNextPage && !list.isFetchingNextPage ? () => void list.fetchNextPage() : undefined}
      isLoadingMore={list.isFetchingNextPage}
      {...(onOpen !== undefined && { onOpen })}
      {...(height !== undefined && { height })}
    />
  );
}
