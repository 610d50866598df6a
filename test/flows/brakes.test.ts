import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { customProvider, ScriptedUpstream, whole } from '../support/upstream.ts';

/** Agents that run away, and where they are stopped. */

type Json = Record<string, any>;

const upstream = new ScriptedUpstream();
let gateway: RunningGateway;
let narrow: RunningGateway;
beforeAll(async () => {
  upstream.reply = () => whole('Hello');
  gateway = await RunningGateway.start({ config: customProvider(upstream.base) });
  narrow = await RunningGateway.start({
    config: customProvider(upstream.base, '', 'brakes: { seconds: 1, repeats: 2 }'),
  });
});
afterAll(async () => {
  await gateway.stop();
  await narrow.stop();
  await upstream.stop();
});

const messages = [{ role: 'user', content: 'Hi' }];
const limit = (text: string): Record<string, string> => ({ 'x-turnpike-session-limit': text });
const ask = async (body: Json, headers: Record<string, string> = {}, at = gateway) => {
  const before = upstream.received.length;
  const response = await at.post({ model: 'lab/one', messages, ...body }, headers);
  const { error } = (await response.json()) as Json;
  return { status: response.status, error, asked: upstream.received.length - before };
};
const called = (args: readonly string[]): Json[] => [
  ...messages,
  ...args.flatMap((one, index) => [
    {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: `c${index}`, type: 'function', function: { name: 'find', arguments: one } }],
    },
    { role: 'tool', tool_call_id: `c${index}`, content: 'nothing' },
  ]),
];

describe('a session', () => {
  test('that has spent what it may is refused before anybody is asked, and no other is', async () => {
    // Each answer costs 10 + 2 * 5 millionths.
    const spend = limit('usd=0.00003');
    for (let i = 0; i < 2; i++)
      expect(await ask({ session_id: 'rich' }, spend)).toMatchObject({ status: 200, asked: 1 });
    const { status, error, asked } = await ask({ session_id: 'rich' }, spend);
    expect([status, asked]).toEqual([403, 0]);
    expect(error.metadata).toMatchObject({ rule: 'brakes.usd', limit: 0.00003, current: 0.00004, resets_at: null });
    expect(error.metadata.error_type).toBe('permission_denied');
    expect((await ask({ session_id: 'other' }, spend)).status).toBe(200);
    expect((await ask({ session_id: 'rich' })).status).toBe(200);
  });

  test('that has gone on for too long is refused, and the operator’s limit is not widened by the caller’s', async () => {
    const wide = limit('seconds=1000');
    expect((await ask({ session_id: 'slow' }, wide, narrow)).status).toBe(200);
    await Bun.sleep(1050);
    const { status, error, asked } = await ask({ session_id: 'slow' }, wide, narrow);
    expect([status, asked]).toEqual([403, 0]);
    expect(error.metadata).toMatchObject({ rule: 'brakes.seconds', limit: 1, resets_at: null });
    expect((await ask({}, {}, narrow)).status).toBe(200);
  });

  test('that calls the same tool with the same arguments again and again is refused', async () => {
    const repeats = limit('repeats=2');
    const twice = called(['{"q":1}', '{ "q": 1 }', '{"q":2}']);
    expect((await ask({ session_id: 'a', messages: twice }, repeats)).status).toBe(200);
    const often = called(['{"q":1}', '{ "q": 1 }', '{"q":2}', '{"q":1}']);
    const { status, error, asked } = await ask({ session_id: 'a', messages: often }, repeats);
    expect([status, asked]).toEqual([403, 0]);
    expect(error.metadata).toMatchObject({ rule: 'brakes.repeats', limit: 2, current: 3 });
    expect((await ask({ session_id: 'b', messages: often })).status).toBe(200);
    expect((await ask({ session_id: 'b', messages: often }, {}, narrow)).status).toBe(403);
  });

  test('is refused in the words of each wire', async () => {
    const input = called(['{}', '{}'])
      .slice(1)
      .map((one) =>
        one.role === 'tool'
          ? { role: 'user', content: [{ type: 'tool_result', tool_use_id: one.tool_call_id, content: 'nothing' }] }
          : { role: 'assistant', content: [{ type: 'tool_use', id: one.tool_calls[0].id, name: 'find', input: {} }] },
      );
    const response = await fetch(`${gateway.api}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'x-session-id': 'm', ...limit('repeats=1') },
      body: JSON.stringify({ model: 'lab/one', max_tokens: 10, messages: [...messages, ...input] }),
    });
    expect(response.status).toBe(403);
    expect(((await response.json()) as Json).error).toMatchObject({ type: 'permission_error' });
  });

  test.each([
    ['a limit without a session', {}, 'usd=1'],
    ['a name that is none', { session_id: 's' }, 'tokens=5'],
    ['a name twice', { session_id: 's' }, 'usd=1, usd=2'],
    ['no number', { session_id: 's' }, 'seconds=soon'],
    ['half a second', { session_id: 's' }, 'seconds=0.5'],
    ['nothing', { session_id: 's' }, ''],
  ])('%s is refused', async (_name, body, text) => {
    const { status, error, asked } = await ask(body, limit(text));
    expect([status, asked]).toEqual([400, 0]);
    expect(error.message).toStartWith('X-Turnpike-Session-Limit: ');
  });
});
