/**
 * RAM, CPU and priority, for two nodes of 16/18 and 19/11. Of the first priority three fit; of the second one beside the oldest three,
 * and three beside three others.
 */
export const youngerThree = [
  [10, 11, 1],
  [8, 8, 2],
  [9, 4, 1],
  [4, 7, 2],
  [1, 4, 2],
  [10, 1, 1],
  [6, 9, 2],
  [3, 4, 2],
  [10, 4, 2],
  [2, 11, 2],
  [8, 4, 2],
  [2, 8, 2],
  [8, 10, 2],
  [8, 5, 1],
] as const;
