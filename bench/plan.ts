import type { Preferences } from '../src/canon/preferences.ts';
import type { GenerationRequest } from '../src/canon/request.ts';
import { Snapshot } from '../src/catalogue/snapshot.ts';
import type { Endpoint, Provider } from '../src/catalogue/types.ts';
import { type PlanInput, plan } from '../src/router/plan.ts';
import type { Standing } from '../src/router/standing.ts';

/**
 * What a plan costs: one model at sixty hosts of different prices, speeds and policies, a request with ten preferences of which some
 * leave hosts out, and one without any.
 */
const HOSTS = 60;
const WARM_UP = 20_000;
const PLANS = 4000;
const ROUNDS = 20;

const ids = Array.from({ length: HOSTS }, (_, i) => `host-${i}`);

const providers = ids.map(
  (id, i): Provider => ({
    id,
    name: `Host ${i}`,
    kind: 'inference',
    dialect: 'openai-chat',
    auth: { kind: 'bearer' },
    keyEnv: [],
    quirks: [],
    extraFields: [],
    headers: {},
    media: { image: 'address', file: 'address', audio: 'data', video: 'address' },
    policy: {
      trainsOnPrompts: i % 20 === 7,
      zeroRetention: 'default',
      regions: ['eu'],
      passesOn: i % 30 === 9,
      source: ['https://host.example/privacy'],
      checked: '2026-01-01',
    },
    about: '',
  }),
);

const endpoints = ids.map(
  (provider, i): Endpoint => ({
    id: `${provider}/lab/one`,
    provider,
    model: 'lab/one',
    upstreamModel: 'one',
    contextLength: 128_000,
    maxOutputTokens: 16_000,
    rates: { input: String((1 + (i % 17)) * 100_000), output: String((1 + (i % 13)) * 400_000) },
    priceState: 'listed',
    parameters: ['temperature', 'max_tokens', 'tools', 'tool_choice', 'seed', ...(i % 10 === 3 ? [] : ['stop'])],
    quantization: i % 3 === 0 ? 'mxfp8' : i % 9 === 1 ? 'nvfp4' : 'fp8',
    delivery: 'serverless',
  }),
);

const snapshot = new Snapshot({
  id: 'bench',
  asOf: '2026-01-01',
  labs: [],
  sandbox: [],
  models: [
    {
      id: 'lab/one',
      lab: 'lab',
      name: 'One',
      aliases: [],
      created: 1,
      inputModalities: ['text'],
      outputModalities: ['text'],
      tokenizer: 'Other',
      about: '',
    },
  ],
  providers,
  endpoints,
});

const percentiles = (p50: number): NonNullable<Standing['latency']> => ({
  p50,
  p75: p50 * 1.2,
  p90: p50 * 1.5,
  p95: p50 * 2,
  p99: p50 * 3,
});
const standings = new Map<string, Standing>(
  endpoints.map(({ id }, i) => [
    id,
    {
      outage: i % 20 === 11,
      uptime: i % 15 === 2 ? 'degraded' : 'normal',
      weight: 1,
      latency: percentiles(200 + ((i * 37) % 900)),
      throughput: percentiles(20 + ((i * 13) % 100)),
    },
  ]),
);
const untried: Standing = { outage: false, uptime: 'normal', weight: 1 };

const TEN: Preferences = {
  only: ids.filter((_, i) => i % 12 !== 5),
  ignore: ['host-3', 'Host 4', 'somebody-else'],
  require_parameters: true,
  data_collection: 'deny',
  zdr: true,
  quantizations: ['fp8'],
  max_price: { prompt: '1.5', completion: 5 },
  preferred_max_latency: { p50: 0.6, p90: 1.2 },
  preferred_min_throughput: { p50: 40 },
  sort: { by: 'latency', partition: 'model' },
};

const request = (preferences: Preferences): GenerationRequest => ({
  model: 'lab/one',
  fallbacks: [],
  messages: [{ role: 'user', parts: [{ kind: 'text', text: 'hello' }] }],
  tools: [],
  sampling: { temperature: 0.5, stop: ['END'] },
  maxOutputTokens: 1000,
  stream: true,
  preferences,
  echoUpstreamBody: false,
  extras: {},
});

const input = (preferences: Preferences, seed: number): PlanInput => ({
  request: request(preferences),
  snapshot,
  defaultModel: undefined,
  unroutable: () => undefined,
  standing: (id) => standings.get(id) ?? untried,
  promptTokens: 1000,
  seed,
  now: Date.UTC(2026, 5, 1),
});

/** @returns µs of CPU a plan, in the best of several rounds: whatever else the machine does only adds to it */
function cost(preferences: Preferences): number {
  let candidates = 0;
  const once = (seed: number): void => {
    const made = plan(input(preferences, seed));
    if (!made.ok) throw new Error(made.error.message);
    candidates += made.value.candidates.length;
  };
  for (let seed = 0; seed < WARM_UP; seed += 1) once(seed);
  const rounds = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    for (let seed = 0; seed < PLANS; seed += 1) once(seed);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / PLANS;
  });
  // Nobody may look fast by planning for nobody.
  if (candidates < (WARM_UP + ROUNDS * PLANS) * 10) throw new Error('hardly any host is left');
  return Math.min(...rounds);
}

export const planCosts = (): { readonly ten: number; readonly none: number } => ({ ten: cost(TEN), none: cost({}) });

if (import.meta.main) {
  const { ten, none } = planCosts();
  process.stdout.write(
    `a plan over ${HOSTS} hosts: ${ten.toFixed(1)} µs with ten preferences, ${none.toFixed(1)} µs with none\n`,
  );
}
