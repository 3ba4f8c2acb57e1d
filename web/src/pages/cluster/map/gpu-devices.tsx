import { Group, Menu, Tooltip, UnstyledButton } from '@mantine/core';
import type { Gpu, Node } from '../../../../../src/sdk/types.gen.ts';
import { Link } from '../../../parts/link.tsx';
import { formatNumber } from '../../../text/quantities.ts';
import classes from './gpu-devices.module.css';
import { holderColor } from './holder-color.ts';

type Allocation = NonNullable<Node['allocations']>[number];

/** A square for each device, filled by who holds it: one leads to its holder, or asks to which of several. */
export function GpuDevices({
  gpus,
  allocations,
}: {
  readonly gpus: readonly Gpu[];
  readonly allocations: readonly Allocation[];
}) {
  return (
    <Group gap={4}>
      {gpus.map((gpu, index) => {
        const holders = allocations.flatMap((holder) =>
          holder.gpu_devices.filter((device) => device.index === index).map((device) => ({ holder, gpu: device.gpu })),
        );
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the index is what a device is known by
          <Device key={index} index={index} gpu={gpu} holders={holders} />
        );
      })}
    </Group>
  );
}

interface DeviceProps {
  readonly index: number;
  readonly gpu: Gpu;
  readonly holders: readonly { readonly holder: Allocation; readonly gpu: number }[];
}

function Device({ index, gpu, holders }: DeviceProps) {
  const who =
    holders.length === 0
      ? 'free'
      : holders.map(({ holder, gpu: part }) => `${holder.name} (${formatNumber(part)})`).join(', ');
  const about = `GPU ${index}, ${gpu.model}${gpu.memory_gb > 0 ? ` ${formatNumber(gpu.memory_gb)} GB` : ''}: ${who}`;
  const look = { className: classes.device, style: { background: fillOf(holders) }, 'aria-label': about };
  const [first] = holders;
  if (holders.length > 1) return <SharedDevice about={about} look={look} holders={holders} />;
  return (
    <Tooltip label={about}>
      {first === undefined ? (
        <span {...look} role="img" />
      ) : (
        <Link {...look} to={`/deployments/${first.holder.deployment_id}`} />
      )}
    </Tooltip>
  );
}

interface SharedDeviceProps {
  readonly about: string;
  readonly look: {
    readonly className: string | undefined;
    readonly style: { readonly background: string | undefined };
  };
  readonly holders: DeviceProps['holders'];
}

/** Held in parts: a menu of its holders. */
function SharedDevice({ about, look, holders }: SharedDeviceProps) {
  return (
    // The placeholder of the first focus is no item of a menu: the first holder takes it.
    <Menu>
      <Menu.Target>
        <Tooltip label={about}>
          <UnstyledButton {...look} />
        </Tooltip>
      </Menu.Target>
      <Menu.Dropdown>
        {holders.map(({ holder, gpu }) => (
          <Menu.Item
            key={`${holder.deployment_id} ${holder.replica}`}
            component={Link}
            to={`/deployments/${holder.deployment_id}`}
          >
            {holder.name}
            {holder.replica > 0 && ` (replica ${holder.replica})`}: {formatNumber(gpu)}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

/** From the left, as much of each colour as its holder has of the device. */
function fillOf(holders: DeviceProps['holders']): string | undefined {
  if (holders.length === 0) return undefined;
  let from = 0;
  const stops = holders.map(({ holder, gpu }) => {
    const color = `var(--mantine-color-${holderColor(holder.deployment_id)}-6)`;
    const stop = `${color} ${from * 100}% ${(from + gpu) * 100}%`;
    from += gpu;
    return stop;
  });
  return `linear-gradient(90deg, ${stops.join(', ')}, transparent ${from * 100}%)`;
}
