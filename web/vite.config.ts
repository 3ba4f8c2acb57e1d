import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** `npm run dashboard` serves the sources with the API of a control plane beside it; scripts/dashboard.mjs builds what is served. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  plugins: [react()],
  build: {
    target: 'es2022',
    // The first with light-dark(): what stands in for it elsewhere follows the system, and not the choice of the reader.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    outDir: 'dist',
    emptyOutDir: true,
    // One that is missing would be looked for in vain, and be told as an error.
    sourcemap: false,
    chunkSizeWarningLimit: 1000,
  },
  server: {
    port: 5173,
    proxy: { '/api': { target: process.env['HYPERVISOR_URL'] ?? 'http://127.0.0.1:7878', ws: true } },
  },
});
