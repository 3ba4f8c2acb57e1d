import { Box, Button, Grid, Kbd, Paper, Stack } from '@mantine/core';
import { useDebouncedValue, useHotkeys } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { lazy, Suspense, useMemo, useState } from 'react';
import type { Cluster, PlanResult } from '../../../../src/sdk/types.gen.ts';
import { planQuery } from '../../api/submit-queries.ts';
import { confirmThat } from '../../parts/feedback.tsx';
import { Page } from '../../parts/page.tsx';
import { PageLoading, ProblemAlert } from '../../parts/page-states.tsx';
import { readDraft, setInDraft } from './draft.ts';
import { DocumentChooser, DraftForm } from './draft-form.tsx';
import { Preview } from './preview.tsx';
import { ProblemLines } from './problem-lines.tsx';
import { diagnosticsOf, problemsOf, refusalsIn } from './problems.ts';
import { requestOf } from './request.ts';
import { useDraftGuard } from './use-draft-guard.ts';
import { useSubmission } from './use-submission.ts';
import { type Way, Ways } from './ways.tsx';

const Editor = lazy(() => import('./editor.tsx'));

const typingMs = 400;

interface WorkbenchProps {
  readonly beginning: string;
  readonly clusters: readonly Cluster[];
}

/** The form, the YAML and the preview, around one text. */
export function Workbench({ beginning, clusters }: WorkbenchProps) {
  const [text, setText] = useState(beginning);
  const [chosen, setChosen] = useState(0);
  const [wasTried, setWasTried] = useState(false);
  const [way, setWay] = useState<Way | null>(null);
  const draft = useMemo(() => readDraft(text), [text]);
  const request = useMemo(() => requestOf(draft, clusters), [draft, clusters]);
  const isOfSeveral = draft.documents.length > 1;
  const isReady = request.deployments.length > 0;
  // Several in one text are usually a file that is kept, and applied again.
  const shownWay = way ?? { as: isOfSeveral ? 'apply' : 'submit', replace: false, rerun: false };
  const body = { deployments: [...request.deployments], ...shownWay };
  const [settled] = useDebouncedValue(JSON.stringify(body), typingMs);
  const planned = useMemo(() => JSON.parse(settled) as typeof body, [settled]);
  const plan = useQuery({ ...planQuery(planned), enabled: planned.deployments.length > 0 });
  const submission = useSubmission();
  useDraftGuard(text !== beginning);

  const refused = submission.error ?? (isReady ? plan.error : null);
  const wrong = [...request.problems, ...problemsOf(refused)];
  const problems = isReady ? [...wrong, ...refusalsIn(plan.data)] : wrong;
  const shown = wasTried ? problems : problems.filter(({ isMissing }) => !isMissing);
  const document = Math.min(chosen, Math.max(0, draft.documents.length - 1));

  function change(changed: string): void {
    setText(changed);
    submission.forget();
  }

  function submit(): void {
    setWasTried(true);
    if (!isReady || submission.isPending) return;
    const ending = shownWay.replace ? endedBy(plan.data) : [];
    if (ending.length === 0) submission.submit(body);
    else confirmStops(ending, () => submission.submit(body));
  }
  useHotkeys([['mod+Enter', submit]], [], true);

  return (
    <Page
      title="Submit"
      about="A Docker image with what it needs. It waits until there is room, and runs."
      actions={
        <Button
          onClick={submit}
          loading={submission.isPending}
          aria-keyshortcuts="Control+Enter"
          rightSection={
            <Kbd size="xs" visibleFrom="sm">
              Ctrl Enter
            </Kbd>
          }
        >
          {shownWay.as === 'apply' ? 'Apply' : 'Submit'}
        </Button>
      }
    >
      {refused !== null && problemsOf(refused).length === 0 && <ProblemAlert error={refused} />}
      <Grid gap="md">
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Stack gap="md">
            {isOfSeveral && <DocumentChooser draft={draft} chosen={document} onChoose={setChosen} />}
            <DraftForm
              key={document}
              draft={draft}
              document={document}
              problems={shown}
              clusters={clusters}
              onSet={(path, value) => change(setInDraft(text, document, path, value))}
            />
          </Stack>
        </Grid.Col>
        <Grid.Col span={{ base: 12, md: 6 }}>
          <Box pos="sticky" top={72}>
            <Stack gap="md">
              <Preview
                plan={isReady ? plan.data : undefined}
                isOld={plan.isFetching || settled !== JSON.stringify(body)}
                hasMissing={draft.documents.length === 0 || wrong.some(({ isMissing }) => isMissing)}
                wrong={wrong.filter(({ isMissing }) => !isMissing).length}
              />
              <Ways way={shownWay} isOfSeveral={isOfSeveral} onChange={setWay} />
              <Paper withBorder style={{ overflow: 'hidden' }}>
                <Suspense fallback={<PageLoading />}>
                  <Editor text={text} diagnostics={diagnosticsOf(draft, shown)} onChange={change} />
                </Suspense>
              </Paper>
              <ProblemLines draft={draft} problems={shown} />
            </Stack>
          </Box>
        </Grid.Col>
      </Grid>
    </Page>
  );
}

const active: ReadonlySet<string> = new Set(['starting', 'running', 'stopping']);

function endedBy(plan: PlanResult | undefined): string[] {
  const ending = plan?.deployments.filter(
    ({ action, status }) => action === 'replace' && status !== null && active.has(status),
  );
  return ending?.map(({ name }) => name) ?? [];
}

function confirmStops(names: readonly string[], onConfirm: () => void): void {
  confirmThat({
    title: names.length === 1 ? `Stop ${names[0]}?` : `Stop ${names.length} deployments?`,
    text: `${names.join(', ')}: stopped, and queued again as written here. What was not saved is lost.`,
    verb: 'Stop and replace',
    onConfirm,
  });
}
