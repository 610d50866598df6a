import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import OpenAI from 'openai';
import { FAULT_IDS, faultRow } from '../../src/sandbox/faults.ts';
import { IMPATIENT, RunningGateway } from '../support/gateway.ts';
import { readFrames } from '../support/upstream.ts';

/** The whole of docs/faults.md: every fault, on one host of three and on two, streamed and not. */

const MODEL = 'mistralai/mistral-small-2603';
const HOSTS = ['mistral', 'openrouter', 'nvidia'] as const;
type Host = (typeof HOSTS)[number];

/** Nano-dollars per token: what docs and catalogue say these hosts cost. */
const PRICES: Record<Host, readonly [number, number]> = { mistral: [150, 600], openrouter: [150, 600], nvidia: [0, 0] };
const NAMES: Record<string, Host> = {
  'Mistral AI Studio': 'mistral',
  OpenRouter: 'openrouter',
  'NVIDIA NIM': 'nvidia',
};

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start({ config: IMPATIENT });
});
afterAll(() => gateway.stop());
afterEach(() => gateway.clearFaults());

interface Outcome {
  readonly status: number;
  readonly host: Host | undefined;
  readonly text: string;
  readonly clean: boolean;
  readonly usage: Record<string, any> | undefined;
  readonly error: Record<string, any> | undefined;
  readonly id: string;
}

async function ask(stream: boolean, order: readonly Host[]): Promise<Outcome> {
  const response = await gateway.post({
    model: MODEL,
    stream,
    max_tokens: 200,
    messages: [{ role: 'user', content: 'Tell me about the river Rhine and its towns.' }],
    provider: { order },
  });
  const id = response.headers.get('x-generation-id') ?? '';
  const text = await response.text();
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const body = JSON.parse(text) as Record<string, any>;
    return {
      status: response.status,
      host: NAMES[body.provider],
      text: body.choices?.[0]?.message?.content ?? '',
      clean: response.status === 200 && body.choices[0].finish_reason === 'stop',
      usage: body.usage,
      error: body.error,
      id,
    };
  }
  const { data, done } = readFrames(text);
  const error = data.find((one) => one.error)?.error as Record<string, any> | undefined;
  return {
    status: response.status,
    host: NAMES[data[0]?.provider],
    text: data.map((one) => one.choices[0]?.delta?.content ?? '').join(''),
    clean: done && error === undefined && data.some((one) => one.choices[0]?.finish_reason === 'stop'),
    usage: data.find((one) => one.usage)?.usage,
    error,
    id,
  };
}

/** What the serving host charges for these counts, to the nano-dollar. */
function costOf(host: Host, usage: Record<string, any>): number {
  const [input, output] = PRICES[host];
  return (usage.prompt_tokens * input + usage.completion_tokens * output) / 1e9;
}

function expectServed(outcome: Outcome, host: Host): void {
  expect([outcome.status, outcome.host, outcome.clean]).toEqual([200, host, true]);
  expect(outcome.text).toContain('Rhine');
  expect(outcome.usage?.cost).toBe(costOf(host, outcome.usage ?? {}));
}

const every = async (count: number, make: (index: number) => Promise<void>): Promise<void> => {
  await Promise.all(Array.from({ length: count }, (_, index) => make(index)));
};

for (const fault of FAULT_IDS.filter((id) => faultRow(id).next === 'another host')) {
  describe(fault, () => {
    for (const broken of [HOSTS.slice(0, 1), HOSTS.slice(0, 2)]) {
      const rest = HOSTS.filter((host) => !broken.includes(host));
      test(`INF-212 P6 on ${broken.length} of 3 hosts every request is served by the rest, at its price`, async () => {
        for (const host of broken) await gateway.fault(host, { fault });
        const first = rest[0] as Host;
        await every(8, async (index) => expectServed(await ask(index % 2 === 0, [...broken, ...rest]), first));
      });
    }
  });
}

