import ssh2 from 'ssh2';

type Options = Parameters<typeof ssh2.utils.generateKeyPairSync>[1];

/**
 * A pair of ed25519 keys in the form of OpenSSH. One in 256 that ssh2 makes can't be read again, by itself neither: it drops a zero
 * that a key begins with. Such are made again.
 */
export function sshKeyPair(options?: Options): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519', options);
    if (!(ssh2.utils.parseKey(pair.public) instanceof Error)) return pair;
  }
}
