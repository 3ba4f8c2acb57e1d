/** What a deployment brings along or reaches. */
import { Autocomplete, Checkbox, Select, Text, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { secretChoicesQuery, volumeChoicesQuery } from '../../api/submit-queries.ts';
import { useMay } from '../../parts/may.ts';
import { plainText } from '../../text/plain-text.ts';
import { useDraftFields } from './fields.ts';
import { environmentCodec, listCodec, portCodec, secretCodec } from './row-codecs.ts';
import { Rows } from './rows.tsx';
import { useTyped } from './use-typed.ts';

/** The rows of a field: as they are typed, and set where they mean something. */
function useRows<Row>(
  name: string,
  codec: { readonly read: (rows: readonly Row[]) => unknown; readonly write: (value: unknown) => readonly Row[] },
) {
  const { fields, set, problemAt } = useDraftFields();
  const [rows, setRows] = useTyped<readonly Row[], unknown>(fields[name] ?? undefined, codec);
  return {
    rows,
    error: problemAt(name),
    onChange(changed: readonly Row[]) {
      setRows(changed);
      set([name], codec.read(changed));
    },
  };
}

export function EnvironmentRows() {
  return (
    <Rows noun="variable" empty={{ name: '', value: '' }} {...useRows('env', environmentCodec)}>
      {(row, change, index) => (
        <>
          <TextInput
            aria-label={`Name of variable ${index + 1}`}
            placeholder="NAME"
            value={row.name}
            onChange={({ currentTarget: { value: name } }) => change({ ...row, name })}
          />
          <TextInput
            aria-label={`Value of variable ${index + 1}`}
            placeholder="value"
            value={row.value}
            onChange={({ currentTarget: { value } }) => change({ ...row, value })}
          />
        </>
      )}
    </Rows>
  );
}

export function PortRows() {
  return (
    <Rows noun="port" empty={{ container: '', host: '', protocol: 'tcp' }} {...useRows('ports', portCodec)}>
      {(row, change, index) => (
        <>
          <TextInput
            aria-label={`Port ${index + 1} of the container`}
            placeholder="container"
            inputMode="numeric"
            value={row.container}
            onChange={({ currentTarget: { value: container } }) => change({ ...row, container })}
          />
          <TextInput
            aria-label={`Port ${index + 1} of the machine`}
            placeholder="machine: any free one"
            inputMode="numeric"
            value={row.host}
            onChange={({ currentTarget: { value: host } }) => change({ ...row, host })}
          />
          <Select
            aria-label={`Protocol of port ${index + 1}`}
            data={['tcp', 'udp']}
            value={row.protocol}
            allowDeselect={false}
            onChange={(protocol) => change({ ...row, protocol: protocol ?? 'tcp' })}
          />
        </>
      )}
    </Rows>
  );
}

export function SecretRows() {
  const may = useMay('developer');
  const { data } = useQuery({ ...secretChoicesQuery, enabled: may });
  return (
    <>
      <Text size="xs" c="dimmed" mb="xs">
        By name, into a variable or, with a name that begins with “/”, into a file. Admins set secrets, at People.
      </Text>
      <Rows noun="secret" empty={{ name: '', target: '' }} {...useRows('secrets', secretCodec)}>
        {(row, change, index) => (
          <>
            <Autocomplete
              aria-label={`Name of secret ${index + 1}`}
              placeholder="secret"
              data={data?.items.map(({ name }) => name) ?? []}
              value={row.name}
              onChange={(name) => change({ ...row, name })}
            />
            <TextInput
              aria-label={`Variable or file of secret ${index + 1}`}
              placeholder="VARIABLE or /path"
              value={row.target}
              onChange={({ currentTarget: { value: target } }) => change({ ...row, target })}
            />
          </>
        )}
      </Rows>
    </>
  );
}

export function VolumeRows({ clusterId }: { readonly clusterId: string | undefined }) {
  const { data } = useQuery({ ...volumeChoicesQuery(clusterId ?? ''), enabled: clusterId !== undefined });
  const empty = { name: '', path: '', read_only: false };
  return (
    <Rows noun="volume" empty={empty} {...useRows('volumes', listCodec(empty))}>
      {(row, change, index) => (
        <>
          <Autocomplete
            aria-label={`Name of volume ${index + 1}`}
            placeholder="volume"
            data={data?.items.map(({ name }) => name) ?? []}
            value={plainText(row['name'] ?? row['host_path'])}
            disabled={row['host_path'] !== undefined}
            onChange={(name) => change({ ...row, name })}
          />
          <TextInput
            aria-label={`Path of volume ${index + 1} in the container`}
            placeholder="/data"
            value={plainText(row['path'])}
            onChange={({ currentTarget: { value: path } }) => change({ ...row, path })}
          />
          <Checkbox
            label="Read only"
            checked={row['read_only'] === true}
            onChange={({ currentTarget: { checked } }) => change({ ...row, read_only: checked })}
          />
        </>
      )}
    </Rows>
  );
}
