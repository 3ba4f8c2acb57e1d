import type { Routes } from '../context.ts';

/** Every group of routes below /api/v1. A new group is added here, and nowhere else. */
export const routes: readonly Routes[] = [];
