/** Inputs whose text stands for something else: a number, a duration, the words of a command. */
import { TextInput, type TextInputProps } from '@mantine/core';
import { parseDuration, writeDuration } from '../../text/duration-input.ts';
import { plainText } from '../../text/plain-text.ts';
import { joinWords, splitWords } from '../../text/words.ts';
import { useTyped } from './use-typed.ts';

interface TypedProps extends Omit<TextInputProps, 'value' | 'onChange'> {
  /** As it stands in the YAML, right or wrong. */
  readonly value: unknown;
  /** Undefined: it is left out. */
  readonly onSet: (value: unknown) => void;
}

interface Codec {
  /** Undefined for nothing, null for what is not readable. */
  readonly read: (text: string) => unknown;
  readonly write: (value: unknown) => string;
  readonly unreadable: string;
}

function TypedInput({ value, onSet, codec, error, ...rest }: TypedProps & { readonly codec: Codec }) {
  const [shown, setShown] = useTyped<string, unknown>(value ?? undefined, codec);
  const isUnreadable = codec.read(shown) === null;
  return (
    <TextInput
      {...rest}
      value={shown}
      error={isUnreadable ? codec.unreadable : error}
      onChange={({ currentTarget: { value: text } }) => {
        setShown(text);
        const meant = codec.read(text);
        if (meant !== null) onSet(meant);
      }}
    />
  );
}

const number: Codec = {
  read(text) {
    const trimmed = text.trim();
    if (trimmed === '') return undefined;
    const value = Number(trimmed.replace(',', '.'));
    return Number.isFinite(value) ? value : null;
  },
  write: plainText,
  unreadable: 'must be a number',
};

const duration: Codec = {
  read: (text) => (text.trim() === '' ? undefined : parseDuration(text)),
  write: (value) => (typeof value === 'number' && Number.isInteger(value) ? writeDuration(value) : plainText(value)),
  unreadable: 'must be a duration, like "90 min" or "2 h"',
};

const words: Codec = {
  read(text) {
    const split = splitWords(text);
    return split?.length === 0 ? undefined : split;
  },
  write: (value) => (Array.isArray(value) ? joinWords(value.map(plainText)) : plainText(value)),
  unreadable: 'has a quote that does not end',
};

export const NumberField = (props: TypedProps) => <TypedInput inputMode="decimal" {...props} codec={number} />;
export const DurationField = (props: TypedProps) => <TypedInput {...props} codec={duration} />;
export const CommandField = (props: TypedProps) => <TypedInput {...props} codec={words} />;
