import { describe, expect, it } from 'vitest';
import { catalogue, type ErrorCode, entryOf } from './error-catalogue.ts';

const introduction = `# Errors

Every error of the API is a problem document (RFC 9457, \`application/problem+json\`): \`status\`, \`title\`, \`code\`, \`detail\`
(what was wrong, and what to do next), \`request_id\` (which the log of the server has too), and for malformed requests
\`errors\`, one for each field that is wrong. Programs go by \`code\`: it is stable, the words are not.

This page is made from \`src/api/error-catalogue.ts\`, and a test compares the two. After a change:
\`npx vitest run --project unit src/api/error-catalogue.test.ts --update\`
`;

function page(): string {
  const statuses = [...new Set(Object.values(catalogue).map(({ status }) => status))].toSorted((a, b) => a - b);
  return [introduction, ...statuses.map(section)].join('\n');
}

function section(status: number): string {
  const codes = (Object.keys(catalogue) as ErrorCode[]).filter((code) => entryOf(code).status === status);
  const rows = codes.map((code) => `| \`${code}\` | ${entryOf(code).title} | ${entryOf(code).next} |`);
  return [`## ${status}`, '', '| code | what happened | what to do |', '|---|---|---|', ...rows, ''].join('\n');
}

describe('the error catalogue', () => {
  it('is what docs/errors.md says', async () => {
    await expect(page()).toMatchFileSnapshot('../../docs/errors.md');
  });

  it('says in a whole sentence what to do next', () => {
    for (const { next } of Object.values(catalogue)) expect(next).toMatch(/^[A-Z].*\.$/);
  });
});
