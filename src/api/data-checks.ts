/** What the schema of one field cannot say of what a deployment brings along: how the fields go together. */
import { liesIn } from '../store/allowed-host-paths.ts';
import { type FieldError, invalidFields } from './errors.ts';
import type { DeploymentBody } from './submission.ts';

interface Place {
  readonly field: string;
  readonly path: string;
}

/** 400 where paths or variables are in each other's way, or ports are asked for without a network. */
export function checkData(bodies: readonly DeploymentBody[], fieldOf: (index: number, field: string) => string): void {
  const errors = bodies.flatMap((body, index) =>
    [...pathConflicts(body), ...variableConflicts(body), ...needsNetwork(body)].map(({ field, message }) => ({
      field: fieldOf(index, field),
      message,
    })),
  );
  if (errors.length > 0) throw invalidFields(errors);
}

function pathConflicts({ volumes, secrets, files }: DeploymentBody): FieldError[] {
  const directories = volumes.map(({ path }, i): Place => ({ field: `volumes.${i}.path`, path }));
  const contents = [
    ...files.map(({ path }, i): Place => ({ field: `files.${i}.path`, path })),
    ...secrets.flatMap(({ path }, i): Place[] => (path === undefined ? [] : [{ field: `secrets.${i}.path`, path }])),
  ];
  return [
    ...repeated([...directories, ...contents]),
    ...inVolumes(contents, directories),
    ...belowFiles(contents, directories),
  ];
}

function repeated(places: readonly Place[]): FieldError[] {
  const seen = new Set<string>();
  return places.flatMap(({ field, path }) => {
    const isRepeated = seen.has(path);
    seen.add(path);
    return isRepeated ? [{ field, message: `repeats the path ${path}` }] : [];
  });
}

/** They would be written into the volume, and still be there when the container has gone. */
function inVolumes(contents: readonly Place[], directories: readonly Place[]): FieldError[] {
  return contents.flatMap(({ field, path }) => {
    const volume = directories.find((one) => one.path !== path && liesIn(path, one.path));
    return volume === undefined ? [] : [{ field, message: `must not lie in the volume at ${volume.path}` }];
  });
}

function belowFiles(contents: readonly Place[], directories: readonly Place[]): FieldError[] {
  return [...contents, ...directories].flatMap(({ field, path }) => {
    const file = contents.find((one) => one.path !== path && liesIn(path, one.path));
    return file === undefined ? [] : [{ field, message: `must not lie below ${file.path}, which is a file` }];
  });
}

function variableConflicts({ env, secrets }: DeploymentBody): FieldError[] {
  const seen = new Set(Object.keys(env));
  return secrets.flatMap((secret, i) => {
    if (secret.env === undefined) return [];
    const isRepeated = seen.has(secret.env);
    seen.add(secret.env);
    return isRepeated ? [{ field: `secrets.${i}.env`, message: `repeats the variable ${secret.env}` }] : [];
  });
}

/** Neither can anybody reach its ports then, nor the one who looks at its health. */
function needsNetwork({ network, ports, health_check }: DeploymentBody): FieldError[] {
  if (network !== 'none') return [];
  if (ports.length > 0) return [{ field: 'network', message: 'must not be "none" where ports are published' }];
  if (health_check === null || health_check.command !== null) return [];
  return [{ field: 'network', message: 'must not be "none" where its health is looked at by HTTP or TCP' }];
}
