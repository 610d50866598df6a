import type { GenerationRequest } from '../../src/canon/request.ts';
import { Snapshot } from '../../src/catalogue/snapshot.ts';
import type { Endpoint, Model, Provider } from '../../src/catalogue/types.ts';
import type { PlanInput } from '../../src/router/plan.ts';
import { UNTRIED } from '../../src/router/standing.ts';

/** Whole valid values for tests of planning: a test states only what matters to it. */

export const request = (overrides: Partial<GenerationRequest> = {}): GenerationRequest => ({
  model: 'lab/one',
  fallbacks: [],
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'hello' }] }],
  tools: [],
  sampling: {},
  stream: false,
  preferences: {},
  echoUpstreamBody: false,
  extras: {},
  ...overrides,
});

export const model = (id: string, overrides: Partial<Model> = {}): Model => ({
  id,
  lab: id.split('/')[0] ?? '',
  name: id,
  aliases: [],
  created: 1,
  inputModalities: ['text'],
  outputModalities: ['text'],
  tokenizer: 'Other',
  about: '',
  ...overrides,
});

export const provider = (id: string, overrides: Partial<Provider> = {}): Provider => ({
  id,
  name: `Provider ${id.toUpperCase()}`,
  kind: 'inference',
  dialect: 'openai-chat',
  base: `https://${id}.example/v1`,
  auth: { kind: 'bearer' },
  media: { image: 'address', file: 'address', audio: 'data', video: 'address' },
  keyEnv: [],
  quirks: [],
  extraFields: [],
  headers: {},
  cancellation: true,
  about: '',
  ...overrides,
});

/** An endpoint at a price in whole dollars per million tokens, input and output alike. */
export const endpoint = (
  providerId: string,
  modelId: string,
  dollars: number,
  overrides: Partial<Endpoint> = {},
): Endpoint => ({
  id: `${providerId}/${modelId}`,
  provider: providerId,
  model: modelId,
  upstreamModel: modelId,
  contextLength: 100_000,
  maxOutputTokens: 10_000,
  rates: dollars === 0 ? {} : { input: String(dollars * 1e6), output: String(dollars * 1e6) },
  priceState: dollars === 0 ? 'trial_quota' : 'listed',
  parameters: 'all',
  delivery: 'serverless',
  ...overrides,
});

export interface World {
  readonly models?: readonly Model[];
  readonly providers?: readonly Provider[];
  readonly endpoints?: readonly Endpoint[];
}

/** Three hosts of one model at $1, $2 and $3. */
export const world = (overrides: World = {}): Snapshot =>
  new Snapshot({
    id: 'test',
    asOf: '2026-01-01',
    labs: [],
    sandbox: [],
    models: overrides.models ?? [model('lab/one'), model('lab/two')],
    providers: overrides.providers ?? [provider('a'), provider('b'), provider('c')],
    endpoints: overrides.endpoints ?? [
      endpoint('a', 'lab/one', 1),
      endpoint('b', 'lab/one', 2),
      endpoint('c', 'lab/one', 3),
      endpoint('a', 'lab/two', 1),
    ],
  });

export const planInput = (overrides: Partial<PlanInput> = {}): PlanInput => ({
  request: request(),
  snapshot: world(),
  defaultModel: undefined,
  unroutable: () => undefined,
  standing: () => UNTRIED,
  promptTokens: 10,
  seed: 1,
  ...overrides,
});
