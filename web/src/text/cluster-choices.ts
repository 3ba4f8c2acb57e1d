interface Clusters {
  readonly items: readonly { readonly id: string; readonly name: string }[];
  readonly next_cursor: string | null;
}

/** What a choice among clusters offers, and what it says where none of them has the name that was typed. */
export function clusterChoices(clusters: Clusters | undefined) {
  const items = clusters?.items ?? [];
  const isWhole = clusters === undefined || clusters.next_cursor === null;
  return {
    data: items.map(({ id, name }) => ({ value: id, label: name })),
    nothingFoundMessage: isWhole
      ? 'No cluster has this name.'
      : `Not among the ${items.length} latest clusters; there are more, which are found by their id in the address.`,
  };
}
