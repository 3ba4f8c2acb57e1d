import type { UseFormReturnType } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import type { FormEvent } from 'react';
import { ApiProblem } from '../api/client.ts';
import { sayFailed } from './feedback.tsx';

/**
 * Submits a form: what the server finds wrong with a field is told at that field, the rest in a message. `nameOf` gives the form's name
 * for a field of the request, where they differ.
 */
export function useFormDeed<Values extends Record<string, unknown>>(
  form: UseFormReturnType<Values>,
  run: (values: Values) => Promise<unknown>,
  nameOf: (field: string) => string = (field) => field,
): { readonly onSubmit: (event?: FormEvent<HTMLFormElement>) => void; readonly isPending: boolean } {
  const mutation = useMutation({
    mutationFn: run,
    onError(error) {
      const known = new Set(Object.keys(form.getValues()));
      const fields =
        error instanceof ApiProblem ? error.fields.map(({ field, message }) => ({ name: nameOf(field), message })) : [];
      const placed = fields.filter(({ name }) => known.has(name));
      for (const { name, message } of placed) form.setFieldError(name, message);
      if (placed.length === 0 || placed.length < fields.length) sayFailed(error);
    },
  });
  return { onSubmit: form.onSubmit((values) => mutation.mutate(values)), isPending: mutation.isPending };
}
