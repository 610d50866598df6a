import { NO_PREFERENCES, preferencesSchema } from '../../canon/preferences.ts';
import type { GenerationRequest } from '../../canon/request.ts';
import { loadConfig } from '../../config/load.ts';
import { plan } from '../../router/plan.ts';
import { UNTRIED } from '../../router/standing.ts';
import { type Command, parse, show, table, UsageError } from '../command.ts';
import { explainPast } from '../explain-past.ts';
import { installation } from '../installation.ts';
import { catalogueSnapshot } from '../snapshot.ts';

/** The smallest request there is: what matters here is who would get it. */
const emptyRequest = (model: string, preferences: GenerationRequest['preferences']): GenerationRequest => ({
  model,
  fallbacks: [],
  messages: [{ role: 'user', parts: [{ kind: 'text', text: '' }] }],
  tools: [],
  sampling: {},
  stream: true,
  preferences,
  echoUpstreamBody: false,
  extras: {},
});

function preferencesOf(text: unknown): GenerationRequest['preferences'] {
  if (typeof text !== 'string') return NO_PREFERENCES;
  let wire: unknown;
  try {
    wire = JSON.parse(text);
  } catch {
    throw new UsageError('--provider-json is not JSON');
  }
  const parsed = preferencesSchema.safeParse(wire);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError(`--provider-json: ${issue?.path.join('.')}: ${issue?.message}`);
}

export const explain: Command = {
  summary: 'Show who would get a request, or who got one, in order, and who not and why',
  help: `Usage: turnpike explain <author/slug> [--provider-json '{"sort":"price"}'] [--seed <n>] [--json]
       turnpike explain <generation-id> [--json]

With a model it plans a request without sending it; --provider-json is the request's "provider" object.
With the id of a request that is over (the X-Generation-Id header, also of refusals) it tells why it went where it went: from the running
gateway, or from its file where none runs.
`,
  async run(argv, effects) {
    const { values, positionals } = parse(argv, { 'provider-json': { type: 'string' }, seed: { type: 'string' } }, 1);
    const [slug] = positionals;
    if (slug === undefined) throw new UsageError('explain needs <author/slug> or a generation id');
    if (!slug.includes('/')) return explainPast(slug, effects, values.json === true);
    const preferences = preferencesOf(values['provider-json']);
    const config = loadConfig(effects.environment, effects.cwd);
    const roads = await installation(config, catalogueSnapshot(), effects);
    const playing = [...roads.routes.values()].some((route) => route.sandbox);
    const seed =
      typeof values.seed === 'string' && /^\d+$/.test(values.seed) ? Number(values.seed) : (config.seed ?? 0);
    const planned = plan({
      request: emptyRequest(slug, preferences),
      snapshot: roads.snapshot,
      defaultModel: config.defaultModel,
      unroutable: roads.unroutable,
      policy: roads.policy,
      now: effects.clock.now(),
      standing: () => UNTRIED,
      promptTokens: 0,
      seed,
    });
    const json = values.json === true;
    if (!planned.ok) {
      show(effects, json, { error: planned.error }, `${planned.error.code}: ${planned.error.message}`);
      return 1;
    }
    const candidates = planned.value.candidates.map(({ endpoint, reason }) => ({ endpoint: endpoint.id, reason }));
    const rejected = planned.value.models.flatMap((model) =>
      model.rejected.map(({ endpoint, rule, reason }) => ({ endpoint: endpoint.id, rule, reason })),
    );
    const text = [
      `Plan for ${slug} with seed ${seed}${playing ? ' (sandbox)' : ''}`,
      '',
      table(candidates.map((candidate, i) => [`${i + 1}.`, candidate.endpoint, candidate.reason])),
      ...(rejected.length > 0
        ? ['Not used:', table(rejected.map((one) => ['  ', one.endpoint, one.rule, one.reason]))]
        : []),
    ].join('\n');
    show(effects, json, { seed, snapshot: planned.value.snapshotId, sandbox: playing, candidates, rejected }, text);
    return 0;
  },
};