for (const fault of FAULT_IDS.filter((id) => faultRow(id).next === 'back at once')) {
  test(`INF-213 ${fault}: the caller’s own fault comes back at once, uncharged`, async () => {
    await gateway.fault('mistral', { fault });
    const before = await gateway.json('/credits');
    for (const stream of [true, false]) {
      const outcome = await ask(stream, HOSTS);
      expect(outcome.status).toBe(faultRow(fault).status as number);
      expect(outcome.error?.metadata).toMatchObject({ provider_name: 'Mistral AI Studio' });
      expect(JSON.stringify(outcome.error)).toContain(faultRow(fault).message as string);
      const { data } = (await gateway.json(`/generation?id=${outcome.id}`)) as { data: Record<string, any> };
      expect(data.provider_responses).toHaveLength(1);
      expect(data.total_cost).toBe(0);
    }
    expect(await gateway.json('/credits')).toEqual(before);
  });
}

for (const fault of FAULT_IDS.filter((id) => faultRow(id).next === 'in-band error')) {
  describe(fault, () => {
    test('INF-143 P6 P9 no stream ends as if it were whole, none goes on elsewhere, nothing is charged', async () => {
      await gateway.fault('mistral', { fault });
      await every(6, async () => {
        const outcome = await ask(true, HOSTS);
        expect([outcome.status, outcome.clean, outcome.host]).toEqual([200, false, 'mistral']);
        expect(Number.isInteger(outcome.error?.code)).toBe(true);
        expect(outcome.usage).toBeUndefined();
        const { data } = (await gateway.json(`/generation?id=${outcome.id}`)) as { data: Record<string, any> };
        expect(data.provider_responses).toHaveLength(1);
        expect(data.total_cost).toBe(0);
      });
    });

    test('the openai client throws', async () => {
      await gateway.fault('mistral', { fault });
      const client = new OpenAI({ baseURL: gateway.api, apiKey: gateway.key, maxRetries: 0 });
      const read = async (): Promise<void> => {
        const stream = await client.chat.completions.create({
          model: MODEL,
          stream: true,
          messages: [{ role: 'user', content: 'Tell me about the Rhine.' }],
          // @ts-expect-error a member that the SDK does not know
          provider: { order: HOSTS },
        });
        for await (const _chunk of stream);
      };
      await expect(read()).rejects.toThrow();
    });

    test('INF-212 an answer that is not streamed fails over, because nobody has seen any of it', async () => {
      await gateway.fault('mistral', { fault });
      await every(4, async () => expectServed(await ask(false, HOSTS), 'openrouter'));
    });
  });
}

test('a fault strikes as often as it should, and a host can be told to behave again', async () => {
  await gateway.fault('mistral', { fault: '500', count: 1 });
  const hosts = [await ask(false, HOSTS), await ask(false, HOSTS)].map(({ host }) => host);
  expect(hosts).toEqual(['openrouter', 'mistral']);
  const unknown = await fetch(`${gateway.host('mistral')}/_sandbox/faults`, {
    method: 'POST',
    body: '{"fault":"flood"}',
  });
  expect(unknown.status).toBe(400);
  await gateway.fault('mistral', { fault: '500' });
  await gateway.clearFaults();
  expect((await ask(false, HOSTS)).host).toBe('mistral');
});

test('P9 every request ends within its deadline when all hosts stall', async () => {
  for (const host of HOSTS) await gateway.fault(host, { fault: 'stall-before-headers' });
  const started = performance.now();
  const outcomes = await Promise.all([ask(true, HOSTS), ask(false, HOSTS)]);
  expect(performance.now() - started).toBeLessThan(5000);
  for (const outcome of outcomes) {
    expect(outcome.clean).toBe(false);
    expect(outcome.error).toMatchObject({ code: 503, availability: { code: 'temporarily_unavailable' } });
  }
});

test('a host that is not there at all is passed over', async () => {
  const closed = Bun.serve({ port: 0, fetch: () => new Response() });
  const { port } = closed;
  await closed.stop(true);
  const other = await RunningGateway.start({
    config: `
providers:
  mistral: { base_url: http://127.0.0.1:${port}/v1 }
  nvidia: { base_url: ${gateway.base('nvidia')}, api_key: any }
`,
  });
  try {
    for (const stream of [true, false]) {
      const response = await other.post({
        model: MODEL,
        stream,
        messages: [{ role: 'user', content: 'Hi' }],
        provider: { order: ['mistral'] },
      });
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('NVIDIA NIM')]);
    }
  } finally {
    await other.stop();
  }
});
