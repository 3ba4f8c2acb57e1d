import { ActionIcon, Button, Group, SegmentedControl, Tooltip } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconZoomIn, IconZoomOut } from '@tabler/icons-react';
import { formatTime } from '../../../text/times.ts';
import { type TimeWindow, zoomed } from './window.ts';

const spans = [
  { label: '15 min', seconds: 900 },
  { label: '1 h', seconds: 3600 },
  { label: '6 h', seconds: 21_600 },
  { label: '24 h', seconds: 86_400 },
  { label: '7 d', seconds: 604_800 },
];

interface ControlsProps {
  readonly by: 'nodes' | 'deployments';
  readonly shown: TimeWindow;
  readonly isNow: boolean;
  readonly onBy: (by: 'nodes' | 'deployments') => void;
  readonly onSpan: (seconds: number) => void;
  readonly onShow: (shown: TimeWindow) => void;
  readonly onNow: () => void;
}

export function Controls({ by, shown, isNow, onBy, onSpan, onShow, onNow }: ControlsProps) {
  const { from, to } = shown;
  const width = to - from;
  const pan = (share: number) => onShow({ from: from + share * width, to: to + share * width });
  const buttons = [
    { label: 'Earlier', icon: <IconChevronLeft size={18} />, run: () => pan(-0.5) },
    { label: 'Later', icon: <IconChevronRight size={18} />, run: () => pan(0.5) },
    { label: 'Zoom in', icon: <IconZoomIn size={18} />, run: () => onShow(zoomed(shown, 0.5)) },
    { label: 'Zoom out', icon: <IconZoomOut size={18} />, run: () => onShow(zoomed(shown, 2)) },
  ];
  const chosen = spans.find(({ seconds }) => Math.abs(seconds * 1000 - width) < 1500);
  return (
    <Group justify="space-between" gap="sm">
      <SegmentedControl
        aria-label="A row for each"
        data={[
          { value: 'nodes', label: 'Nodes' },
          { value: 'deployments', label: 'Deployments' },
        ]}
        value={by}
        onChange={(value) => onBy(value === 'nodes' ? 'nodes' : 'deployments')}
      />
      <Group gap="xs">
        <SegmentedControl
          size="xs"
          aria-label="How long"
          data={spans.map(({ label, seconds }) => ({ value: String(seconds), label }))}
          value={chosen === undefined ? '' : String(chosen.seconds)}
          onChange={(value) => onSpan(Number(value))}
        />
        {buttons.map(({ label, icon, run }) => (
          <Tooltip key={label} label={label}>
            <ActionIcon variant="default" size={30} aria-label={label} onClick={run}>
              {icon}
            </ActionIcon>
          </Tooltip>
        ))}
        <Tooltip label={isNow ? 'It goes along with the time.' : `It stays at ${formatTime(to)}.`}>
          <Button size="xs" variant={isNow ? 'light' : 'default'} onClick={onNow}>
            Now
          </Button>
        </Tooltip>
      </Group>
    </Group>
  );
}
