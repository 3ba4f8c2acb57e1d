import { Stack, Text } from '@mantine/core';
import { type Draft, type DraftProblem, spanOf } from './draft.ts';
import { sentenceOf } from './problems.ts';

const shownMax = 10;

/** What is wrong, as a list with lines: for those who do not see the marks in the editor. */
export function ProblemLines({
  draft,
  problems,
}: {
  readonly draft: Draft;
  readonly problems: readonly DraftProblem[];
}) {
  if (problems.length === 0) return null;
  const shown = problems.slice(0, shownMax);
  return (
    <Stack gap={2} role="status">
      {shown.map((problem) => (
        <Text key={`${problem.document} ${sentenceOf(problem)}`} size="sm" c="red">
          Line {spanOf(draft, problem).line}: {sentenceOf(problem)}.
        </Text>
      ))}
      {problems.length > shownMax && <Text size="sm">And {problems.length - shownMax} more.</Text>}
    </Stack>
  );
}
