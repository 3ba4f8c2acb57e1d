/**
 * The one thing that the loops leave to threads is to compress logs; when those are done is nobody's choice. Here it is done at once.
 * To be imported before anything of the product.
 */
import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';

const atOnce = (content: string, done: (error: null, compressed: Buffer) => void) => {
  queueMicrotask(() => done(null, zlib.gzipSync(content, { level: 1 })));
};

Object.assign(zlib, { gzip: atOnce });
syncBuiltinESMExports();
