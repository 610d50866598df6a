import type { Provider } from '../types.ts';
import { type ListedModel, type ModelDetails, readModelDetails, readModelList } from './model-lists.ts';

/** A server that can be asked what it has. */
export interface ListedServer {
  readonly base: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface AskLimits {
  readonly signal: AbortSignal;
  /** For each question. */
  readonly msMax: number;
}

const PAGES_MAX = 50;
const ANSWER_CHARS_MAX = 16 * 1024 * 1024;

/** Nobody answered in time: it may be there and busy. */
export class Silent extends Error {}

/** A server's own list, all of its pages; undefined where what answers is no such list. @throws Silent, or whatever made the connection fail */
export async function fetchModels(
  server: ListedServer,
  path: string,
  limits: AskLimits,
): Promise<readonly ListedModel[] | undefined> {
  const models: ListedModel[] = [];
  const url = new URL(`${server.base.replace(/\/$/, '')}${path}`);
  for (let pages = 0; pages < PAGES_MAX; pages++) {
    const page = readModelList(await ask(url, server, limits));
    if (!page) return undefined;
    models.push(...page.models);
    if (!page.next) return models;
    for (const [name, value] of Object.entries(page.next)) url.searchParams.set(name, value);
  }
  return models;
}

/** The list with what the server tells elsewhere. What only the details say comes from them; what fails there is left out. */
export async function withDetails(
  models: readonly ListedModel[],
  { discovery }: Provider,
  server: ListedServer,
  limits: AskLimits,
): Promise<readonly ListedModel[]> {
  if (!discovery?.details) return models;
  const { path, per } = discovery.details;
  const url = new URL(path, server.base);
  if (per === 'model') {
    return Promise.all(
      models.map(async (model) => {
        const body = JSON.stringify({ model: model.id });
        return { ...model, ...(await detailsOr(() => ask(url, server, limits, body))) };
      }),
    );
  }
  if (per === 'server') {
    const details = await detailsOr(() => ask(url, server, limits));
    return models.map((model) => ({ ...model, ...details }));
  }
  const more = readModelList(await ask(url, server, limits).catch(() => undefined));
  return models.map((model) => ({ ...model, ...more?.models.find(({ id }) => id === model.id) }));
}

const detailsOr = async (answer: () => Promise<unknown>): Promise<ModelDetails> =>
  readModelDetails(await answer().catch(() => undefined));

async function ask(url: URL, server: ListedServer, { signal, msMax }: AskLimits, body?: string): Promise<unknown> {
  const timeout = AbortSignal.timeout(msMax);
  try {
    const response = await fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...server.headers,
      },
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout]),
      ...(body !== undefined && { body }),
    });
    const text = response.ok ? await response.text() : '';
    return text.length > ANSWER_CHARS_MAX ? undefined : parsed(text);
  } catch (error) {
    throw timeout.aborted ? new Silent() : error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
