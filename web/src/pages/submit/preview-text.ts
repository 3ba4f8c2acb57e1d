interface Placement {
  readonly node: string;
  readonly gpu_devices: readonly number[];
}

/** "On a, with GPU 0 and 1." or "3 replicas on a, 1 on b." */
export function placesOf(placements: readonly Placement[], isSentence = true): string {
  const on = isSentence ? 'On' : 'on';
  const [first] = placements;
  if (placements.length === 1 && first !== undefined) {
    const { node, gpu_devices: devices } = first;
    const gpus = devices.length === 0 ? '' : `, with GPU ${devices.join(' and ')}`;
    return `${on} ${node}${gpus}.`;
  }
  const counts = new Map<string, number>();
  for (const { node } of placements) counts.set(node, (counts.get(node) ?? 0) + 1);
  const parts = [...counts].map(([node, count], index) => `${index === 0 ? `${count} replicas` : count} on ${node}`);
  return `${parts.join(', ')}.`;
}

/** What the scheduler says, with the capital and the stop that a sentence has. */
export function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
