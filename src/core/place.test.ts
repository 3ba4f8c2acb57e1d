import { describe, expect, test } from 'vitest';
import type { Node, Request } from './model.ts';
import { placeOne } from './place.ts';
import { Room } from './room.ts';
import { shapeOf } from './shape.ts';
import { amounts, node, request } from './testing.ts';

/** A node whose devices have so much free. */
function shared(id: string, ram: number, cpu: number, free: readonly number[], models: readonly string[] = []): Node {
  const whole = node(id, ram, cpu, free.length);
  return {
    ...whole,
    free: amounts(ram, cpu, free.reduce((a, b) => a + b, 0) / 1000),
    devices: whole.devices.map((device, i) => ({ ...device, free: free[i] ?? 0, model: models[i] ?? device.model })),
  };
}

function placed(nodes: readonly Node[], of: Request) {
  const room = new Room(nodes);
  const shape = shapeOf(of);
  const spots = placeOne(room, shape, 'free');
  return spots?.map((spot, replica) => {
    const { nodeId, devices } = room.placement(shape, spot, replica);
    return `${nodeId}:${devices.map(({ index }) => index).join()}`;
  });
}

describe('placement', () => {
  test('best fit: the node that is left with the least', () => {
    expect(placed([node('a', 32, 8), node('b', 8, 8), node('c', 16, 8)], request(8, 8))).toEqual(['b:']);
  });

  test('between equals the lower id, whatever the order of the list', () => {
    expect(placed([node('b', 8, 8), node('a', 8, 8)], request(4, 4))).toEqual(['a:']);
  });

  test('without need of GPU, away from nodes that have idle ones', () => {
    expect(placed([node('a', 8, 8, 1), node('b', 64, 64)], request(8, 8))).toEqual(['b:']);
  });

  test('a share goes onto a device that is shared already, the fullest that has it', () => {
    expect(placed([shared('a', 8, 8, [1000, 1000]), shared('b', 8, 8, [1000, 600, 400])], request(1, 1, 0.4))).toEqual([
      'b:2',
    ]);
    expect(placed([shared('a', 8, 8, [1000, 1000]), shared('b', 8, 8, [1000, 300])], request(1, 1, 0.4))).toEqual([
      'b:0',
    ]);
  });

  test('whole devices are taken where the fewest stay idle', () => {
    expect(placed([node('a', 8, 8, 8), node('b', 8, 8, 2), node('c', 8, 8, 4)], request(1, 1, 2))).toEqual(['b:0,1']);
  });

  test('shares of a gang fill shared devices on several nodes before an idle one is broken', () => {
    const nodes = [shared('a', 8, 8, [500, 1000]), shared('b', 8, 8, [500, 1000])];
    expect(placed(nodes, request(1, 1, 0.5, 2))).toEqual(['a:0', 'b:0']);
  });

  test('only models that will do', () => {
    const nodes = [shared('a', 8, 8, [1000, 1000, 1000], ['t4', 'a100', 't4'])];
    expect(placed(nodes, request(1, 1, 1, 1, ['a100']))).toEqual(['a:1']);
    expect(placed(nodes, request(1, 1, 2, 1, ['t4']))).toEqual(['a:0,2']);
    expect(placed(nodes, request(1, 1, 2, 1, ['a100']))).toBeUndefined();
  });

  test('a gang that does not fit whole takes nothing', () => {
    const room = new Room([node('a', 8, 8), node('b', 8, 8)]);
    expect(placeOne(room, shapeOf(request(5, 1, 0, 3)), 'free')).toBeNull();
    expect(room.free()).toMatchObject(amounts(16, 16));
  });
});
