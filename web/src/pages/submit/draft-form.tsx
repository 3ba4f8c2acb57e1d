/** The form of one document of the draft. */
import { Alert, Select } from '@mantine/core';
import { useMemo } from 'react';
import type { Cluster } from '../../../../src/sdk/types.gen.ts';
import type { Path } from './check-schema.ts';
import type { Draft, DraftProblem, Fields } from './draft.ts';
import { DraftFieldsProvider, problemIn } from './fields.ts';
import { Form } from './form.tsx';

interface DraftFormProps {
  readonly draft: Draft;
  readonly document: number;
  readonly problems: readonly DraftProblem[];
  readonly clusters: readonly Cluster[];
  readonly onSet: (path: Path, value: unknown) => void;
}

export function DraftForm({ draft, document, problems, clusters, onSet }: DraftFormProps) {
  const fields = draft.documents.length === 0 ? nothing : (draft.documents[document]?.fields ?? null);
  const own = useMemo(() => problems.filter((one) => one.document === document), [problems, document]);
  if (fields === null) {
    return (
      <Alert color="yellow" title="The YAML can't be read">
        {own[0]?.message ?? 'It must be a mapping of fields.'} The form is back when that is put right.
      </Alert>
    );
  }
  const named = fields['cluster'];
  const cluster = clusters.find(({ id, name }) => name === named || id === named);
  const only = named === undefined && clusters.length === 1 ? clusters[0] : undefined;
  return (
    <DraftFieldsProvider value={{ fields, set: onSet, problemAt: (...path) => problemIn(own, path) }}>
      <Form clusters={clusters} cluster={cluster ?? only} />
    </DraftFieldsProvider>
  );
}

const nothing: Fields = {};

interface ChooserProps {
  readonly draft: Draft;
  readonly chosen: number;
  readonly onChoose: (document: number) => void;
}

/** Which of several documents the form shows. */
export function DocumentChooser({ draft, chosen, onChoose }: ChooserProps) {
  const data = draft.documents.map(({ fields }, index) => ({
    value: String(index),
    label: `${index + 1} of ${draft.documents.length}: ${nameOf(fields)}`,
  }));
  return (
    <Select
      label="Deployment"
      description="The YAML has several; the form shows one of them."
      data={data}
      value={String(chosen)}
      allowDeselect={false}
      onChange={(value) => onChoose(Number(value))}
    />
  );
}

function nameOf(fields: Readonly<Record<string, unknown>> | null): string {
  const name = fields?.['name'] ?? fields?.['docker_image'];
  return typeof name === 'string' ? name : 'no name yet';
}
