import { afterAll, beforeAll, expect, test } from 'bun:test';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** What hosts make of tools is seen in their answers, and decides who is asked next. */

type Json = Record<string, any>;

const HOSTS = ['good', 'fine', 'nice', 'bad'];
const upstreams = new Map(HOSTS.map((id) => [id, new ScriptedUpstream()] as const));
let gateway: RunningGateway;

beforeAll(async () => {
  // The bad one is by far the cheapest: without tools it is nearly always drawn.
  const row = (id: string): string => {
    const price = id === 'bad' ? '0.000001' : '0.00001';
    return `  ${id}:\n    base_url: ${upstreams.get(id)?.base}\n    endpoints:\n      - { model: lab/one, upstream_model: m, pricing: { prompt: "${price}", completion: "${price}" } }\n`;
  };
  gateway = await RunningGateway.start({
    config: `providers:\n${HOSTS.map(row).join('')}limits: ${JSON.stringify(FORGIVING)}\nrouting: { seed: 1 }\n`,
  });
});
afterAll(async () => {
  await gateway.stop();
  for (const upstream of upstreams.values()) await upstream.stop();
});

const tools = [
  {
    type: 'function',
    function: {
      name: 'weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];
const messages = [{ role: 'user', content: 'Weather in Rome?' }];
const calling = (text: string): Response =>
  whole(null, {
    message: { tool_calls: [{ id: 'c1', type: 'function', function: { name: 'weather', arguments: text } }] },
    finish_reason: 'tool_calls',
  });

async function served(wish: Json): Promise<string> {
  const response = await gateway.post({ model: 'lab/one', messages, ...wish });
  return ((await response.json()) as Json).provider as string;
}

test('INF-243 INF-244 a host that calls tools badly is asked last for tools, and only for these', async () => {
  for (const [id, upstream] of upstreams) {
    upstream.reply = () => calling(id === 'bad' ? '{"town":1}' : '{"city":"Rome"}');
    const one = (): Promise<string> => served({ tools, provider: { order: [id], allow_fallbacks: false } });
    for (let sent = 0; sent < 199; sent += 40) await Promise.all(Array.from({ length: Math.min(40, 199 - sent) }, one));
  }
  const twenty = async (wish: Json): Promise<readonly string[]> => {
    const all: string[] = [];
    for (let i = 0; i < 20; i++) all.push(await served(wish));
    return all;
  };
  // One short of enough: nothing is known yet, and the cheapest is drawn as ever.
  expect((await twenty({ tools, model: 'lab/one:floor' })).every((id) => id === 'bad')).toBe(true);
  for (const id of HOSTS) await served({ tools, provider: { order: [id], allow_fallbacks: false } });
  await Bun.sleep(1100);
  expect(await twenty({ tools })).not.toContain('bad');
  expect((await twenty({})).filter((id) => id === 'bad').length).toBeGreaterThan(15);
  expect((await twenty({ tools, provider: { sort: 'price' } })).every((id) => id === 'bad')).toBe(true);
});
