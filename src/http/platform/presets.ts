import type { Env, Hono } from 'hono';
import type { Preset, PresetVersion } from '../../accounts/ports.ts';
import { DEFAULT_WORKSPACE, unknownPreset } from '../../accounts/presets.ts';
import { type GatewayError, gatewayError } from '../../canon/errors.ts';
import { fail, ok, type Result } from '../../canon/result.ts';
import type { Dialect } from '../../dialects/dialect.ts';
import { PRESET_WIRES, settingsOf } from '../../dialects/preset-merge.ts';
import { SERVED } from '../../dialects/registry.ts';
import { authenticate, baseUrlOf, receive } from '../inference/chat.ts';
import type { HttpPorts } from '../ports.ts';
import { errorResponse, json } from '../respond.ts';

type Json = Record<string, unknown>;

const time = (ms: number): string => new Date(ms).toISOString();

function presetJson(preset: Preset): Json {
  return {
    id: preset.id,
    creator_user_id: null,
    workspace_id: preset.workspaceId,
    name: preset.name,
    slug: preset.slug,
    description: preset.description,
    status: preset.status,
    designated_version_id: preset.designated.id,
    created_at: time(preset.createdAt),
    updated_at: time(preset.updatedAt),
    status_updated_at: preset.statusUpdatedAt === null ? null : time(preset.statusUpdatedAt),
  };
}

const versionJson = (version: PresetVersion): Json => ({
  id: version.id,
  preset_id: version.presetId,
  creator_id: version.creator,
  version: version.version,
  system_prompt: version.systemPrompt,
  config: version.config,
  created_at: time(version.createdAt),
  updated_at: time(version.createdAt),
});

const withVersion = (preset: Preset): Json => ({
  data: { ...presetJson(preset), designated_version: versionJson(preset.designated) },
});

/** The wires in which a preset can be written. */
export const WRITABLE = SERVED.filter(({ id }) => PRESET_WIRES.has(id));

/** A whole number within bounds; undefined where nothing or `null` is said. */
function bounded(
  text: string | null,
  name: string,
  [least, most]: readonly [number, number],
): Result<number | undefined, GatewayError> {
  if (text === null || text === 'null' || text === '') return ok(undefined);
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return ok(value);
  const message = `must be a whole number from ${least} to ${most}`;
  return fail(gatewayError('invalid_request', `${name}: ${message}`, { issues: [{ path: name, message }] }));
}

interface Page {
  readonly offset: number;
  readonly limit: number;
}

/** Style A of spec/platform 1.5. */
function pageOf(request: Request): Result<Page, GatewayError> {
  const { searchParams } = new URL(request.url);
  const offset = bounded(searchParams.get('offset'), 'offset', [0, 999_999_999]);
  if (!offset.ok) return offset;
  const limit = bounded(searchParams.get('limit'), 'limit', [1, 100]);
  return limit.ok ? ok({ offset: offset.value ?? 0, limit: limit.value ?? 50 }) : limit;
}

type Answer = Result<Json, GatewayError>;

function list(request: Request, { presets }: HttpPorts): Answer {
  const page = pageOf(request);
  if (!page.ok) return page;
  const { offset, limit } = page.value;
  const all = presets.list(DEFAULT_WORKSPACE);
  return ok({ data: all.slice(offset, offset + limit).map(presetJson), total_count: all.length });
}

async function versions(request: Request, preset: Preset, { presets }: HttpPorts): Promise<Answer> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const { offset, limit } = page.value;
  const rows = await presets.versions(preset, offset, limit);
  return ok({ data: rows.map(versionJson), total_count: preset.designated.version });
}

async function oneVersion(text: string, preset: Preset, { presets }: HttpPorts): Promise<Answer> {
  if (!/^[1-9]\d{0,8}$/.test(text)) {
    const message = 'must be a positive whole number';
    return fail(gatewayError('invalid_request', `version: ${message}`, { issues: [{ path: 'version', message }] }));
  }
  const version = await presets.version(preset, Number(text));
  return version
    ? ok({ data: versionJson(version) })
    : fail(gatewayError('resource_unknown', `Version ${text} of preset ${preset.slug} not found`));
}

async function write(request: Request, slug: string, dialect: Dialect, ports: HttpPorts): Promise<Answer> {
  const caller = authenticate(request, ports);
  if (!caller.ok) return caller;
  const received = await receive(request, ports);
  if (!received.ok) return received;
  const settings = settingsOf(received.value.value, dialect);
  if (!settings.ok) return settings;
  const content = { ...settings.value, creator: caller.value.keyHash };
  const written = await ports.presets.write(DEFAULT_WORKSPACE, slug, content, ports.gateway.clock.now());
  return written.ok ? ok(withVersion(written.value)) : written;
}

const PRIVATE_CACHE = { 'cache-control': 'private, no-store' };

/** `/presets` and everything below it (spec/platform 13): settings are kept from bodies of requests, and nothing is run. */
export function presetRoutes<Bindings extends Env>(app: Hono<Bindings>, ports: HttpPorts): void {
  const answered = (request: Request, answer: Answer): Response =>
    answer.ok ? json(answer.value, PRIVATE_CACHE) : errorResponse(answer.error, baseUrlOf(request));

  const read = async (request: Request, answer: () => Answer | Promise<Answer>): Promise<Response> => {
    const caller = ports.keyring.authenticate(request.headers.get('authorization'));
    return answered(request, caller.ok ? await answer() : caller);
  };
  const of = (slug: string, answer: (preset: Preset) => Answer | Promise<Answer>): (() => Answer | Promise<Answer>) => {
    const preset = ports.presets.find(DEFAULT_WORKSPACE, slug);
    return () => (preset ? answer(preset) : fail(unknownPreset(slug)));
  };
  app.get('/presets', (c) => read(c.req.raw, () => list(c.req.raw, ports)));
  app.get('/presets/:slug', (c) =>
    read(
      c.req.raw,
      of(c.req.param('slug'), (preset) => ok(withVersion(preset))),
    ),
  );
  app.get('/presets/:slug/versions', (c) =>
    read(
      c.req.raw,
      of(c.req.param('slug'), (preset) => versions(c.req.raw, preset, ports)),
    ),
  );
  app.get('/presets/:slug/versions/:version', (c) =>
    read(
      c.req.raw,
      of(c.req.param('slug'), (preset) => oneVersion(c.req.param('version'), preset, ports)),
    ),
  );
  for (const dialect of WRITABLE)
    app.post(`/presets/:slug${dialect.route}`, async (c) =>
      answered(c.req.raw, await write(c.req.raw, c.req.param('slug') ?? '', dialect, ports)),
    );
}
