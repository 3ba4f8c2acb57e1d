import { describe, expect, it } from 'vitest';
import { keysOf } from './live.tsx';

const event = (type: string) => ({ type, cluster_id: 'c', deployment_id: 'd' });

describe('an event makes old', () => {
  it.each([
    ['deployment.started', [['deployments'], ['clusters'], ['events']]],
    ['replica.unhealthy', [['deployments'], ['clusters'], ['events']]],
    ['node.draining', [['clusters'], ['engines'], ['events']]],
    ['member.joined', [['me'], ['people'], ['events']]],
    ['webhook.created', [['people'], ['events']]],
  ])('%s', (type, keys) => {
    expect(keysOf(event(type))).toEqual(keys);
  });
});
