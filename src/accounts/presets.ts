import { type GatewayError, gatewayError } from '../canon/errors.ts';
import { fail, ok, type Result } from '../canon/result.ts';
import type { Preset, PresetStore, PresetVersion } from './ports.ts';

/** There are no workspaces yet: every key belongs to this one. */
export const DEFAULT_WORKSPACE = 'default';

/** What may stand in a URL without being escaped. */
const SLUG = /^[A-Za-z0-9][A-Za-z0-9._~-]{0,127}$/;

/** Versions that serve are kept in memory, so their number and size have bounds. */
const PRESETS_MAX = 1000;
const PRESET_BYTES_MAX = 256 * 1024;

/** What a version says; the rest of it is book-keeping. */
export type PresetContent = Pick<PresetVersion, 'creator' | 'dialect' | 'systemPrompt' | 'config'>;

export const unknownPreset = (slug: string): GatewayError => gatewayError('preset_unknown', `Preset ${slug} not found`);

/**
 * All presets of this installation, the versions that serve in memory: a request that names one waits for no disk. Older versions stay
 * in the store.
 */
export class Presets {
  readonly #store: PresetStore;
  readonly #newId: () => string;
  readonly #presets = new Map<string, Preset>();
  readonly #writing = new Set<string>();

  constructor(store: PresetStore, presets: readonly Preset[], newId: () => string) {
    this.#store = store;
    this.#newId = newId;
    for (const preset of presets) this.#presets.set(nameOf(preset.workspaceId, preset.slug), preset);
  }

  /** Whatever its status; undefined where the workspace has none of this name. */
  find(workspaceId: string, slug: string): Preset | undefined {
    return this.#presets.get(nameOf(workspaceId, slug));
  }

  /** One that may serve: unknown, disabled and archived ones look alike. */
  serving(workspaceId: string, slug: string): Result<Preset, GatewayError> {
    const preset = this.find(workspaceId, slug);
    return preset?.status === 'active' ? ok(preset) : fail(unknownPreset(slug));
  }

  /** Most recently updated first. */
  list(workspaceId: string): readonly Preset[] {
    return [...this.#presets.values()]
      .filter((preset) => preset.workspaceId === workspaceId)
      .sort((a, b) => b.updatedAt - a.updatedAt || (a.slug < b.slug ? -1 : 1));
  }

  versions(preset: Preset, offset: number, limit: number): Promise<readonly PresetVersion[]> {
    return this.#store.presetVersions(preset.id, offset, limit);
  }

  version(preset: Preset, version: number): Promise<PresetVersion | null> {
    return this.#store.presetVersion(preset.id, version);
  }

  /**
   * Makes a preset, or the next version of one, which serves from the moment it is on disk.
   * @returns the preset; `invalid_request` for a name that needs escaping or too much content, `preset_conflict` while somebody else writes it
   */
  async write(
    workspaceId: string,
    slug: string,
    content: PresetContent,
    now: number,
  ): Promise<Result<Preset, GatewayError>> {
    const key = nameOf(workspaceId, slug);
    const known = this.#presets.get(key);
    const problem = this.#problem(workspaceId, slug, content, known);
    if (problem) return fail(problem);
    if (this.#writing.has(key)) return fail(conflict(slug));
    const next = this.#next(workspaceId, slug, content, known, now);
    this.#writing.add(key);
    try {
      if ((await this.#store.putPreset(next)) === 'existed') return fail(conflict(slug));
      this.#presets.set(key, next);
      return ok(next);
    } finally {
      this.#writing.delete(key);
    }
  }

  #problem(
    workspaceId: string,
    slug: string,
    { systemPrompt, config }: PresetContent,
    known: Preset | undefined,
  ): GatewayError | undefined {
    if (!SLUG.test(slug))
      return invalid('slug', 'must begin with a letter or digit and have up to 128 of A-Z, a-z, 0-9, ., _, ~ and -');
    const bytes = Buffer.byteLength(JSON.stringify(config)) + Buffer.byteLength(systemPrompt ?? '');
    if (bytes > PRESET_BYTES_MAX) return invalid('preset', `has ${bytes} bytes; it may have ${PRESET_BYTES_MAX}`);
    if (!known && this.list(workspaceId).length >= PRESETS_MAX)
      return invalid('slug', `would be a new preset, and there are ${PRESETS_MAX} already`);
    return undefined;
  }

  #next(workspaceId: string, slug: string, content: PresetContent, known: Preset | undefined, now: number): Preset {
    const id = known?.id ?? this.#newId();
    const fresh = { name: slug, description: null, status: 'active', statusUpdatedAt: null, createdAt: now } as const;
    const version = (known?.designated.version ?? 0) + 1;
    return {
      ...(known ?? fresh),
      id,
      workspaceId,
      slug,
      updatedAt: now,
      designated: { ...content, id: this.#newId(), presetId: id, version, createdAt: now },
    };
  }
}

/** No slug has a slash. */
const nameOf = (workspaceId: string, slug: string): string => `${workspaceId}/${slug}`;

const conflict = (slug: string): GatewayError =>
  gatewayError('preset_conflict', `Preset ${slug} is being written by somebody else; try again`);

const invalid = (path: string, message: string): GatewayError =>
  gatewayError('invalid_request', `${path}: ${message}`, { issues: [{ path, message }] });
