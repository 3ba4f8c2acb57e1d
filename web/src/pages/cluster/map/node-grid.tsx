import { Box } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect } from 'react';
import type { Maintenance, Node } from '../../../../../src/sdk/types.gen.ts';
import { NodeCard } from './node-card.tsx';

const cardWidth = 280;
const gap = 12;
/** What most cards measure; each is measured when it is there. */
const cardHeight = 150;

interface NodeGridProps {
  readonly nodes: readonly Node[];
  readonly windows: readonly Maintenance[];
  readonly onOpen: (nodeId: string) => void;
  readonly onEnd: (() => void) | undefined;
}

/** Cards beside and below each other; of thousands, only those in sight are in the page. */
export function NodeGrid({ nodes, windows, onOpen, onEnd }: NodeGridProps) {
  const { ref, width } = useElementSize();
  const columns = Math.max(1, Math.floor((width + gap) / (cardWidth + gap)));
  const virtualizer = useWindowVirtualizer({
    count: Math.ceil(nodes.length / columns),
    estimateSize: () => cardHeight + gap,
    // It counts from the top of the page, and the cards begin below what is above them.
    overscan: 8,
  });
  const rows = virtualizer.getVirtualItems();
  const last = rows.at(-1)?.index ?? 0;
  useEffect(() => {
    if (onEnd !== undefined && (last + 3) * columns >= nodes.length) onEnd();
  }, [last, columns, nodes.length, onEnd]);
  return (
    <Box ref={ref} pos="relative" role="list" aria-label="Nodes" style={{ height: virtualizer.getTotalSize() }}>
      {rows.map((row) => (
        <Box
          key={row.key}
          ref={virtualizer.measureElement}
          data-index={row.index}
          role="presentation"
          pos="absolute"
          left={0}
          right={0}
          top={row.start}
          pb={gap}
          display="grid"
          style={{ gap, gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}
        >
          {nodes.slice(row.index * columns, (row.index + 1) * columns).map((node) => (
            <NodeCard
              key={node.id}
              node={node}
              isInMaintenance={windows.some(
                ({ status, node_id: of }) => status === 'active' && (of === null || of === node.id),
              )}
              onOpen={() => onOpen(node.id)}
            />
          ))}
        </Box>
      ))}
    </Box>
  );
}
