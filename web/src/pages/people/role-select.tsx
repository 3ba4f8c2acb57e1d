import { Select, type SelectProps, Text } from '@mantine/core';
import type { Role } from '../../../../src/sdk/types.gen.ts';
import { meaningOf, rolesUpTo } from './roles.ts';

interface RoleSelectProps extends Omit<SelectProps, 'data' | 'value' | 'onChange'> {
  /** Nobody gives more than one has. */
  readonly own: Role;
  readonly value: Role;
  readonly onRole: (role: Role) => void;
}

export function RoleSelect({ own, onRole, ...rest }: RoleSelectProps) {
  return (
    <Select
      {...rest}
      data={rolesUpTo(own)}
      allowDeselect={false}
      renderOption={({ option: { value } }) => <Text size="sm">{meaningOf(value)}</Text>}
      comboboxProps={{ width: 300, position: 'bottom-start' }}
      onChange={(value) => {
        const role = rolesUpTo(own).find((one) => one === value);
        if (role !== undefined) onRole(role);
      }}
    />
  );
}
