import { z } from 'zod';
import { CatalogueError } from './catalogue-error.ts';

/** Models that are no models: a name for a choice among them, made by a table (spec/inference 5.9, docs/routers.md). */

const text = z.string().min(1);
const modelIds = z.array(text).max(1000);

const common = {
  source: text,
  checked: z.unknown(),
  slug: z.string().regex(/^[^/\s:]+\/[^/\s:]+$/, 'must be author/slug'),
};

const task = z.strictObject({
  id: text,
  words: z.array(text).default([]),
  /** What a request of this kind has beside its words. */
  sign: z.enum(['code', 'tools', 'json', 'image', 'file', 'long']).optional(),
  /** Parameters that its models must take. */
  needs: z.array(z.enum(['tools', 'reasoning', 'structured_outputs'])).default([]),
  prefer: z.enum(['newest', 'context', 'cheapest']).default('newest'),
  /** The ranking itself, where it is not to be made from facts. */
  models: modelIds.optional(),
});

const auto = z
  .strictObject({
    ...common,
    kind: z.literal('auto'),
    plugin: z.enum(['auto-router', 'auto-beta-router']),
    default: modelIds,
    otherwise: text,
    task: z.array(task).min(1),
  })
  .refine(({ task: tasks, otherwise }) => tasks.some(({ id }) => id === otherwise), {
    path: ['otherwise'],
    message: 'is no task of the table',
  });

const free = z.strictObject({ ...common, kind: z.literal('free') });

const pareto = z.strictObject({
  ...common,
  kind: z.literal('pareto'),
  plugin: z.literal('pareto-router'),
  /** A percentile of how well each writes code, 0 to 1. */
  model: z.array(z.strictObject({ id: text, score: z.number().min(0).max(1) })),
});

const routerFile = z.discriminatedUnion('kind', [auto, free, pareto]);

export type Router = z.infer<typeof routerFile>;
export type AutoRouter = Extract<Router, { kind: 'auto' }>;
export type ParetoRouter = Extract<Router, { kind: 'pareto' }>;
export type Task = AutoRouter['task'][number];

/** @throws CatalogueError that names the file and what is wrong with it */
export function parseRouter(file: string, toml: string): Router {
  let wire: unknown;
  try {
    wire = Bun.TOML.parse(toml);
  } catch (cause) {
    throw new CatalogueError(file, cause instanceof Error ? cause.message : 'is no TOML', { cause });
  }
  const parsed = routerFile.safeParse(wire);
  if (parsed.success) return { ...parsed.data, checked: String(parsed.data.checked) };
  throw new CatalogueError(
    file,
    parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'file'}: ${message}`).join('; '),
  );
}

/** The same with the tables of an installation, which replace those of the same slug. */
export function withRouters(known: readonly Router[], own: readonly Router[]): readonly Router[] {
  return [...known.filter(({ slug }) => !own.some((one) => one.slug === slug)), ...own];
}
