/** Colours by which deployments are told apart, each always in the same one. Red, orange and yellow say that something is wrong. */
const colors = ['indigo', 'teal', 'grape', 'cyan', 'pink', 'green', 'violet', 'blue', 'lime'] as const;

export function holderColor(deploymentId: string): (typeof colors)[number] {
  let hash = 0;
  // The ends of ids that were made in the same moment differ, their beginnings do not.
  for (const letter of deploymentId) hash = (hash * 31 + letter.charCodeAt(0)) % 1_000_003;
  return colors[hash % colors.length] ?? 'indigo';
}
