import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import { DIALECTS, SERVED } from '../../src/dialects/registry.ts';
import { FAULT_IDS, faultRow } from '../../src/sandbox/faults.ts';
import { everyWire, modelAt, WIRE_HOSTS } from '../support/every-wire.ts';
import { IMPATIENT, RunningGateway } from '../support/gateway.ts';
import { type Answer, INGRESS, type Ingress, type Question } from '../support/ingresses.ts';

/** L6: every wire that clients speak, over every wire that hosts speak; and from a host of one wire to a host of another. */

type Json = Record<string, any>;

let gateway: RunningGateway;
/** Waits for nobody long: for hosts that fail. */
let impatient: RunningGateway;
/** Has hosts of the wires that no provider of the sandbox speaks. */
let others: Awaited<ReturnType<typeof everyWire>>;
beforeAll(async () => {
  [gateway, impatient, others] = await Promise.all([
    RunningGateway.start(),
    RunningGateway.start({ config: IMPATIENT }),
    everyWire(),
  ]);
});
afterAll(() => Promise.all([gateway.stop(), impatient.stop(), others.stop()]));
afterEach(() => impatient.clearFaults());

async function ask(
  ingress: Ingress,
  model: string,
  order: readonly string[],
  question: Question,
  asked = gateway,
): Promise<Answer> {
  const body = {
    model,
    stream: question.stream,
    max_tokens: 3000,
    ...ingress.body(question),
    provider: order.length === 1 ? { only: order } : { order },
  };
  const response = await fetch(`${asked.url}${ingress.route(model, question.stream)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${asked.key}` },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const streamed = !response.headers.get('content-type')?.startsWith('application/json');
  const answer = streamed ? ingress.stream(text) : ingress.whole(JSON.parse(text) as Json);
  return { status: response.status, ...answer };
}

const CLAUDE = 'anthropic/claude-opus-4.6';
const GEMINI = 'google/gemini-2.5-flash';
/** A model that does not think. */
const COMMAND = 'cohere/command-r-plus-08-2024';
interface Upstream {
  readonly host: string;
  readonly name: string;
  readonly model: string;
  readonly lacks: ReadonlySet<string>;
  readonly at: () => RunningGateway;
}

const sandboxed = (host: string, name: string, model: string, lacks: readonly string[] = []): Upstream => ({
  host,
  name,
  model,
  lacks: new Set(lacks),
  at: () => gateway,
});

const snapshot = loadSnapshot();
const SANDBOXED = [
  sandboxed('anthropic', 'Anthropic', CLAUDE),
  sandboxed('openrouter', 'OpenRouter', CLAUDE),
  sandboxed('google-ai-studio', 'Google AI Studio', GEMINI),
  sandboxed('mistral', 'Mistral AI Studio', 'mistralai/mistral-small-2603'),
  sandboxed('nvidia', 'NVIDIA NIM', 'mistralai/mistral-small-2603'),
  sandboxed('amazon-bedrock', 'Amazon Bedrock', CLAUDE),
  sandboxed('cohere', 'Cohere', COMMAND, ['thoughts']),
];
const played = new Set(SANDBOXED.map(({ host }) => snapshot.provider(host)?.dialect));

/** A host for each wire and each way to speak it: where the sandbox has none, one of the tests' own. */
const HOSTS: readonly Upstream[] = [
  ...SANDBOXED,
  ...WIRE_HOSTS.filter(({ dialect }) => !played.has(dialect)).map((host) => ({
    host: host.id,
    name: host.id,
    model: modelAt(host),
    lacks: host.lacks,
    at: () => others.gateway,
  })),
];

test('L6 every wire that is served meets every wire that is called', () => {
  expect(new Set(Object.keys(INGRESS))).toEqual(new Set(SERVED.map(({ id }) => id)));
  const called = new Set(HOSTS.map(({ host }) => snapshot.provider(host)?.dialect ?? host));
  expect(called).toEqual(new Set(Object.keys(DIALECTS)));
});

