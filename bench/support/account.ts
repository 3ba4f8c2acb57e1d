/** The owner of an organization, asking the API. */
export interface Account {
  readonly token: string;
  /** The body of a good answer; anything else throws. */
  readonly call: <T>(method: string, path: string, body?: unknown) => Promise<T>;
}

/** Registers one, with an organization in use. */
export async function openAccount(url: string): Promise<Account> {
  const account = { username: 'bench', email: 'bench@example.com', password: 'measured more than once' };
  const { token } = await call<{ token: string }>(url, null, 'POST', '/auth/register', account);
  const organization = await call<{ id: string }>(url, token, 'POST', '/organizations', { name: 'Bench' });
  await call(url, token, 'PATCH', '/me', { organization_id: organization.id });
  return { token, call: (method, path, body) => call(url, token, method, path, body) };
}

async function call<T>(url: string, token: string | null, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return (text === '' ? null : JSON.parse(text)) as T;
}
