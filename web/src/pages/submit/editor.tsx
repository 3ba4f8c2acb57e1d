/** The YAML, with what is wrong at its line and the names of fields at Ctrl-Space. */
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { Compartment, EditorState, type Extension, Prec } from '@codemirror/state';
import { oneDark } from '@codemirror/theme-one-dark';
import { keymap } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { useComputedColorScheme } from '@mantine/core';
import { basicSetup, EditorView } from 'codemirror';
import { useEffect, useRef } from 'react';
import { deploymentSchema } from './draft.ts';
import classes from './editor.module.css';

interface EditorProps {
  readonly text: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly onChange: (text: string) => void;
}

export default function Editor({ text, diagnostics, onChange }: EditorProps) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const latest = useRef({ text, onChange });
  latest.current = { text, onChange };
  const isDark = useComputedColorScheme('light') === 'dark';

  useEffect(() => {
    if (parent.current === null) return undefined;
    const made = new EditorView({
      parent: parent.current,
      state: EditorState.create({
        doc: latest.current.text,
        extensions: extensions((typed) => latest.current.onChange(typed)),
      }),
    });
    view.current = made;
    return () => made.destroy();
  }, []);

  useEffect(() => {
    view.current?.dispatch({ effects: theme.reconfigure(isDark ? dark : []) });
  }, [isDark]);

  useEffect(() => {
    if (view.current !== null) showText(view.current, text);
  }, [text]);

  useEffect(() => {
    const shown = view.current;
    if (shown === null) return;
    const end = shown.state.doc.length;
    const within = diagnostics.map((one) => ({ ...one, from: Math.min(one.from, end), to: Math.min(one.to, end) }));
    shown.dispatch(setDiagnostics(shown.state, within));
  }, [diagnostics]);

  return <div ref={parent} className={classes['editor']} />;
}

const theme = new Compartment();

/** One Dark, but for its names of fields, which are too dark on it to be read. */
const readable = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: '#f3a3aa' },
]);
const dark: Extension = [Prec.high(syntaxHighlighting(readable)), oneDark];

function extensions(onChange: (text: string) => void): Extension {
  return [
    // The page submits at Ctrl-Enter; here it would begin a line.
    Prec.highest(keymap.of([{ key: 'Mod-Enter', run: () => true }])),
    basicSetup,
    yaml(),
    lintGutter(),
    theme.of([]),
    EditorState.languageData.of(() => [{ autocomplete: completeField }]),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': 'YAML' }),
    EditorView.updateListener.of(({ docChanged, state, transactions }) => {
      // What was set from outside is known there.
      const isTyped = transactions.some(
        (one) =>
          one.isUserEvent('input') ||
          one.isUserEvent('delete') ||
          one.isUserEvent('undo') ||
          one.isUserEvent('redo') ||
          one.isUserEvent('move'),
      );
      if (docChanged && isTyped) onChange(state.doc.toString());
    }),
  ];
}

/** Changes only what differs: the cursor and the place on the screen stay. */
function showText(view: EditorView, text: string): void {
  const shown = view.state.doc.toString();
  if (shown === text) return;
  const most = Math.min(shown.length, text.length);
  let start = 0;
  while (start < most && shown[start] === text[start]) start += 1;
  let end = 0;
  while (end < most - start && shown[shown.length - 1 - end] === text[text.length - 1 - end]) end += 1;
  view.dispatch({ changes: { from: start, to: shown.length - end, insert: text.slice(start, text.length - end) } });
}

interface CompletionPlace {
  readonly explicit: boolean;
  matchBefore(expression: RegExp): { readonly from: number; readonly text: string } | null;
}

const fieldOptions = Object.entries(deploymentSchema.properties ?? {}).map(([label, { description = '' }]) => ({
  label,
  type: 'property',
  info: description,
  apply: `${label}: `,
}));

/** Fields of a deployment, at the beginning of a line. */
function completeField(place: CompletionPlace) {
  const word = place.matchBefore(/^\w*/);
  if (word === null || (word.text === '' && !place.explicit)) return null;
  return { from: word.from, options: fieldOptions, validFor: /^\w*$/ };
}
