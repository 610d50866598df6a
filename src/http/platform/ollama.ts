import type { Hono } from 'hono';
import { z } from 'zod';
import { gatewayError } from '../../canon/errors.ts';
import type { Model } from '../../catalogue/types.ts';
import { DIALECTS } from '../../dialects/registry.ts';
import { refuse } from '../../gateway/handle.ts';
import { json, toResponse } from '../respond.ts';
import type { ModelList } from './models.ts';

/** What else programs that only know Ollama ask of a server (spec/providers B.8): which models there are, and what each can do. */

/** The protocol's version that these routes follow; clients ask for it before they talk. */
const VERSION = '0.12.0';

type Row = ModelList['rows'][number];

const digestOf = (id: string): string => new Bun.CryptoHasher('sha256').update(id).digest('hex');

const details = (model: Model): Record<string, unknown> => ({
  parent_model: '',
  format: 'api',
  family: model.lab,
  families: [model.lab],
  parameter_size: '',
  quantization_level: '',
});

function tagJson({ model }: Row): Record<string, unknown> {
  const modified = new Date(model.created * 1000).toISOString();
  return {
    name: model.id,
    model: model.id,
    modified_at: modified,
    size: 0,
    digest: digestOf(model.id),
    details: details(model),
  };
}

function showJson({ model, json: row }: Row): Record<string, unknown> {
  const parameters = (row.supported_parameters ?? []) as readonly string[];
  return {
    modelfile: '',
    parameters: '',
    template: '',
    details: details(model),
    model_info: {
      'general.architecture': model.lab,
      'general.basename': model.name,
      ...(model.contextLength !== undefined && { [`${model.lab}.context_length`]: model.contextLength }),
    },
    capabilities: [
      'completion',
      ...(parameters.includes('tools') ? ['tools'] : []),
      ...(model.inputModalities.includes('image') ? ['vision'] : []),
      ...(model.reasoning || parameters.includes('reasoning') ? ['thinking'] : []),
    ],
    modified_at: new Date(model.created * 1000).toISOString(),
  };
}

function unknownModel(id: string, baseUrl: string): Response {
  const error = gatewayError('resource_unknown', `model '${id}' not found`);
  const dialect = DIALECTS['ollama-chat'];
  if (!dialect) throw new Error('no such dialect');
  return toResponse(refuse(undefined, dialect, error, { baseUrl }));
}

const named = z.looseObject({ model: z.string().min(1).optional(), name: z.string().min(1).optional() });

// biome-ignore lint/suspicious/noExplicitAny: any application may carry these routes
export function ollamaRoutes(app: Hono<any>, models: () => ModelList): void {
  app.get('/api/version', () => json({ version: VERSION }));
  app.get('/api/tags', () => json({ models: models().rows.map(tagJson) }));
  // Nothing is loaded into anybody's memory here.
  app.get('/api/ps', () => json({ models: [] }));
  app.post('/api/show', async (c) => {
    const body = named.safeParse(await c.req.json().catch(() => undefined));
    const id = (body.data?.model ?? body.data?.name ?? '').replace(/:latest$/, '');
    const row = models().rows.find(({ model }) => model.id === id || model.aliases.includes(id));
    return row ? json(showJson(row)) : unknownModel(id, new URL(c.req.url).origin);
  });
}
