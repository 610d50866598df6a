import { expect, test } from 'bun:test';
import type { HttpPorts } from './ports.ts';
import { routes } from './routes.ts';

/** Nothing here ever happens but by a mistake of ours, so it is made to happen. */
const broken = (): never => {
  throw new Error('SELECT * FROM keys: disk I/O error at /var/lib/turnpike');
};
const logged: object[] = [];
const ports = {
  gateway: {
    roads: { snapshot: {} },
    log: { error: (facts: object) => logged.push(facts) },
  },
  keyring: { authenticate: broken },
  notReady: () => undefined,
} as unknown as HttpPorts;

test('PLT-011 an error of our own tells the log and not the client, and carries no metadata', async () => {
  const surface = routes(ports);
  const headers = { 'x-openrouter-metadata': 'enabled', authorization: 'Bearer sk' };
  for (const [method, path] of [
    ['POST', '/api/v1/chat/completions'],
    ['GET', '/api/v1/credits'],
  ] as const) {
    const body = method === 'POST' ? '{}' : null;
    const request = new Request(`http://localhost${path}`, { method, headers, body });
    const response = await surface(request, { timeout: () => {} });
    expect(response.status).toBe(500);
    const text = await response.text();
    expect(JSON.parse(text).error).toMatchObject({ code: 500, message: 'Internal Server Error' });
    expect(text).not.toContain('SELECT');
    expect(text).not.toContain('openrouter_metadata');
  }
  expect(JSON.stringify(logged)).toContain('disk I/O error');
  expect(logged).toHaveLength(2);
});