for (const [id, ingress] of Object.entries(INGRESS)) {
  for (const { host, name, model, lacks: missing, at } of HOSTS) {
    const lacks = new Set([...missing, ...(ingress.lacks ?? [])]);
    describe(`${id} over ${host}`, () => {
      for (const stream of [false, true]) {
        const how = stream ? 'streamed' : 'whole';
        const answerTo = (question: Omit<Question, 'stream'>): Promise<Answer> =>
          ask(ingress, model, [host], { ...question, stream }, at());
        test(`${how}: text, counts and cost`, async () => {
          const answer = await answerTo({ text: 'Tell me about the Rhine' });
          expect(answer).toMatchObject({ status: 200, clean: true, provider: name, error: undefined });
          expect(answer.text).toContain('Rhine');
          expect(answer.tokens.every((count) => count > 5)).toBe(true);
          expect(answer.cost).toBeGreaterThanOrEqual(0);
        });

        if (!lacks.has('tools'))
          test(`${how}: a tool call with its arguments`, async () => {
            const answer = await answerTo({
              text: 'The weather in Basel?',
              tool: lacks.has('forced calls') ? 'offered' : 'forced',
            });
            expect(answer.clean).toBe(true);
            expect(answer.call?.name).toBe('get_weather');
            expect(typeof answer.call?.input.city).toBe('string');
          });

        if (!lacks.has('schema'))
          test(`${how}: JSON after a schema`, async () => {
            const schema = {
              type: 'object',
              properties: { year: { type: 'integer' }, town: { enum: ['Basel', 'Bern'] } },
              required: ['year', 'town'],
              additionalProperties: false,
            };
            const answer = await answerTo({ text: 'When and where?', schema });
            const out = JSON.parse(answer.text) as Json;
            expect(Number.isInteger(out.year)).toBe(true);
            expect(['Basel', 'Bern']).toContain(out.town);
          });

        if (!lacks.has('thoughts'))
          test(`${how}: thoughts apart from the text`, async () => {
            const answer = await answerTo({ text: 'Tell me about the Rhine', budget: 2000 });
            expect(answer.thought.length).toBeGreaterThan(10);
            expect(answer.text).toContain('Rhine');
            expect(answer.text).not.toContain(answer.thought);
          });
      }
    });
  }
}

for (const [id, ingress] of Object.entries(INGRESS)) {
  const question = (stream: boolean): Question => ({ text: 'Tell me about the Rhine', stream });
  for (const [first, second, name, model] of [
    ['anthropic', 'openrouter', 'OpenRouter', CLAUDE],
    ['openrouter', 'anthropic', 'Anthropic', CLAUDE],
    ['google-ai-studio', 'openrouter', 'OpenRouter', GEMINI],
  ] as const) {
    describe(`${id}: from ${first} to ${second}`, () => {
      for (const fault of FAULT_IDS) {
        const { next } = faultRow(fault);
        if (next === 'another host')
          test(`${fault} before content is nobody’s business but ours`, async () => {
            await impatient.fault(first, { fault });
            for (const stream of [false, true]) {
              const answer = await ask(ingress, model, [first, second], question(stream), impatient);
              expect(answer).toMatchObject({ status: 200, clean: true, provider: name });
              expect(answer.text).toContain('Rhine');
            }
          });
        if (next === 'in-band error')
          test(`${fault} in the middle is an error of the client’s own wire, never a clean end`, async () => {
            await impatient.fault(first, { fault });
            const answer = await ask(ingress, model, [first, second], question(true), impatient);
            expect(answer).toMatchObject({ status: 200, clean: false });
            expect(answer.text).not.toBe('');
            expect(answer.error?.message).toMatch(/\w/);
          });
        if (next === 'back at once')
          test(`${fault} comes back at once`, async () => {
            await impatient.fault(first, { fault });
            const answer = await ask(ingress, model, [first, second], question(true), impatient);
            expect(answer.status).toBe(faultRow(fault).status as number);
            expect(answer.error?.message).toContain(faultRow(fault).message as string);
          });
      }
    });
  }
}

describe('what cannot be told', () => {
  const asked = { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 50, seed: 7, model: CLAUDE };
  const only = (...hosts: string[]): Json => ({ provider: { only: hosts } });

  test('is named on the answer, and in its metadata', async () => {
    const response = await gateway.post({ ...asked, ...only('anthropic') }, { 'x-openrouter-metadata': 'enabled' });
    expect(response.headers.get('x-turnpike-dropped')).toBe('/seed;unsupported');
    const { openrouter_metadata } = (await response.json()) as Json;
    expect(openrouter_metadata.turnpike.dropped).toEqual([{ pointer: '/seed', reason: 'unsupported' }]);
  });

  test('is refused where the caller wants all of it told, before anybody is asked', async () => {
    const body = only('anthropic');
    for (const response of [
      await gateway.post({ ...asked, ...body }, { 'x-turnpike-strict': '1' }),
      await gateway.post({ ...asked, provider: { ...body.provider, require_exact: true } }),
    ]) {
      expect(response.status).toBe(400);
      const { error } = (await response.json()) as Json;
      expect(error.message).toContain('/seed');
      expect(error.metadata.issues).toEqual([{ path: '/seed', message: 'Anthropic: unsupported' }]);
    }
  });

  test('passes over the hosts that cannot be told it', async () => {
    const mistral = { ...asked, model: 'mistralai/mistral-small-2603', logit_bias: { 12: 1 } };
    const provider = { order: ['mistral', 'openrouter'], require_exact: true };
    const { provider: served } = (await (await gateway.post({ ...mistral, provider })).json()) as Json;
    expect(served).not.toBe('Mistral AI Studio');
  });
});
