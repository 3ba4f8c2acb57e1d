import { Button, Modal } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconPlus } from '@tabler/icons-react';
import type { ReactNode } from 'react';

interface MakeDialogProps {
  /** The deed: "Make an invite". */
  readonly title: string;
  readonly children: (close: () => void) => ReactNode;
}

/** A button that opens a form in which something is made. */
export function MakeDialog({ title, children }: MakeDialogProps) {
  const [isOpen, { open, close }] = useDisclosure(false);
  return (
    <>
      <Button leftSection={<IconPlus size={16} />} onClick={open}>
        {title}
      </Button>
      <Modal opened={isOpen} onClose={close} title={title}>
        {children(close)}
      </Modal>
    </>
  );
}
